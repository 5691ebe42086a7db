"""Marks: what the page draws from numbers.  A mark names arrays of `compute`; the browser draws, hovers, links and drags.

Colour says what a number is: kind "value" is blue, "gradient" vermilion, "parameter" green, "data" grey.
"""

from dataclasses import dataclass, field
from typing import ClassVar

from .formula import to_mathml
from .links import key, shape_of

KINDS = ("value", "gradient", "parameter", "data")
SVG_CELLS = 1600  # more cells than that are painted on a canvas, one pixel a cell
NUMBER_CELLS = 120  # up to that many cells show their numbers


@dataclass(frozen=True)
class Mark:
    """What all marks share.

    of: the array that is drawn, and the mark's name in links; label: the words above it; kind: one of KINDS; drag: the
    Array control that dragging an element changes, of the same shape as the array; pick: the slider or choice that a
    click on an element sets to the element's number; guess: "x" or "y", the axis of a curve, of points or of bars at
    which a number that was guessed at a quiz is drawn; "sketch" for a curve with xlim and ylim: the reader draws a line
    before the picture is uncovered.  A guessed choice is marked where a name of the mark says it.
    """

    of: str
    label: str = ""
    kind: str = "value"
    drag: str = ""
    pick: str = ""
    guess: str = field(default="", kw_only=True)
    mark: ClassVar[str] = ""
    guesses: ClassVar[tuple] = ("",)

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ValueError(f"kind: expected one of {', '.join(KINDS)}, got {self.kind!r}")
        if self.guess not in self.guesses:
            told = " or ".join(map(repr, self.guesses))
            raise ValueError(f"guess: expected {told} for {type(self).__name__}, got {self.guess!r}")

    def arrays(self):
        """The names of the arrays that it draws."""
        return (self.of,)

    def own_links(self):
        """Links that the mark brings itself."""
        return ()

    def shape(self, shapes):
        """Of its elements, as links count them."""
        return shape_of(self.of, shapes)

    def spec(self, shapes):
        """What the browser needs once.  ValueError for an array of the wrong shape."""
        return {
            "mark": self.mark,
            "of": self.of,
            "label": self.label or self.of,
            "kind": self.kind,
            "drag": self.drag,
            "pick": self.pick,
            "guess": self.guess,
            "shape": list(self.shape(shapes)),
        }

    def expect_axes(self, shapes, *allowed):
        shape = shape_of(self.of, shapes)
        if len(shape) not in allowed:
            wanted = " or ".join(map(str, allowed))
            raise ValueError(f"{type(self).__name__}({self.of!r}): expected {wanted} axes, got shape {shape}")
        return shape


@dataclass(frozen=True)
class Grid(Mark):
    """Cells with colours and, where there is room, numbers.  An array of one axis is a row.

    rows, columns: names of rows and columns as they are drawn; numbers: True or False, by the number of cells where
    omitted; limit: the largest absolute value of the colours, that of the array where omitted; digits: after the point;
    transposed: drawn with rows for columns, its elements called as in the array; shown: an array of the same shape,
    0 where there is no cell now; bar: whether the scale of the colours is shown.
    """

    rows: tuple = ()
    columns: tuple = ()
    numbers: bool | None = None
    limit: float | None = None
    digits: int = 2
    transposed: bool = False
    shown: str = ""
    bar: bool = True
    mark: ClassVar[str] = "grid"

    def arrays(self):
        return tuple(filter(None, (self.of, self.shown)))

    def shape(self, shapes):
        shape = self.expect_axes(shapes, 1, 2)
        if self.shown and shape_of(self.shown, shapes) != shape:
            raise ValueError(f"shown: expected shape {shape}, got {shape_of(self.shown, shapes)}")
        return shape if len(shape) == 2 else (1, *shape)

    def spec(self, shapes):
        rows, columns = self.shape(shapes)[:: -1 if self.transposed else 1]
        for name, given, count in (("rows", self.rows, rows), ("columns", self.columns, columns)):
            if given and len(given) != count:
                raise ValueError(f"{name}: expected {count} names for {self.of}, got {len(given)}")
        numbers = rows * columns <= NUMBER_CELLS if self.numbers is None else self.numbers
        return super().spec(shapes) | {
            "rows": list(map(str, self.rows)),
            "columns": list(map(str, self.columns)),
            "numbers": numbers,
            "canvas": rows * columns > SVG_CELLS and not self.transposed,
            "shape": [rows, columns],
            "transposed": self.transposed,
            "limit": self.limit,
            "digits": self.digits,
            "shown": self.shown,
            "bar": self.bar,
        }


