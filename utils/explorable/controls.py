"""The controls of an explorable: what each one accepts, and how its value travels to the browser and back."""

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from numbers import Real

import numpy as np

# A row of buttons up to this many characters, a drop-down list beyond.
SEGMENTED_CHARACTERS = 32


class Control(ABC):
    """What all controls share: a label, a start value, and two codecs.

    `encode` turns a value into what travels (an index, a text, a list of numbers) and raises ValueError for a
    value that the control does not have; `decode` turns it back and raises ValueError for anything malformed.
    """

    kind = ""
    countable = False

    def __init__(self, start, label):
        self.start, self.label = start, label

    @abstractmethod
    def encode(self, value):
        """The value as it travels."""

    @abstractmethod
    def decode(self, wire):
        """What travels as a value."""

    @abstractmethod
    def describe(self, wire) -> str:
        """What travels, as a reader sees it."""

    @abstractmethod
    def samples(self, rng) -> list:
        """Values (as they travel) that a sweep tries."""

    def prepared(self) -> list:
        """Values (as they travel) that are drawn in advance for a page without kernel."""
        return [self.encode(self.start)]

    def spec(self) -> dict:
        """What the browser needs in order to build the control."""
        return {"kind": self.kind, "label": self.label}


class Options(Control):
    """A control with a finite list of values; their positions travel."""

    countable = True

    def __init__(self, values, label=None, format=None):
        self.values = _values(values)
        self.format = format
        super().__init__(self.values[0], label)
        self.texts = [self._text(value) for value in self.values]

    def _text(self, value):
        if callable(self.format):
            return str(self.format(value))
        if self.format is not None:
            return self.format.format(value)
        return f"{value:g}" if isinstance(value, (float, np.floating)) else str(value)

    def encode(self, value):
        for index, known in enumerate(self.values):
            if _same(known, value):
                return index
        raise ValueError(f"expected one of {', '.join(self.texts)}, got {value!r}")

    def decode(self, wire):
        if type(wire) is not int or not 0 <= wire < len(self.values):
            raise ValueError(f"expected a position from 0 to {len(self.values) - 1}, got {wire!r}")
        return self.values[wire]

    def describe(self, wire):
        return self.texts[wire]

    def samples(self, rng):
        return list(range(len(self.values)))

    prepared = lambda self: list(range(len(self.values)))

    def spec(self):
        return super().spec() | {"texts": self.texts}


class Slider(Options):
    """A slider over a sequence of values (numbers, texts, anything).

    format: a format string ("{:.2f}") or a function from a value to its text; pace: milliseconds between two values
    when it plays, some seconds for all of them where omitted.
    """

    kind = "slider"

    def __init__(self, values, label=None, format=None, pace=None):
        super().__init__(values, label, format)
        if pace is not None and not (isinstance(pace, Real) and pace > 0):
            raise ValueError(f"pace: expected milliseconds, a positive number, got {pace!r}")
        self.pace = pace

    def spec(self):
        return super().spec() | ({} if self.pace is None else {"pace": self.pace})


class Choice(Options):
    """A row of buttons, or a drop-down list where they would not fit."""

    kind = "choice"

    def spec(self):
        return super().spec() | {"segmented": sum(map(len, self.texts)) <= SEGMENTED_CHARACTERS}


class Switch(Options):
    """A box to tick; the value is False or True."""

    kind = "switch"

    def __init__(self, value=False, label=None):
        super().__init__([False, True], label, format=lambda on: "on" if on else "off")
        self.encode(value)
        self.start = bool(value)

    def encode(self, value):
        if not isinstance(value, (bool, np.bool_)):
            raise ValueError(f"expected True or False, got {value!r}")
        return int(value)


