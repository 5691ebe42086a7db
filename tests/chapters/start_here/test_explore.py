"""Explorables of the first page."""

import itertools
import re
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from utils.chapters.start_here import explore
from utils.chapters.start_here.explore import chapter_map
from utils.chapters.start_here.explore.tangent_line import numbers
from utils.nn.activations import tanh
from utils.register import written

# ---- the map


def test_every_chapter_rests_on_earlier_ones_and_has_a_place_of_its_own():
    assert [c.number for c in chapter_map.MAP] == list(range(1, 25))
    assert all(need < c.number for c in chapter_map.MAP for need in c.needs)
    assert len({c.place for c in chapter_map.MAP}) == len(chapter_map.MAP)


def hidden(routes):
    """Edges that run behind a box that is not their own, looked at point by point."""
    found = set()
    for k, (a, b) in enumerate(chapter_map.EDGES):
        places = [c.place for c in chapter_map.MAP]
        stops = np.array([places[a], *routes.get(k, ()), places[b]], float)
        for start, end in itertools.pairwise(stops):
            line = start + np.linspace(0, 1, 400)[:, None] * (end - start)
            for i, box in enumerate(places):
                inside = (np.abs(line - box) < np.array([51, 24]) / chapter_map.UNIT).all(-1).any()
                found |= {k} if inside and i not in (a, b) else set()
    return found


def test_no_edge_runs_behind_a_box():
    assert hidden(chapter_map.routes()) == set()
    assert hidden({})  # straight lines would


def test_lines_are_level_or_upright():
    places = [c.place for c in chapter_map.MAP]
    routes = chapter_map.routes()
    for k, (a, b) in enumerate(chapter_map.EDGES):
        for one, other in itertools.pairwise([places[a], *routes.get(k, ()), places[b]]):
            assert one[0] == other[0] or one[1] == other[1]


def test_a_way_around_a_box_is_found_and_one_that_is_not_there_is_refused():
    assert chapter_map.route((0, 0), (1, 0), []) == ()
    around = chapter_map.route((0, 0), (2, 0), [(1, 0)])
    assert around and not any(
        chapter_map.behind(a, b, (1, 0)) for a, b in itertools.pairwise([(0, 0), *around, (2, 0)])
    )
    wall = [(0.5, row / 4) for row in range(-40, 41)]
    with pytest.raises(ValueError, match="no way leads from"):
        chapter_map.route((0, 0), (2, 0), wall)


def test_the_map_as_a_page_has_every_chapter_and_is_small():
    page = explore.course_map()
    html = page._repr_html_()
    assert len(html.encode()) < 70_000
    assert "https:" not in html.replace("http://www.w3.org", "")
    links = re.findall(r'<a href="([^"]+)" data-opens="([^"]+)">', html)
    assert links == [(entry.file_name,) * 2 for number, entry in written().items() if number]
    graph = page.explorable.spec["page"]["marks"][0]
    assert len(graph["names"]) == len(chapter_map.MAP) and {name for name in graph["opens"] if name} == {
        link for link, _ in links
    }
    assert repr(page).startswith("<the map of chapters | ") and "are written" in repr(page)


def test_what_is_not_written_opens_nothing(monkeypatch):
    monkeypatch.setattr(
        chapter_map, "written", lambda: {1: SimpleNamespace(file_name="x", two_digits="01", title="<x>")}
    )
    page = explore.course_map()
    graph = page.explorable.spec["page"]["marks"][0]
    assert graph["opens"][0] == "01_backprop.ipynb" and not any(graph["opens"][1:])
    assert page.explorable.readout().startswith("1 of 24") and "&lt;x&gt;" in page._repr_html_()


# ---- the tangent


@pytest.mark.parametrize("x, upstream", [(0.6, 1.0), (-2.0, 1.5), (3.0, -1.0), (0.0, 0.0)])
def test_lengths_are_the_numbers(x, upstream):
    found = {name: np.array(a) for name, a in numbers(tanh, x, upstream).items() if name != "readout"}
    slope = 1 - np.tanh(x) ** 2
    run, rise = found["triangle"]
    assert rise[3] - rise[1] == pytest.approx(slope * (run[2] - run[0])) and abs(run[2] - run[0]) == 1
    assert run[2:].tolist() == rise[:2].tolist() and abs(rise[2]) <= 3.6
    assert found["slopes"].tolist() == pytest.approx([1, slope])
    assert found["sent"][0, 3] == upstream == found["tip"][0, 1]
    assert found["got"][0, 3] == pytest.approx(slope * upstream) == found["arrived"][0, 1]
    assert found["dot"][0].tolist() == pytest.approx([x, np.tanh(x)])
    # the tangent touches the curve at x, and nowhere near it crosses
    at = np.argmin(np.abs(found["grid"] - x))
    touch = found["line"] - found["curve"]
    assert abs(touch[at]) < 1e-3 and np.diff(touch)[max(at - 1, 0) : at + 1] == pytest.approx(0, abs=2e-3)
    assert found["arriving"][0] == pytest.approx(upstream * (1 - np.tanh(found["grid"]) ** 2))


WRONG = {
    "the square forgotten": (lambda x: (np.tanh(x), lambda dy: dy * (1 - np.tanh(x))), "slope  0.463", "arrives as  0.694"),
    "the sign": (lambda x: (np.tanh(x), lambda dy: -dy * (1 - np.tanh(x) ** 2)), "slope -0.712", "arrives as -1.067"),
    "the gradient from above forgotten": (
        lambda x: (np.tanh(x), lambda dy: 1 - np.tanh(x) ** 2), "slope  0.712", "; times the slope it would be  1.067"
    ),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_the_readers_own_pullback_moves_the_picture(wrong):
    function, slope, arrives = WRONG[wrong]
    said = explore.tangent(function).at(x=[0.6], upstream=[1.5])[1]
    assert slope in said and arrives in said
    right = explore.tangent().at(x=[0.6], upstream=[1.5])[1]
    assert "slope  0.712" in right and "arrives as  1.067" in right and "would" not in right


def test_the_first_thing_that_moves_does_not_wait_for_torch():
    code = "import sys; from utils.chapters.start_here import explore; explore.tangent().at(x=[0.6]); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