@dataclass(frozen=True)
class Strip(Grid):
    """A sequence over time: a row for each channel, a narrow column for each step; the array is (channels, steps)."""

    mark: ClassVar[str] = "strip"

    def spec(self, shapes):
        return super().spec(shapes) | {"numbers": bool(self.numbers)}


@dataclass(frozen=True)
class Bars(Mark):
    """A bar for each number of an array of one axis.

    names: below the bars; limits: (low, high) of the axis, which otherwise follows the numbers, 0 included.
    """

    names: tuple = ()
    limits: tuple = ()
    digits: int = 2
    mark: ClassVar[str] = "bars"
    guesses: ClassVar[tuple] = ("", "y")

    def spec(self, shapes):
        (count,) = self.expect_axes(shapes, 1)
        if self.names and len(self.names) != count:
            raise ValueError(f"names: expected {count} names for {self.of}, got {len(self.names)}")
        return super().spec(shapes) | {
            "names": list(map(str, self.names)),
            "limits": list(self.limits),
            "digits": self.digits,
        }


@dataclass(frozen=True)
class Curve(Mark):
    """Lines over an axis, (points,) or (lines, points); x: the array of places, (points,), counted from 0 where omitted.

    log: "", "x", "y" or "xy"; xlim, ylim: limits of the axes, which otherwise follow the numbers; names: of the lines;
    also: further marks on the same axes, such as Points; xlabel, ylabel: words at the axes; pick: a slider that a click
    or a drag along the axis sets to the number of the nearest place of x; width, height: pixels; look: "", "dashed" or
    "bold", which is drawn in ink.
    On a log axis what is not above 0 is left out.
    """

    x: str = ""
    log: str = ""
    xlim: tuple = ()
    ylim: tuple = ()
    names: tuple = ()
    xlabel: str = ""
    ylabel: str = ""
    also: tuple = ()
    width: int = 380
    height: int = 220
    look: str = ""
    mark: ClassVar[str] = "curve"
    guesses: ClassVar[tuple] = ("", "x", "y", "sketch")

    def __post_init__(self):
        super().__post_init__()
        if self.guess == "sketch" and not (self.xlim and self.ylim):
            raise ValueError("guess: a sketch needs axes with xlim and ylim")

    def arrays(self):
        own = (self.of, self.x) if self.x else (self.of,)
        return own + tuple(name for mark in self.also for name in mark.arrays())

    def shape(self, shapes):
        shape = self.expect_axes(shapes, 1, 2)
        return (shape[0],) if len(shape) == 2 else (1,)

    def spec(self, shapes):
        points = shape_of(self.of, shapes)[-1:]
        if self.x and shape_of(self.x, shapes) != points:
            raise ValueError(f"x: {self.x} has shape {shape_of(self.x, shapes)}; expected {points}")
        return super().spec(shapes) | {
            "x": self.x,
            "log": self.log,
            "xlim": list(self.xlim),
            "ylim": list(self.ylim),
            "names": list(self.names),
            "xlabel": self.xlabel,
            "ylabel": self.ylabel,
            "also": [mark.spec(shapes) for mark in self.also],
            "width": self.width,
            "height": self.height,
            "look": self.look,
        }


