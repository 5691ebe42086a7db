"""An explorable as a piece of HTML that needs no kernel, no network and no other file."""

import base64
import gzip
import html
import io
import json

from PIL import Image

from utils.widgets import EXPLORABLE, MARKS, joined

# The parts are those of the module that Jupyter loads; all that they ask of a model is `get`, `on` and `send`. The still
# picture goes when the living one can be seen, and stays where the page's rules forbid that.
WAKE = """
const touch = () => {};
async function wake(el) {
  el.dataset.awake = "true";
  const state = { left: {}, ...JSON.parse(el.querySelector("script").textContent) };
  const stage = document.createElement("div");
  try {
    explorable({ model: { get: (name) => state[name], on() {}, send() {} }, el: stage });
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

    packed: with its module and its looks compressed, for a page that is kept in a notebook. Several may share a page. Where scripts do not run, or a frame cannot be shown, the picture, its alt text and its
    read-out remain.
    """
    return _body(explorable, max_frames, packed) + _module([explorable], packed)


def _body(explorable, max_frames=60, packed=False):
    still = _still(explorable, packed)
    if explorable.live_only:
        return f'<figure style="margin:0">{still}<p>This one needs a running notebook.</p></figure>'
    frames = explorable.frames if explorable.baked else explorable.baked_frames(max_frames)
    state = {"spec": explorable.spec, "frames": {key: _as_text(frame) for key, frame in frames.items()}}
    data = json.dumps(state | {"baked": True, "offline": True}).replace("<", "\\u003c")
    return f'<div data-explorable>{still}<script type="application/json">{data}</script></div>'


def _module(explorables, packed=False):
    """What wakes them; nothing where none can live, and no marks where no page is drawn."""
    alive = [explorable for explorable in explorables if not explorable.live_only]
    if not alive:
        return ""
    drawn = any(explorable.spec.get("page") for explorable in alive)
    looks = joined(["explorable/explorable.css", *(["explorable/marks.css"] if drawn else [])])
    module = joined([*EXPLORABLE, *(MARKS if drawn else [])]) + WAKE
    if packed:
        dress = f"document.head.append(Object.assign(document.createElement('style'), {{ textContent: {json.dumps(looks)} }}));\n"
        squeezed = base64.b64encode(gzip.compress((dress + module).encode(), 9, mtime=0)).decode()
        return f'<script type="module">{UNPACK.format(squeezed)}</script>'
    return f'<style>{looks}</style><script type="module">{module}</script>'


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
