"""Graphs: where their numbers find room, what the page is told, what is refused."""

import itertools

import numpy as np
import pytest

from utils.chapters.backprop import explore
from utils.explorable import Arrows, Curve, Graph, Points
from utils.explorable.graphs import LETTER, NODE, spots

SHAPES = {"nodes": (3,), "w": (2,), "e": (3,), "dots": (1, 2), "arrows": (2, 4), "n": (2,), "line": (5,)}
PLACES = ((0, 0), (0, 2), (2, 1))
EDGES = ((0, 2), (1, 2), (0, 1))


def boxes_of(mark, found, upright):
    """(x, y, half width, half height) of every node with its name and of all numbers on edges."""
    spec = mark
    size = spec["upright"] if upright else [700, spec["lying"][1]]
    places = np.array(spec["places"])[:, :: -1 if upright else 1]
    inside = np.array(size) - 2 * np.array(spec["margin"])
    at = np.array(spec["margin"]) + (places - places.min(0)) / np.ptp(places, axis=0) * inside
    boxes = [(x, y, NODE, NODE) for x, y in at]
    for k, t in enumerate(found):
        if k not in spec["quiet"]:
            a, b = at[spec["edges"][k]]
            boxes.append((*(a + t * (b - a)), LETTER * (len(spec["edgeNames"][k]) + 6) / 2, 15))
    return boxes


def overlaps(boxes):
    return [
        (i, j)
        for (i, a), (j, b) in itertools.combinations(enumerate(boxes), 2)
        if abs(a[0] - b[0]) < a[2] + b[2] and abs(a[1] - b[1]) < a[3] + b[3]
    ]


@pytest.mark.parametrize("upright", [False, True])
def test_the_numbers_of_the_worked_network_do_not_collide(upright):
    spec = explore.worked().spec["page"]["marks"][0]
    assert overlaps(boxes_of(spec, spec["spots"][upright], upright)) == []
    for everywhere in (0.1, 0.5):  # what no thought would do
        assert overlaps(boxes_of(spec, [everywhere] * len(spec["spots"][0]), upright))


def test_numbers_keep_away_from_other_edges():
    at = np.array([[0.0, 0.0], [400.0, 200.0], [0.0, 200.0], [400.0, 0.0]])
    first, second = spots(at, ((0, 1), (2, 3)), [60, 60])
    assert abs(first - 0.5) > 0.1 and abs(second - 0.5) > 0.1  # they cross in the middle
    alone = spots(at, ((0, 1),), [60])
    assert 0.1 <= alone[0] <= 0.9


def test_quiet_edges_take_no_room():
    at = np.array([[0.0, 0.0], [300.0, 0.0], [300.0, 60.0]])
    edges = ((0, 1), (0, 2))
    quiet, loud = spots(at, edges, [0, 60]), spots(at, edges, [60, 60])
    assert quiet[0] == 0.3 and quiet[1] == spots(at, edges, [0, 60])[1]
    apart = np.abs((loud[0] * at[1]) - (loud[1] * at[2]))
    assert apart[0] >= 60 or apart[1] >= 34


def test_a_graph_with_weights_stands_upright_and_boxes_do_not():
    graph = Graph("nodes", places=PLACES, edges=EDGES, weights="w")
    assert graph.spec(SHAPES)["upright"][1] > graph.spec(SHAPES)["upright"][0] - 100
    assert Graph("nodes", places=PLACES, edges=EDGES, boxes=True).spec(SHAPES)["upright"] == []


@pytest.mark.parametrize(
    "mark, words",
    [
        (Graph("nodes", places=PLACES, edges=EDGES, slopes="w"), r"w: expected shape \(3,\), got \(2,\)"),
        (Graph("nodes", places=PLACES, edges=EDGES, pulse="w"), r"w: expected shape \(3,\)"),
        (Graph("nodes", places=PLACES, names=("a",)), "names: expected 3 for the nodes of nodes, got 1"),
        (Graph("nodes", places=PLACES, opens=("a",)), "opens: expected 3"),
        (Graph("nodes", places=PLACES, made=("a",)), "made: expected 3"),
        (Curve("line", also=(Arrows("dots"),)), r"Arrows\('dots'\): expected shape \(arrows, 4\)"),
        (Curve("line", also=(Arrows("arrows", numbers="e"),)), r"e: expected shape \(2,\)"),
    ],
)
def test_graphs_and_arrows_that_do_not_fit(mark, words):
    with pytest.raises(ValueError, match=words):
        mark.spec(SHAPES)


def test_arrows_and_points_stand_on_the_axes_of_a_curve():
    mark = Curve("line", also=(Arrows("arrows", names=("a", ""), numbers="n"), Points("dots", along="x")))
    assert mark.arrays() == ("line", "arrows", "n", "dots")
    arrows, points = mark.spec(SHAPES)["also"]
    assert arrows["sides"] == ["right", "right"] and points["along"] == "x"
