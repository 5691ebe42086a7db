"""Marks: what the page draws from numbers.  A mark names arrays of `compute`; the browser draws, hovers, links and drags.

Colour says what a number is: kind "value" is blue, "gradient" vermilion, "parameter" green, "data" grey.
"""

from dataclasses import dataclass, field
from typing import ClassVar

from .formula import to_mathml
from .links import Pairs, shape_of

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

    rows, columns: names of rows and columns; numbers: True or False, by the number of cells where omitted; limit: the
    largest absolute value of the colours, that of the array where omitted; digits: after the point.
    """

    rows: tuple = ()
    columns: tuple = ()
    numbers: bool | None = None
    limit: float | None = None
    digits: int = 2
    mark: ClassVar[str] = "grid"

    def shape(self, shapes):
        shape = self.expect_axes(shapes, 1, 2)
        return shape if len(shape) == 2 else (1, *shape)

    def spec(self, shapes):
        rows, columns = self.shape(shapes)
        for name, given, count in (("rows", self.rows, rows), ("columns", self.columns, columns)):
            if given and len(given) != count:
                raise ValueError(f"{name}: expected {count} names for {self.of}, got {len(given)}")
        numbers = rows * columns <= NUMBER_CELLS if self.numbers is None else self.numbers
        return super().spec(shapes) | {
            "rows": list(map(str, self.rows)),
            "columns": list(map(str, self.columns)),
            "numbers": numbers,
            "canvas": rows * columns > SVG_CELLS,
            "limit": self.limit,
            "digits": self.digits,
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
    also: further marks on the same axes, such as Points; xlabel, ylabel: words at the axes.
    """

    x: str = ""
    log: str = ""
    xlim: tuple = ()
    ylim: tuple = ()
    names: tuple = ()
    xlabel: str = ""
    ylabel: str = ""
    also: tuple = ()
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
        }


@dataclass(frozen=True)
class Points(Curve):
    """Dots at (x, y): an array (points, 2); dragged, both numbers move, or one of them with along="x" or "y"."""

    along: str = "xy"
    mark: ClassVar[str] = "points"

    def shape(self, shapes):
        shape = self.expect_axes(shapes, 2)
        if shape[1] != 2:
            raise ValueError(f"Points({self.of!r}): expected shape (points, 2), got {shape}")
        return shape[:1]

    def spec(self, shapes):
        return super().spec(shapes) | {"along": self.along}


@dataclass(frozen=True)
class Graph(Mark):
    """Nodes joined by edges, values in the nodes and weights on the edges.

    of: the array of the nodes' values, (nodes,); places: (x, y) of every node, x to the right, y down, any unit;
    edges: (from, to) by number, first those with weights; weights: their array, which `drag` changes, edge k the number
    drag_index[k] of the control, k where omitted; pick: a click on an edge sets it to drag_index[k], without weights a
    click on a node; names, edge_names: shown beside the numbers; gradients, weight_gradients: arrays of the same
    shapes, in vermilion below the values; shown, weights_shown: arrays, 0 where nothing is known yet, 1 where the
    value is, 2 where the gradient is too; marked: array, (edges,), not 0 where an edge is to be followed by the eye;
    quiet: numbers of edges without numbers of their own; width: pixels, at most.
    In links the nodes are called by `of`, the edges by `weights`.
    """

    places: tuple = ()
    edges: tuple = ()
    weights: str = ""
    names: tuple = ()
    edge_names: tuple = ()
    gradients: str = ""
    weight_gradients: str = ""
    shown: str = ""
    weights_shown: str = ""
    marked: str = ""
    drag_index: tuple = ()
    quiet: tuple = ()
    width: int = 860
    digits: int = 3
    mark: ClassVar[str] = "graph"

    def arrays(self):
        further = (
            self.weights,
            self.gradients,
            self.weight_gradients,
            self.shown,
            self.weights_shown,
            self.marked,
        )
        return tuple(filter(None, (self.of, *further)))

    def own_links(self):
        """Every edge with a weight belongs to its two nodes."""
        weighted = [k for k in range(len(self.edges)) if self.weights and k not in self.quiet]
        pairs = tuple(((self.weights, (k,)), (self.of, (end,))) for k in weighted for end in self.edges[k])
        return (Pairs(pairs),) if pairs else ()

    def spec(self, shapes):
        (count,) = self.expect_axes(shapes, 1)
        if len(self.places) != count or (self.names and len(self.names) != count):
            raise ValueError(f"places, names: expected {count} for the nodes of {self.of}")
        weighted = shape_of(self.weights, shapes)[0] if self.weights else 0
        if weighted > len(self.edges):
            raise ValueError(f"{self.weights}: expected at most {len(self.edges)} weights, got {weighted}")
        for name, expected in (
            *((name, count) for name in (self.gradients, self.shown)),
            *((name, weighted) for name in (self.weights, self.weight_gradients, self.weights_shown)),
            (self.marked, len(self.edges)),
        ):
            if name and shape_of(name, shapes) != (expected,):
                raise ValueError(f"{name}: expected shape ({expected},), got {shape_of(name, shapes)}")
        if not all(0 <= end < count for edge in self.edges for end in edge):
            raise ValueError(f"edges: expected pairs of nodes from 0 to {count - 1}")
        return super().spec(shapes) | {
            "places": [list(map(float, place)) for place in self.places],
            "edges": [list(map(int, edge)) for edge in self.edges],
            "weighted": weighted,
            "weights": self.weights,
            "names": list(self.names),
            "edgeNames": list(self.edge_names),
            "gradients": self.gradients,
            "weightGradients": self.weight_gradients,
            "shown": self.shown,
            "weightsShown": self.weights_shown,
            "marked": self.marked,
            "quiet": list(self.quiet),
            "width": self.width,
            "dragIndex": list(self.drag_index or range(weighted)),
            "digits": self.digits,
        }


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
    """A function of the course, line by line; lines: {line of the definition, from 1: mark that lights up with it}."""

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
        for line, name in self.lines.items():
            shape_of(name, shapes)
            if not 1 <= line <= len(listed):
                raise ValueError(f"lines: there is no line {line}; the code has {len(listed)}")
        return {
            "mark": self.mark, "label": self.label, "text": listed,
            "lines": [[line - 1, name] for line, name in self.lines.items()],
        }  # fmt: skip