class Text(Control):
    """A line of text, live only."""

    kind = "text"

    def __init__(self, value="", label=None, max_length=200):
        self.max_length = max_length
        super().__init__(value, label)
        self.encode(value)

    def encode(self, value):
        if not isinstance(value, str) or len(value) > self.max_length:
            raise ValueError(f"expected a text of at most {self.max_length} characters, got {value!r}")
        return value

    decode = encode

    def describe(self, wire):
        return repr(wire)

    def samples(self, rng):
        start = self.start
        return [start, start[: len(start) // 2], f"{start} {start}"[: self.max_length]]

    def spec(self):
        return super().spec() | {"max_length": self.max_length}


class Canvas(Control):
    """A grid to draw on with mouse, finger or keys, live only; the value is a float array of `shape`, 0 to 1."""

    kind = "canvas"

    def __init__(self, shape=(8, 8), value=None, label=None):
        sizes = shape if isinstance(shape, (tuple, list)) else ()
        if len(sizes) != 2 or not all(isinstance(size, (int, np.integer)) and size >= 1 for size in sizes):
            raise ValueError(f"shape: expected (rows, columns), got {shape!r}")
        self.shape = tuple(int(size) for size in shape)
        super().__init__(np.zeros(self.shape) if value is None else np.array(value, float), label)
        self.encode(self.start)

    def encode(self, value):
        value = np.asarray(value, float)
        if value.shape != self.shape:
            raise ValueError(f"expected an array of shape {self.shape}, got shape {value.shape}")
        if not ((value >= 0) & (value <= 1)).all():
            raise ValueError("expected an array with values from 0 to 1, got values outside")
        return value.round(3).ravel().tolist()

    def decode(self, wire):
        cells = math.prod(self.shape)
        if not isinstance(wire, list) or len(wire) != cells:
            raise ValueError(f"expected a list of {cells} numbers")
        if not all(type(cell) in (int, float) and 0 <= cell <= 1 for cell in wire):
            raise ValueError("expected numbers from 0 to 1")
        return np.array(wire, float).reshape(self.shape)

    def describe(self, wire):
        return "x".join(map(str, self.shape)) + " drawing"

    def samples(self, rng):
        cells = math.prod(self.shape)
        return [self.encode(self.start), [0.0] * cells, [1.0] * cells, rng.random(cells).round(3).tolist()]

    def spec(self):
        return super().spec() | {"shape": self.shape}


class Array(Control):
    """Numbers to drag in a mark; the value is a float array.  Whole steps of `step` travel, as a list.

    low, high: limits of every number, or None.  A page without kernel shows the states that were prepared.
    """

    kind = "array"
    countable = True

    def __init__(self, value, step=0.05, low=None, high=None, label=None):
        value = np.array(value, float)
        if not (isinstance(step, Real) and 0 < step < math.inf):
            raise ValueError(f"step: expected a positive number, got {step!r}")
        self.shape, self.step = value.shape, float(step)
        self.low, self.high = (None if limit is None else round(limit / self.step) for limit in (low, high))
        super().__init__(value, label)
        self.start = self.decode(self.encode(value))

    def encode(self, value):
        value = np.asarray(value, float)
        if value.shape != self.shape or not np.isfinite(value).all():
            raise ValueError(f"expected finite numbers of shape {self.shape}, got {value!r}")
        wires = [round(number / self.step) for number in value.ravel().tolist()]
        self._check(wires)
        return wires

    def decode(self, wire):
        if not isinstance(wire, list) or len(wire) != math.prod(self.shape):
            raise ValueError(f"expected a list of {math.prod(self.shape)} whole numbers")
        if not all(type(number) is int and abs(number) < 2**40 for number in wire):
            raise ValueError("expected whole numbers, the steps")
        self._check(wire)
        return np.array(wire, float).reshape(self.shape) * self.step

    def _check(self, wires):
        low, high = (
            (-math.inf if self.low is None else self.low),
            (math.inf if self.high is None else self.high),
        )
        if not all(low <= wire <= high for wire in wires):
            raise ValueError(f"expected numbers from {low * self.step:g} to {high * self.step:g}")

    def describe(self, wire):
        return "[" + " ".join(f"{number * self.step:g}" for number in wire) + "]"

    def samples(self, rng):
        start = self.encode(self.start)
        limits = [
            limit if limit is not None else 20 * sign for limit, sign in ((self.low, -1), (self.high, 1))
        ]
        low, high = limits if limits[0] < limits[1] else (limits[0] - 20, limits[0] + 20)
        ends = [[end] * len(start) for end in (low, high)]
        return [start, *ends, rng.integers(low, high, len(start), endpoint=True).tolist()]

    def spec(self):
        return super().spec() | {
            "shape": list(self.shape),
            "step": self.step,
            "low": self.low,
            "high": self.high,
        }


def as_control(name: str, given) -> Control:
    """The control that an argument stands for: itself, or a slider over a sequence; labelled by its name."""
    try:
        control = copy.copy(given) if isinstance(given, Control) else Slider(given)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    control.label = control.label or name.replace("_", " ")
    return control


def _values(values) -> list:
    if isinstance(values, np.ndarray):
        values = values.tolist()
    if not isinstance(values, Sequence) or isinstance(values, (str, bytes)):
        hint = "; a box to tick is Switch(...)" if isinstance(values, bool) else ""
        hint = "; a line of text is Text(...)" if isinstance(values, str) else hint
        raise ValueError(f"expected a sequence of values or a control, got {values!r}{hint}")
    if len(values) == 0:
        raise ValueError("expected at least one value, got an empty sequence")
    return list(values)


def _same(known, value) -> bool:
    """Equal, where the last bits of a float do not count (np.linspace(0, 1, 11)[3] is not 0.3)."""
    if isinstance(known, Real) and isinstance(value, Real):
        near_zero = 0 in (known, value) and abs(known - value) < 1e-12
        return near_zero or math.isclose(known, value, rel_tol=1e-9)
    return known is value or (type(known) is type(value) and np.array_equal(known, value))