@dataclass(frozen=True)
class Points(Curve):
    """Dots at (x, y): an array (points, 2); dragged, both numbers move, or one of them with along="x" or "y".

    names: beside the dots, on the side "right" or "left" where there is room.  A dot beyond the limits of the axes is drawn hollow, at their edge.
    With `along` the control may hold one number alone, (points,), and the other follows from it.
    """

    along: str = "xy"
    side: str = "right"
    mark: ClassVar[str] = "points"

    def shape(self, shapes):
        shape = self.expect_axes(shapes, 2)
        if shape[1] != 2:
            raise ValueError(f"Points({self.of!r}): expected shape (points, 2), got {shape}")
        return shape[:1]

    def spec(self, shapes):
        return super().spec(shapes) | {"along": self.along, "side": self.side}


@dataclass(frozen=True)
class Arrows(Mark):
    """Arrows on the axes of a curve, in its `also`: an array (arrows, 4), from (x, y) to (x, y).

    names: words at each, "" for none; numbers: the array, (arrows,), written after them, where omitted the way up;
    sides: where the words of each stand, "right" or "left" of its tip as long as there is room, or "above".
    """

    names: tuple = ()
    numbers: str = ""
    sides: tuple = ()
    digits: int = 2
    mark: ClassVar[str] = "arrows"

    def arrays(self):
        return tuple(filter(None, (self.of, self.numbers)))

    def shape(self, shapes):
        shape = self.expect_axes(shapes, 2)
        if shape[1] != 4:
            raise ValueError(f"Arrows({self.of!r}): expected shape (arrows, 4), got {shape}")
        return shape[:1]

    def spec(self, shapes):
        (count,) = self.shape(shapes)
        if self.numbers and shape_of(self.numbers, shapes) != (count,):
            raise ValueError(
                f"{self.numbers}: expected shape ({count},), got {shape_of(self.numbers, shapes)}"
            )
        sides = self.sides or ("right",) * count
        return super().spec(shapes) | {
            "names": list(self.names or ("",) * count), "numbers": self.numbers, "sides": list(sides), "digits": self.digits,
        }  # fmt: skip


@dataclass(frozen=True)
class Formula:
    """LaTeX, whose terms light up with the marks they speak of: \\term{weight}{W} belongs to the mark `weight`.

    of: the mark whose element under the pointer the second line writes out with its numbers, a sum of products of the
    marks `product` and, added once, those of `plus`, as the link says that joins them all; each may be omitted.
    kinds: {name: kind}, the colours of terms.
    """

    latex: str
    of: str = ""
    product: tuple = ()
    plus: tuple = ()
    label: str = ""
    digits: int = 2
    kinds: dict = field(default_factory=dict, hash=False)
    mark: ClassVar[str] = "formula"

    def arrays(self):
        return ()

    def spec(self, shapes):
        for name in filter(None, (self.of, *self.product, *self.plus)):
            shape_of(name, shapes)
        return {
            "mark": self.mark, "label": self.label, "of": self.of, "product": list(self.product),
            "plus": list(self.plus),
            "latex": self.latex, "mathml": to_mathml(self.latex, self.kinds), "digits": self.digits,
        }  # fmt: skip


@dataclass(frozen=True)
class Code:
    """A function of the course, line by line.

    lines: {line of the definition, from 1: the mark that lights up with it, or its elements, ((mark, place), ...)}.
    """

    source: object
    lines: dict = field(default_factory=dict, hash=False)
    label: str = ""
    mark: ClassVar[str] = "code"

    def arrays(self):
        return ()

    def spec(self, shapes):
        import inspect
        import textwrap

        text = self.source if isinstance(self.source, str) else inspect.getsource(self.source)
        listed = textwrap.dedent(text).rstrip().split("\n")
        for line, names in self.lines.items():
            for name in [names] if isinstance(names, str) else [name for name, _ in names]:
                shape_of(name, shapes)
            if not 1 <= line <= len(listed):
                raise ValueError(f"lines: there is no line {line}; the code has {len(listed)}")
        return {
            "mark": self.mark, "label": self.label, "text": listed,
            "lines": [
                [line - 1, names if isinstance(names, str) else [key(*element) for element in names]]
                for line, names in self.lines.items()
            ],
        }  # fmt: skip
