"""Explorables and quizzes as HTML that needs no kernel, no network and no other file."""

import base64
import gzip
import html
import io
import json
import re

from PIL import Image

from utils.widgets import CARDS, EXPLORABLE, MARKS, joined, math_font

# The parts are those of the module that Jupyter loads; all that they ask of a model is `get`, `set`, `on`, `send` and,
# for the picture behind a quiz, the other model. The still picture goes when the living one can be seen, and stays
# where the page's rules forbid that.
WAKE = """
const touch = () => {};
// what this module can draw; another one on the same page may draw the rest
const drawn = { picture: explorable, ...(typeof marksStage === "function" && { marks: explorable }), ...(typeof quiz === "function" && { quiz }) };
function modelOf(state) {
  return {
    get: (name) => state[name],
    set: (name, value) => (state[name] = value),
    on() {}, send() {}, save_changes() {},
    widget_manager: { get_model: async () => modelOf({ left: {}, ...state.picture }) },
  };
}
async function wake(el) {
  if (!drawn[el.dataset.explorable]) return;
  el.dataset.awake = "true";
  const state = { left: {}, ...JSON.parse(el.querySelector("script").textContent) };
  const stage = document.createElement("div");
  try {
    drawn[el.dataset.explorable]({ model: modelOf(state), el: stage });
    await stage.querySelector("img")?.decode();
    el.replaceChildren(stage);
  } catch (error) {
    console.info("the picture stays still:", error);
  }
}
document.querySelectorAll("[data-explorable]:not([data-awake])").forEach(wake);
"""


# A module as it travels where every byte counts; the browser unpacks it.
UNPACK = """
const packed = Uint8Array.from(atob("{}"), (letter) => letter.charCodeAt(0));
const source = await new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
const address = URL.createObjectURL(new Blob([source], {{ type: "text/javascript" }}));
await import(address);
"""


def fragment(explorable, max_frames=60, packed=False) -> str:
    """A self-contained piece of HTML: the controls and up to `max_frames` frames, or only the picture if it is live only.

    packed: with its module and its looks compressed, for a page that is kept in a notebook. Several may share a page.
    Where scripts do not run, or a frame cannot be shown, the picture, its alt text and its read-out remain.
    """
    return _body(explorable, max_frames, packed) + _module([explorable], packed)


def state_of(explorable, max_frames=60, fmt="webp") -> dict:
    """What a page keeps of an explorable, as JSON: up to `max_frames` frames, or that of the start if it is live only.

    Frames that were baked before are kept where `fmt` is "webp"; "small" bakes anew.
    """
    if explorable.live_only:
        frames = explorable.with_opening().frames
    elif explorable.baked and fmt == "webp":
        frames = explorable.frames
    else:
        frames = explorable.baked_frames(max(max_frames, 1 + len(explorable.presets)), fmt)
    frames = {key: _as_text(frame) for key, frame in frames.items()}
    return {"kind": "explorable", "spec": explorable.spec, "frames": frames, "baked": True, "offline": True}


def living(still, state) -> str:
    """The piece of HTML that the module wakes; `still` is shown until then."""
    data = json.dumps(state).replace("<", "\\u003c")
    kind = "quiz" if state["kind"] == "quiz" else "marks" if state["spec"].get("page") else "picture"
    return f'<div data-explorable="{kind}">{still}<script type="application/json">{data}</script></div>'


STATE = re.compile(r'<script type="application/json">(.*?)</script>', re.DOTALL)
MODULE = re.compile(r'(?:<style>[^<]*</style>)*<script type="module">.*?</script>', re.DOTALL)


def without_module(text):
    """(HTML that holds fragments without the modules that wake them, their states), for a page that has one for all."""
    return MODULE.sub("", text), [json.loads(found[1]) for found in STATE.finditer(text)]


def module_for(states, packed=False) -> str:
    """The looks and the module that wake these states, once for a page, compressed if so wanted; nothing where none is alive."""
    pictures = [one for state in states for one in (state, state.get("picture") or {}) if "frames" in one]
    drawn = any(one["spec"].get("page") for one in pictures)
    asked = any(state["kind"] == "quiz" for state in states)
    if not states:
        return ""
    looks = ["explorable/explorable.css", *(["explorable/marks.css"] if drawn else [])]
    scripts = [*EXPLORABLE, *(MARKS if drawn else []), *(CARDS if asked else [])]
    looks = joined(looks + (["exercises/cards.css"] if asked else []))
    module = joined(scripts) + WAKE
    if packed:
        dress = f"document.head.append(Object.assign(document.createElement('style'), {{ textContent: {json.dumps(looks)} }}));\n"
        squeezed = base64.b64encode(gzip.compress((dress + module).encode(), 9, mtime=0)).decode()
        return f'<script type="module">{UNPACK.format(squeezed)}</script>'
    return f'<style>{looks}</style><script type="module">{module}</script>'


def _body(explorable, max_frames=60, packed=False):
    still = _still(explorable, packed)
    if explorable.live_only:
        return f'<figure style="margin:0">{still}<p>This one needs a running notebook.</p></figure>'
    return living(still, state_of(explorable, max_frames))


def _module(explorables, packed=False):
    """What wakes them; nothing where none can live, and no marks where no page is drawn."""
    alive = [explorable for explorable in explorables if not explorable.live_only]
    marks = [mark for one in alive for mark in (one.spec.get("page") or {}).get("marks", ())]
    font = any(mark["mark"] == "formula" for mark in marks)
    states = [{"kind": "explorable", "spec": one.spec, "frames": {}} for one in alive]
    return (f"<style>{math_font()}</style>" if font else "") + module_for(states, packed)


def page(parts, title) -> str:
    """A whole HTML page out of explorables and pieces of HTML, in order."""
    body = "\n".join(part if isinstance(part, str) else _body(part) for part in parts)
    body += _module([part for part in parts if not isinstance(part, str)])
    head = f'<meta charset="utf-8"><title>{html.escape(title)}</title>'
    view = '<meta name="viewport" content="width=device-width, initial-scale=1">'
    look = "<style>body{max-width:54rem;margin:2rem auto;padding:0 1rem;font:16px/1.5 system-ui,sans-serif}</style>"
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}{view}{look}</head>\n<body>\n{body}\n</body></html>\n'
    )


def _still(explorable, packed=False):
    picture = explorable.poster()
    kind, data = ("webp", in_few_colours(picture)) if packed else ("png", picture)
    picture = base64.b64encode(data).decode()
    alt, readout = html.escape(explorable.alt()), html.escape(explorable.readout())
    image = f'<img alt="{alt}" src="data:image/{kind};base64,{picture}" style="max-width:100%">'
    return f"<p><strong>{html.escape(explorable.title)}</strong></p>{image}<pre>{readout}</pre>"


def in_few_colours(picture, colours=8):
    """An encoded picture, encoded again in fewer bytes."""
    few = Image.open(io.BytesIO(picture)).convert("RGB").quantize(colours, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    few.convert("RGB").save(buffer, format="WEBP", lossless=True, method=6, quality=100)
    return buffer.getvalue()


def _as_text(frame):
    return frame | {"data": base64.b64encode(frame["data"]).decode()}
