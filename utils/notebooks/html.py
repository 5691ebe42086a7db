"""html: a chapter as one page that lives without kernel and network, and a first page that leads to all of them."""

import base64
import mimetypes
import re
from html import escape, unescape
from importlib import resources
from pathlib import Path
from urllib.parse import unquote, urlsplit

import mistune
from nbconvert.filters import ansi2html
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from utils import style
from utils.explorable.formula import for_page, in_lines
from utils.explorable.offline import living, module_for, without_module
from utils.notebooks.files import BrokenFile, Remark, entry_named, find_notebooks, read_chapter, read_text
from utils.notebooks.markdown import PLACEHOLDERS, Document, anchor, take_out_math
from utils.notebooks.run import execute
from utils.readme import repository
from utils.register import written
from utils.widgets import OFFLINE, OFFLINE_WANTED, math_font

FOLDER = Path("build/html")
MOST_PAGE = 3_000_000  # bytes
# "default" for light, "github-dark" for dark: both can be read on their paper, as a test computes
LIGHT_CODE, DARK_CODE = "default", "github-dark"
CLASSES = {
    colour.lower(): name
    for name, colours in style.MEANINGS.items()
    for colour in colours
}  # fmt: skip
ALONE = (
    "This page needs neither Python nor a network. What was prepared answers: quizzes, and pictures at the settings that "
    "were drawn in advance. To run or change code, to drag, and to have exercises checked, open the notebook."
)
ADDRESS = re.compile(r"""(?<=[\s<])(href|src)=(["'])(.*?)\2""")


def html(root, chapter, out=None):
    """Write a chapter's page, or with "all" the pages of all chapters and the first page.  Yields remarks.

    chapter: its number or name, or "all"; out: the folder, build/html where omitted.  The notebook is executed for it, and
    stays as it is.
    """
    root = Path(root)
    folder = root / FOLDER if out is None else Path(out)
    try:
        paths = (
            find_notebooks(root)
            if chapter == "all"
            else [root / "chapters" / entry_named(root, chapter).file_name]
        )
        folder.mkdir(parents=True, exist_ok=True)
        for path in paths:
            yield from one_page(root, path, folder)
        if chapter == "all":
            yield from first_page(root, folder)
    except BrokenFile as broken:
        yield broken.remark


def one_page(root, path, folder):
    chapter = read_chapter(root, path)
    cell, failure, _ = execute(chapter, **{OFFLINE_WANTED: "1"})
    if failure:
        raise BrokenFile(chapter.name, f"cannot become a page: cell {cell} {failure}")
    text = page_of(chapter, root)
    target = folder / f"{path.stem}.html"
    target.write_text(text, encoding="utf-8")
    size = len(text.encode())
    yield Remark(chapter.name, f"became {path.stem}.html, {size / 1e6:.2f} MB", refused=False)
    if size > MOST_PAGE:
        yield Remark(f"{path.stem}.html", f"has {size / 1e6:.2f} MB; the limit is {MOST_PAGE / 1e6:.0f} MB")


def page_of(chapter, root):
    """The whole page of an executed chapter."""
    title, contents, states, body = "", [], [], []
    for number, cell in chapter.cells("markdown", "code"):
        if cell.cell_type == "markdown":
            try:
                piece, headings = prose(cell.source)
            except ValueError as error:
                raise BrokenFile(chapter.name, f"cell {number}: {error}") from None
            contents += headings
        else:
            piece = code(cell.source) + "".join(output(one, states) for one in cell.outputs)
        body.append(f'<section id="cell-id={escape(cell.id)}">{piece}</section>')
    title = unescape(re.sub(r"<[^>]+>", "", contents[0][2])) if contents else chapter.path.stem
    text = "\n".join([f'<p class="alone">{ALONE}</p>', listed(contents[1:]), *body, module_for(states)])
    return whole(title, addresses(text, root))


# ---- prose


class Renderer(mistune.HTMLRenderer):
    """HTML whose headings have the anchors that JupyterLab gives them, and are noted: (level, anchor, HTML)."""

    def __init__(self, anchors):
        super().__init__(escape=False)
        self.anchors, self.noted = iter(anchors), []

    def heading(self, text, level, **attributes):
        place = next(self.anchors)
        self.noted.append((level, place, text))
        link = f'<a class="anchor" href="#{escape(place)}" aria-label="link to this heading">#</a>'
        return f'<h{level} id="{escape(place)}">{text}{link}</h{level}>\n'

    def table(self, text):
        return f'<div class="wide" tabindex="0"><table>{text}</table></div>\n'

    def block_code(self, code, info=None):
        return highlighted(code) if (info or "").startswith("python") else f"<pre>{escape(code)}</pre>\n"


def prose(source):
    """(the HTML of a Markdown cell, its headings).  ValueError for a formula that cannot be shown."""
    stripped, math = take_out_math(source)
    renderer = Renderer(map(anchor, Document.parse(source).headings))
    parse = mistune.create_markdown(renderer=renderer, plugins=["table", "strikethrough"])
    formulas = [formula(piece) for piece in math]
    fill = lambda text: PLACEHOLDERS.sub(lambda match: formulas[int(match[1] or match[2])], text)
    return fill(parse(stripped)), [(level, place, fill(words)) for level, place, words in renderer.noted]


