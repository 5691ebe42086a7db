"""The map of chapters: what rests on what, alive in a saved notebook, and a click opens a chapter."""

import itertools
from html import escape

import numpy as np

from utils.explorable import Explorable, Graph
from utils.explorable.offline import fragment
from utils.register import register, written

MAP = [entry for number, entry in register().items() if number]
AT = {entry.number: k for k, entry in enumerate(MAP)}
EDGES = [(AT[need], AT[entry.number]) for entry in MAP for need in entry.needs]
UNIT = (122, 66)  # pixels between two columns and between two rows
HALF_BOX = (0.44, 0.42)  # of a column and of a row: a box and a little air around it
SHIFTS = (0, 0.04, -0.04)  # so that lines from different chapters do not run on top of each other


def route(start, end, boxes, shift=0.0):
    """The places where a line from box to box bends, so that it runs behind no other: between columns and rows.

    start, end: (column, row); boxes: the places of all others; shift: how far from the middle between two columns.
    The first of the tried ways that is free: straight, one bend in each of two gaps, or a lane between two rows.
    """
    (x1, y1), (x2, y2) = start, end
    out, into = x1 + 0.5 + shift, x2 - 0.5 + shift
    lanes = [row + 0.5 for row in sorted(range(-3, 8), key=lambda row: abs(row + 0.5 - (y1 + y2) / 2))]
    ways = [
        [],
        [(out, y1), (out, y2)],
        [(into, y1), (into, y2)],
        *([(out, y1), (out, lane), (into, lane), (into, y2)] for lane in lanes),
    ]
    straight = y1 == y2 or x1 == x2
    for way in ways if straight else ways[1:]:
        stops = [start, *way, end]
        if not any(behind(a, b, box) for a, b in itertools.pairwise(stops) for box in boxes):
            return tuple(way)
    raise ValueError(f"no way leads from {start} to {end} around the other boxes")


def behind(a, b, box):
    """True if a line from a to b, level or upright, passes behind the box at a place."""
    low, high = np.minimum(a, b), np.maximum(a, b)
    return bool(np.all((low < np.add(box, HALF_BOX)) & (high > np.subtract(box, HALF_BOX))))


def routes():
    """{edge: its bends}, for the edges that have some."""
    found = {}
    for k, (a, b) in enumerate(EDGES):
        others = [entry.place for i, entry in enumerate(MAP) if i not in (a, b)]
        found[k] = route(MAP[a].place, MAP[b].place, others, SHIFTS[a % len(SHIFTS)])
    return {k: bends for k, bends in found.items() if bends}


def drawing():
    """The map as an explorable without controls: point at a chapter, click it."""
    there = written()
    state = np.array([float(entry.number in there) for entry in MAP])
    readout = (
        f"{int(state.sum())} of {len(MAP)} chapters are written; those in dashed boxes are still to come."
    )
    return Explorable(
        lambda: {"chapters": state, "readout": readout},
        title="the map of chapters",
        marks=[
            Graph(
                "chapters",
                "point at a chapter to see what it rests on and what it leads to; a click opens it",
                kind="data",
                places=tuple(entry.place for entry in MAP),
                edges=tuple(EDGES),
                names=tuple(f"{entry.two_digits} {entry.label}" for entry in MAP),
                shown="chapters",
                boxes=True,
                via=routes(),
                lineage=("rests on", "leads to"),
                opens=tuple(entry.file_name if entry.number in there else "" for entry in MAP),
                unit=UNIT,
                width=1000,
            )
        ],
        alt="All chapters as boxes, joined by lines where one rests on another",
    )


class MapPage:
    """The map as HTML that is alive without a kernel: the drawing, and a link to each chapter that is written.

    A click on a box follows the link below it, because Jupyter knows how to open what stands in a link.
    """

    def __init__(self):
        self.explorable = drawing()

    def __repr__(self):
        return repr(self.explorable)

    def _repr_html_(self):
        link = '<a href="{0}" data-opens="{0}">{1} {2}</a>'.format
        links = [link(*map(escape, (e.file_name, e.two_digits, e.title))) for n, e in written().items() if n]
        return f"{fragment(self.explorable, packed=True)}<p>{' &middot; '.join(links)}</p>"


def course_map():
    """Chapters and what rests on what, alive before any kernel runs."""
    return MapPage()
