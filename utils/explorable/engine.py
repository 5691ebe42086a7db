"""The explorable: Python computes, and draws or lets the page draw; an ES module in the browser owns the controls."""

import re

import traitlets

from utils.widgets import CourseWidget

from .bake import baked_states, frame_key
from .controls import Array, Canvas, Choice, Control, Slider, Switch, Text, as_control
from .offline import fragment, page, state_of
from .painters import MarksPainter, PicturePainter, check_functions
from .scene import ENCODINGS, Scene

OFFLINE_FRAMES = 20  # of matplotlib's pictures, on a page of a whole chapter

__all__ = ["Array", "Canvas", "Choice", "Explorable", "Scene", "Slider", "Switch", "Text", "page"]


class Explorable(CourseWidget):
    """A picture with controls that Python answers: live, baked, offline, or as a plain picture.

    Explorable(setup, update, ...), drawn by matplotlib: setup(fig) -> artists that move, in any dict or list;
    update(artists, **values) -> the read-out, a text.  Explorable(compute, marks=[...], ...), drawn by the page:
    compute(**values) -> {name: array, "readout": text};  marks: see `marks`;  links: see `links`.
    Every further keyword is a control: a sequence is a slider, an array of numbers to drag is Array(...), else Slider,
    Choice, Switch, Text or Canvas.

    title: a few words;  start: first values by name (a control's own start where omitted);  pick: see `picks.Pick`;
    actions: {name: function(**values) -> values to change, or None when there is nothing left to do}, a button each;
    play: names of the sliders that get play and step buttons, and of the actions that may go on by themselves;  presets: {name: values}, each a whole state, the start
    with these values changed;  figsize: inches, 100 px each on the page;  dpi: pixels per inch of the live picture;
    alt: the picture in words;  fmt: "png", "jpeg" or "webp", live;  stateful: True if `update` remembers earlier calls;
    guess: where matplotlib's picture shows a number that was guessed at a quiz, {"axes": 0, "along": "y"}; marks say it
    themselves.
    ValueError, naming the argument, for anything that does not fit together.

    A *state* below is {control's name: value as it travels to the browser}, see `controls`.
    """

    kind = traitlets.Unicode("explorable").tag(sync=True)
    spec = traitlets.Dict().tag(sync=True)
    frames = traitlets.Dict().tag(sync=True)
    baked = traitlets.Bool(False).tag(sync=True)
    # seconds until the browser says that the kernel is busy
    patience = 10
    # ipywidgets closes what is collected, even where __init__ refused its arguments
    painter, _opening, _closed = None, None, False

    def __init__(
        self,
        *functions,
        title,
        marks=None,
        links=(),
        start=None,
        pick=None,
        play=(),
        presets=None,
        actions=None,
        figsize=(8, 3.4),
        dpi=100,
        alt=None,
        fmt="png",
        stateful=False,
        guess=None,
        **controls,
    ):
        _check_options(title=title, figsize=figsize, dpi=dpi, alt=alt, fmt=fmt, stateful=stateful)
        self.controls = {name: as_control(name, given) for name, given in controls.items()}
        if not self.controls and marks is None:  # marks can be pointed at
            raise ValueError("controls: expected at least one, got none")
        wanted = ("setup", "update") if marks is None else ("compute",)
        if len(functions) != len(wanted):
            raise ValueError(f"expected {' and '.join(wanted)}, got {len(functions)} functions")
        check_functions(functions, wanted, self.controls)
        self.title, self.fmt, self._alt = title, fmt, alt
        self.live_only = stateful or not all(control.countable for control in self.controls.values())
        own = {name: control.encode(control.start) for name, control in self.controls.items()}
        self.start = self._state("start", {} if start is None else start, own)
        self.presets = self._check_presets(presets)
        self.actions = _check_actions(actions)
        self.play = self._check_play(play)
        if marks is None:
            self.painter = PicturePainter(*functions, figsize, dpi, pick, self.controls, guess)
        else:
            self.painter = MarksPainter(*functions, marks, links)
            self.painter.shape_by(self._decode(self.start))
        self._current = self.start
        super().__init__(spec=self._spec())
        self.on_msg(self._answer)

    def values(self) -> dict:
        """The values shown last."""
        return self._decode(self._current)

    @property
    def scene(self):
        """Matplotlib's scene; None where the page draws."""
        return self.painter.scene

    def draw(self, state) -> str:
        """Paint a state and return the read-out; whatever the reader's functions raise passes through."""
        readout = self.painter.draw(self._decode(state))
        self._current = state
        return readout

    def frame(self, state, fmt) -> dict:
        """What the browser shows for a state: the read-out, and the encoded picture or the numbers."""
        if self._closed:
            raise ValueError("this explorable is closed: run its cell again")
        frame = self.painter.frame(self._decode(state), fmt)
        self._current = state
        return frame

    def at(self, **values) -> tuple[bytes, str]:
        """The picture and the read-out for the start with some values changed; ValueError names a wrong one."""
        frame = self.frame(self._state("at", values, self.start), self.fmt)
        return frame["data"], frame["readout"]

    def handle(self, message) -> tuple[dict, list]:
        """Answer a message of the browser with exactly one frame or one error: (reply, buffers).

        message: {"kind": "values", "seq": anything, "values": a state}, or kind "action" with its "name": the reply then
        holds the state that it led to, and whether that was the end.  Nothing is raised, not even by a Ctrl-C that ends
        a slow `update`: the picture stays, the page lives on.
        """
        seq = message.get("seq") if isinstance(message, dict) else None
        try:
            state, led_to = self._read(message), {}
            if message["kind"] == "action":
                changed = self.actions[message["name"]](**self._decode(state))
                state = self._state(message["name"], changed or {}, state)
                led_to = {"values": state, "done": changed is None}
            frame = self.frame(state, self.fmt) | led_to
        except (Exception, KeyboardInterrupt) as error:
            return {"kind": "error", "seq": seq, "error": _in_words(error)}, []
        data = frame.pop("data")
        return {"kind": "frame", "seq": seq} | frame, [data]

    def baked_frames(self, max_frames=60, fmt="webp") -> dict:
        """The frames of `bake`, by their keys."""
        if self.live_only:
            raise ValueError("bake: expected sliders, choices and switches, without state; this is live only")
        frames = {}
        for state in baked_states(self.controls, self.start, self.presets.values(), max_frames):
            try:
                frames[frame_key(state)] = self.frame(state, fmt)
            except Exception as error:
                error.add_note(f"while baking {self.describe(state)}")
                raise
        return frames

    def bake(self, max_frames=60) -> "Explorable":
        """Draw up to `max_frames` settings in advance and return self, which then lives without a kernel too.

        ValueError if it has a text, a canvas or state, or more presets than frames; whatever `update` raises.
        """
        frames = self.baked_frames(max_frames)
        with self.hold_sync():
            self.frames, self.baked = frames, True
        return self

    def to_html(self, max_frames=60) -> str:
        """A piece of HTML that is alive without kernel, network and other files; see `page` for a whole one."""
        return fragment(self, max_frames)

    def offline_state(self):
        return state_of(self, OFFLINE_FRAMES if self.scene else 60, "small")

    def poster(self) -> bytes:
        """The start as a palette PNG of at most 40 kB; blank if `update` raised."""
        return self._open()[2]

    def readout(self) -> str:
        """The read-out of the start, or what `update` raised."""
        return self._open()[0]

    def alt(self) -> str:
        """The picture in words, for those who cannot see it."""
        return self._alt or f"{self.title}: {self.describe(self.start)}; {_in_one_line(self.readout())}"

    def describe(self, state) -> str:
        """A state as text: T=1, query=0."""
        return ", ".join(f"{name}={self.controls[name].describe(wire)}" for name, wire in state.items())

    def close(self):
        """End the widget and let go of its figure."""
        self._closed = True
        if self.painter is not None:
            self.painter.close()
        super().close()

    def __repr__(self):
        if self._closed and not self._opening:
            return f"<{self.title} | closed>"
        parts = [self.title, self.describe(self.start), _in_one_line(self.readout())]
        return f"<{' | '.join(filter(None, parts))}>"

    def with_opening(self) -> "Explorable":
        """Send the first picture with the widget, because a kernel that is busy with "Run all" answers nobody."""
        _, frame, _ = self._open()
        if frame and not self.frames:
            self.frames = {"start" if self.live_only else frame_key(self.start): frame}
        return self

    def _repr_mimebundle_(self, **kwargs):
        _, _, poster = self.with_opening()._open()
        data, metadata = super()._repr_mimebundle_(**kwargs)
        data |= {"text/plain": repr(self), "image/png": poster}
        return data, metadata | {"image/png": {"alt": self.alt()}}

    def _open(self):
        """The start's read-out, frame and poster, drawn when first asked for."""
        if self._opening is None:
            try:
                frame = self.frame(self.start, "webp")
                readout = frame["readout"]
                self._opening = readout, frame, self.painter.poster(self.title, readout)
            except Exception as error:
                words = _in_words(error)
                self._opening = words, None, self.painter.blank(self.title, words)
        return self._opening

    def _answer(self, _, message, __):
        if not (isinstance(message, dict) and message.get("kind") == "ping"):
            self.send(*self.handle(message))

    def _read(self, message):
        """The state in a message; ValueError for a malformed one."""
        kind = message.get("kind") if isinstance(message, dict) else None
        known = kind == "values" or (kind == "action" and message.get("name") in self.actions)
        given = message.get("values") if known else None
        if not isinstance(given, dict) or set(given) != set(self.controls):
            raise ValueError(f"message: expected values for {', '.join(self.controls)}")
        state = {name: given[name] for name in self.controls}
        self._decode(state)
        return state

    def _decode(self, state):
        return {name: _named(name, self.controls[name].decode, wire) for name, wire in state.items()}

    def _state(self, argument, values, base):
        """The state `base` with some values changed; ValueError names the argument."""
        if not isinstance(values, dict):
            raise ValueError(f"{argument}: expected a dict of values by control, got {values!r}")
        unknown = [name for name in values if name not in self.controls]
        if unknown:
            known = ", ".join(self.controls)
            raise ValueError(f"{argument}: no control is called {unknown[0]!r}; there are: {known}")
        encode = {name: self.controls[name].encode for name in values}
        return base | {n: _named(f"{argument}: {n}", encode[n], value) for n, value in values.items()}

    def _check_presets(self, presets):
        if presets is None:
            dragged = any(isinstance(control, Array) for control in self.controls.values())
            presets = {"reset": {}} if dragged else {}
        if not isinstance(presets, dict):
            raise ValueError(f"presets: expected a dict of dicts by name, got {presets!r}")
        return {str(n): self._state(f"presets: {n}", values, self.start) for n, values in presets.items()}

    def _check_play(self, play):
        names = [play] if isinstance(play, str) else play
        if not isinstance(names, (list, tuple)):
            raise ValueError(f"play: expected names of sliders, got {play!r}")
        for name in names:
            if name not in self.actions and not isinstance(self.controls.get(name), Slider):
                known = ", ".join(self.controls)
                raise ValueError(f"play: no slider is called {name!r}; the controls are: {known}")
        return list(names)

    def _spec(self):
        # what has an order travels as a list: a saved notebook sorts the names of a dict
        controls = [{"name": name} | control.spec() for name, control in self.controls.items()]
        presets = [{"name": name, "values": values} for name, values in self.presets.items()]
        return {
            "title": self.title,
            "alt": self._alt or self.title,
            "controls": controls,
            "start": self.start,
            "presets": presets,
            "actions": list(self.actions),
            "play": self.play,
            "cache": not self.live_only,
            "patience": self.patience,
        } | self.painter.spec()


