"""The mark of graphs: nodes joined by edges, and where the numbers on the edges find room."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from .links import Pairs, shape_of
from .marks import Mark

NODE = 28  # pixels: the radius of a node
MARGIN = (44, 44)  # pixels beside the outermost nodes, and above them
BOX = (102, 48)  # pixels: the size of a box
BOX_MARGIN = (54, 28)
LETTER = 7.6  # pixels: the width of a character
NARROWEST = 620  # pixels: in less room a graph stands upright
UPRIGHT = 352  # pixels: the width of one that stands
TRIED = np.linspace(0.1, 0.9, 41)  # where along an edge its numbers may stand
MIDDLE = 8.0  # pixels that a place near the middle of its edge counts for
CLEAR = 45.0  # pixels from every other edge: further away is not better


@dataclass(frozen=True)
class Graph(Mark):
    """Nodes joined by edges, values in the nodes and weights on the edges; in a narrow page it stands upright.

    of: the array of the nodes' values, (nodes,); places: (x, y) of every node, x to the right, y down; unit: pixels of
    one step to the right and one down;
    edges: (from, to) by number, first those with weights; weights: their array, which `drag` changes, edge k the number
    drag_index[k] of the control, k where omitted; node_drag: {node: number of the control}, nodes that are dragged
    too; pick: a click on an edge sets it to drag_index[k], without weights a click on a node; names, edge_names: shown
    beside the numbers; gradients, weight_gradients: arrays of the same shapes, in vermilion below the values; shown,
    weights_shown: arrays, 0 where nothing is known yet, 1 where the value is, 2 where the gradient is too; marked:
    array, (edges,), not 0 where an edge is to be followed by the eye; pulse: array, (edges,), 1 where something runs
    along an edge, -1 where it runs back; quiet: numbers of edges without numbers of their own; width: pixels, at most.
    slopes: array, (edges,), of the node at the end of each edge by the node at its beginning, and slope_names; made: how
    each node is made, in symbols: with these, what is pointed at is written out, there and back.
    boxes: names in boxes, without numbers; via: {edge: places where it bends}; lineage: (words, words) for all nodes
    before the one pointed at and for all after it; opens: the address that a click on each node opens, or "".
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
    pulse: str = ""
    slopes: str = ""
    slope_names: tuple = ()
    made: tuple = ()
    drag_index: tuple = ()
    node_drag: dict = field(default_factory=dict, hash=False)
    quiet: tuple = ()
    boxes: bool = False
    via: dict = field(default_factory=dict, hash=False)
    lineage: tuple = ()
    opens: tuple = ()
    unit: tuple = (150, 104)
    width: int = 860
    digits: int = 3
    mark: ClassVar[str] = "graph"

    def arrays(self):
        further = (
            self.weights, self.gradients, self.weight_gradients, self.shown, self.weights_shown, self.marked,
            self.pulse, self.slopes,
        )  # fmt: skip
        return tuple(filter(None, (self.of, *further)))

    def own_links(self):
        """Every edge with a weight belongs to its two nodes."""
        weighted = [k for k in range(len(self.edges)) if self.weights and k not in self.quiet]
        pairs = tuple(((self.weights, (k,)), (self.of, (end,))) for k in weighted for end in self.edges[k])
        return (Pairs(pairs),) if pairs else ()

    def spec(self, shapes):
        (count,) = self.expect_axes(shapes, 1)
        for name in ("places", "names", "made", "opens"):
            given = getattr(self, name)
            if len(given) != count and (given or name == "places"):
                raise ValueError(f"{name}: expected {count} for the nodes of {self.of}, got {len(given)}")
        weighted = shape_of(self.weights, shapes)[0] if self.weights else 0
        if weighted > len(self.edges):
            raise ValueError(f"{self.weights}: expected at most {len(self.edges)} weights, got {weighted}")
        for name, expected in (
            *((name, count) for name in (self.gradients, self.shown)),
            *((name, weighted) for name in (self.weights, self.weight_gradients, self.weights_shown)),
            *((name, len(self.edges)) for name in (self.marked, self.pulse, self.slopes)),
        ):
            if name and shape_of(name, shapes) != (expected,):
                raise ValueError(f"{name}: expected shape ({expected},), got {shape_of(name, shapes)}")
        if not all(0 <= end < count for edge in self.edges for end in edge):
            raise ValueError(f"edges: expected pairs of nodes from 0 to {count - 1}")
        return super().spec(shapes) | self.told(weighted)

    def told(self, weighted):
        """What the browser is told of the graph itself."""
        lying, upright = self.size(), self.size(upright=True)
        room = [
            0 if k in self.quiet else LETTER * (6 + len(self.edge_names[k] if self.edge_names else ""))
            for k in range(weighted)
        ]
        stands = weighted and not self.boxes
        width = lambda size, most: (min(size[0], most), size[1])
        found = lambda size, turned: spots(self.at(size, turned), self.edges, room).round(3).tolist()
        return {
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
            "pulse": self.pulse,
            "slopes": self.slopes,
            "slopeNames": list(self.slope_names),
            "made": list(self.made),
            "quiet": list(self.quiet),
            "boxes": self.boxes,
            "via": [[int(edge), [list(map(float, place)) for place in bends]] for edge, bends in self.via.items()],
            "lineage": list(self.lineage),
            "opens": list(self.opens),
            "margin": list(self.margin),
            "lying": list(lying),
            "upright": list(upright) if stands else [],
            "narrowest": NARROWEST,
            "spots": [found(width(lying, 700), False), found(upright, True)] if stands else [[0.3] * weighted] * 2,
            "dragIndex": list(self.drag_index or range(weighted)),
            "nodeDrag": [list(pair) for pair in self.node_drag.items()],
            "digits": self.digits,
        }  # fmt: skip

    def size(self, upright=False):
        """Width and height in pixels."""
        reach = np.ptp(np.array(self.places, float), axis=0)
        if upright:
            return UPRIGHT, round(2 * MARGIN[1] + self.unit[0] * reach[0])
        margin = self.margin if self.boxes else np.array(self.unit) / 2
        across, down = (2 * m + unit * r for m, unit, r in zip(margin, self.unit, reach))
        return round(min(self.width, max(420, across))), round(max(210, down))

    @property
    def margin(self):
        return BOX_MARGIN if self.boxes else MARGIN

    def at(self, size, upright=False):
        """The nodes' places in a picture of that size, (nodes, 2) in pixels."""
        turned = lambda places: np.array(places, float)[:, :: -1 if upright else 1]
        return scaled(turned(self.places), turned(self.places), size, self.margin)