def formula(piece):
    """A piece of LaTeX with its dollars as HTML; an equation of its own may be scrolled, with its tag at the right."""
    display = piece.startswith(("$$", r"\begin"))
    mathml, tag = for_page(piece.strip("$"), display, CLASSES)
    if not display:
        return in_lines(mathml)
    told = f'<span class="tag">({escape(tag)})</span>' if tag else ""
    return f'<span class="equation"><span class="wide">{mathml}</span>{told}</span>'


def listed(headings):
    """The contents: sections, with what stands below them."""
    items = "".join(
        f'<li class="level-{level}"><a href="#{escape(place)}">{words}</a></li>'
        for level, place, words in headings
        if level <= 3
    )
    return (
        f"<nav><details><summary>Contents · 目录</summary><ul>{items}</ul></details></nav>" if items else ""
    )


# ---- code and what it printed


def highlighted(source):
    return highlight(source, PythonLexer(), HtmlFormatter(cssclass="code wide"))


def code(source):
    return highlighted(source) if source.strip() else ""


def output(one, states):
    """An output as HTML; what a page can bring to life is added to `states`."""
    if one.output_type == "stream":
        return printed(one.text)
    if one.output_type == "error":
        return printed("\n".join(one.traceback))
    data = one.data
    still = still_of(data, one.metadata)
    if "data-explorable" in still:
        still, inside = without_module(still)
        states += inside
    if state := data.get(OFFLINE):
        states.append(state)
        still = living(still, state)
    return f'<div class="output wide">{still}</div>'


def still_of(data, metadata):
    if "text/html" in data:
        return data["text/html"]
    for kind in ("image/png", "image/jpeg"):
        if kind in data:
            told = metadata.get(kind, {}).get("alt") or data.get("text/plain", "")
            return f'<img alt="{escape(told)}" src="data:{kind};base64,{data[kind].strip()}">'
    return data.get("image/svg+xml") or printed(data.get("text/plain", ""))


def printed(text):
    return f'<pre class="printed wide">{ansi2html(text)}</pre>'


# ---- the page around it


def addresses(text, root):
    """Links between chapters lead to their pages, pictures of the course are taken in, all else is in the repository."""

    def renamed(match):
        kind, quote, address = match[1], match[2], unescape(match[3])
        parts = urlsplit(address)
        if parts.scheme or not parts.path:
            return match[0]
        path = unquote(parts.path)
        if kind == "src":
            return f"{kind}={quote}{embedded(root / 'chapters' / path)}{quote}"
        if path.endswith(".ipynb") and (root / "chapters" / path).is_file() and "/" not in path:
            target = path.removesuffix(".ipynb") + ".html"
        elif path == "INDEX.md":
            target = "index.html"
        else:
            inside = (root / "chapters" / path).resolve().relative_to(root.resolve()).as_posix()
            target = f"{repository(root / 'pyproject.toml')}/blob/main/{inside}"
        anchored = f"#{parts.fragment}" if parts.fragment else ""
        return f"{kind}={quote}{escape(target + anchored)}{quote}"

    # what a script reads stays as it is
    pieces = re.split(r"(<script.*?</script>|<style.*?</style>)", text, flags=re.DOTALL)
    return "".join(piece if k % 2 else ADDRESS.sub(renamed, piece) for k, piece in enumerate(pieces))


def embedded(path):
    kind = mimetypes.guess_type(path.name)[0] or "image/png"
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def whole(title, body):
    """The HTML page: looks of its own, in light and dark, and nothing from elsewhere."""
    looks = resources.files("utils.notebooks").joinpath("page.css").read_text(encoding="utf-8")
    light, dark = (HtmlFormatter(style=name).get_style_defs(".code") for name in (LIGHT_CODE, DARK_CODE))
    looks = f"{math_font()}\n{light}\n@media (prefers-color-scheme: dark) {{ {dark} }}\n{looks}"
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}<title>{escape(title)}</title><style>{looks}</style></head>\n'
        f"<body><main>\n{body}\n</main></body></html>\n"
    )


def first_page(root, folder):
    """index.html: the chapters with their summaries, then the index of concepts."""
    rows = "".join(
        f'<li><a href="{entry.file_name}">{escape(entry.heading)}</a><br>{escape(entry.summary)}</li>'
        for entry in written(root).values()
    )
    name = "chapters/INDEX.md"
    index, headings = prose(read_text(name, root / name))
    text = f'<h1>Gradients by Hand</h1><ul class="chapters">{rows}</ul>{listed(headings)}{index}'
    page = whole("Gradients by Hand", addresses(text, root))
    (folder / "index.html").write_text(page, encoding="utf-8")
    yield Remark(name, f"became index.html, {len(page.encode()) / 1e6:.2f} MB", refused=False)