def _check_options(*, title, figsize, dpi, alt, fmt, stateful):
    pair = isinstance(figsize, (list, tuple)) and len(figsize) == 2
    numbers = all(isinstance(inches, (int, float)) and inches > 0 for inches in figsize) if pair else False
    checks = [
        ("title", title, isinstance(title, str) and title.strip(), "a few words"),
        ("figsize", figsize, numbers, "(width, height) in inches"),
        ("dpi", dpi, isinstance(dpi, (int, float)) and dpi > 0, "pixels per inch, a positive number"),
        ("alt", alt, alt is None or isinstance(alt, str), "a text or None"),
        ("fmt", fmt, isinstance(fmt, str) and fmt in ENCODINGS, f"one of {', '.join(ENCODINGS)}"),
        ("stateful", stateful, isinstance(stateful, bool), "True or False"),
    ]
    for name, given, good, expected in checks:
        if not good:
            meant_as_control = isinstance(given, (list, tuple, range, Control))
            hint = f"; a control cannot be called {name}" if meant_as_control else ""
            raise ValueError(f"{name}: expected {expected}, got {given!r}{hint}")


def _check_actions(actions):
    actions = {} if actions is None else actions
    if not isinstance(actions, dict) or not all(map(callable, actions.values())):
        raise ValueError(f"actions: expected a dict of functions by name, got {actions!r}")
    return dict(actions)


def _named(name, function, value):
    """function(value), whose ValueError then begins with a name."""
    try:
        return function(value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _in_words(error):
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _in_one_line(text):
    return re.sub(r"\s*\n\s*", "; ", text.strip())