def scaled(given, places, size, margin):
    """`given` places, (n, 2), in a picture of all `places`: pixels, (n, 2), as the page sets them."""
    size, margin = np.array(size, float), np.array(margin, float)
    low, reach = places.min(0), np.ptp(places, axis=0)
    inside = margin + (given - low) / np.where(reach, reach, 1) * (size - 2 * margin)
    return np.where(reach, inside, size / 2)


def spots(at, edges, room):
    """Where along each of the first edges its numbers stand, from 0 to 1: clear of nodes and of other numbers.

    at: (nodes, 2) pixels; edges: pairs of nodes; room: pixels that the words on each of the first edges take, 0 for
    none.  Where there is a choice, as far from other edges as it can be.
    """
    ends = at[np.array(edges)]  # (edges, 2, 2)
    # half widths and heights; a node with its name above it
    taken = [(x, y - 8, NODE + 3, NODE + 11) for x, y in at]
    found = np.full(len(room), 0.3)
    for k, wide in enumerate(room):
        if not wide:
            continue
        half = np.array([wide / 2, 17.0])
        tried = ends[k, 0] + TRIED[:, None] * (ends[k, 1] - ends[k, 0])
        boxes = np.array(taken)
        apart = np.abs(tried[:, None] - boxes[:, :2]) - half - boxes[:, 2:]
        free = apart.max(-1).min(-1)  # how far from what is taken; below 0 they overlap
        others = np.delete(ends, k, axis=0)
        lines = np.stack(
            [distances(tried + np.array([shift * half[0], 0]), others) for shift in (-0.6, 0, 0.6)]
        )
        far = lines.min((0, 2), initial=CLEAR)
        score = far + 1000 * np.minimum(free, 0) - MIDDLE * np.abs(TRIED - 0.42)
        best = int(np.argmax(score))
        found[k] = TRIED[best]
        taken.append((*tried[best], *half))
    return found


def distances(points, segments):
    """(points, segments): how far each point, (points, 2), is from each segment, (segments, 2, 2)."""
    start, way = segments[:, 0], segments[:, 1] - segments[:, 0]
    along = ((points[:, None] - start) * way).sum(-1) / np.maximum((way**2).sum(-1), 1e-9)
    nearest = start + np.clip(along, 0, 1)[..., None] * way
    return np.linalg.norm(points[:, None] - nearest, axis=-1)
