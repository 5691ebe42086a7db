"""Looking at a piece of a page: what is wrong with it, and what is there to be seen."""

from pathlib import Path

from utils import style

from .complaints import PHONE

HERE = Path(__file__).parent
LOOKING = (HERE / "looking.js").read_text(encoding="utf-8")
SEEN = (HERE / "seen.js").read_text(encoding="utf-8")
# the smallest text of a matplotlib picture in the course's style, in pixels of a page
SIZES = (
    "font.size",
    "axes.titlesize",
    "axes.labelsize",
    "xtick.labelsize",
    "ytick.labelsize",
    "legend.fontsize",
)
PICTURE_TEXT = min(style.STYLE[name] for name in SIZES) * 100 / 72


def look(page, root, complaints, state=""):
    """Add to `complaints` what is wrong with the looks of an element; returns those that are new, as [kind, words]."""
    if page.evaluate("() => typeof globalThis.look !== 'function'"):
        page.evaluate(f"{LOOKING}; undefined")  # a function would be called
    options = {"phone": page.viewport_size["width"] <= PHONE, "pictureText": PICTURE_TEXT}
    found = page.evaluate("([root, options]) => look(root, options)", [root, options])
    return [one for one in found if complaints.add(*one, state)]
