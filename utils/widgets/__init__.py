"""What all widgets of the course share: one ES module and one style sheet for a whole notebook, sent and stored once."""

import base64
import os
from functools import cache
from pathlib import Path
from uuid import uuid4

import anywidget
import traitlets

HERE = Path(__file__).parent
# an explorable whose picture comes from Python, and what one adds that the page draws
EXPLORABLE = ["widgets/dom.js", *(f"explorable/{name}.js" for name in ("controls", "picture", "explorable"))]
MARKS = [f"explorable/{name}.js" for name in ("grids", "plots", "graph", "layers", "marks")]
CARDS = ["exercises/cards.js"]
SCRIPTS = [*EXPLORABLE, *MARKS, *CARDS, "widgets/keep.js", "widgets/module.js"]
STYLES = ["explorable/explorable.css", "explorable/marks.css", "exercises/cards.css"]
# `python -m utils.notebooks html` asks for what a page needs, by this variable of the environment, under this type
OFFLINE_WANTED = "GRADIENTS_OFFLINE"
OFFLINE = "application/vnd.gradients-by-hand.offline+json"


def joined(names) -> str:
    """The text of several files of utils/, in order."""
    return "\n".join((HERE.parent / name).read_text(encoding="utf-8") for name in names)


@cache
def math_font() -> str:
    """The font of formulas as CSS: Chromium stretches roots and brackets only with one that is made for it."""
    data = base64.b64encode((HERE.parent / "explorable/fonts/math.woff").read_bytes()).decode()
    return (
        f'@font-face {{ font-family: "Course Math"; src: url(data:font/woff;base64,{data}) format("woff"); }}'
    )


class Library(anywidget.AnyWidget):
    """Never shown itself: it holds the module and the looks that all other widgets of a notebook ask it for."""

    _esm = "export default {}"
    _css = joined(STYLES) + math_font()
    source = traitlets.Unicode(joined(SCRIPTS)).tag(sync=True)
    # the one of this kernel, made when it is first needed
    only = None

    @classmethod
    def shared(cls) -> "Library":
        """The library of this kernel."""
        if cls.only is None or cls.only.comm is None:  # ipywidgets can close all widgets at once
            cls.only = cls()
        return cls.only


class CourseWidget(anywidget.AnyWidget):
    """A widget whose module is the shared one, and that a saved notebook keeps as the reader left it.

    kind: what the module draws.
    """

    _esm = joined(["widgets/ask.js"])
    kind = traitlets.Unicode().tag(sync=True)
    library = traitlets.Unicode().tag(sync=True)
    own_id = traitlets.Unicode().tag(sync=True)  # a page is not told the id of its widget

    def __init__(self, **traits):
        own_id = uuid4().hex
        super().__init__(model_id=own_id, own_id=own_id, library=Library.shared().model_id, **traits)

    def offline_state(self):
        """What a page without a kernel needs to bring it to life, as JSON; None where nothing can."""

    def _repr_mimebundle_(self, **kwargs):
        data, metadata = super()._repr_mimebundle_(**kwargs)
        if os.environ.get(OFFLINE_WANTED) and (state := self.offline_state()):
            data[OFFLINE] = state
        return data, metadata


class BrowserCard(CourseWidget):
    """A widget that is also plain text and HTML, for where no widget runs: fallback() -> (text, HTML)."""

    def __repr__(self):
        return self.fallback()[0]

    def _repr_mimebundle_(self, **kwargs):
        data, metadata = super()._repr_mimebundle_(**kwargs)
        text, html = self.fallback()
        return data | {"text/plain": text, "text/html": html}, metadata
