"""Explorables of the first page."""

import io
import subprocess
import sys

import numpy as np
from PIL import Image

from utils.chapters.start_here import explore as start


def test_every_chapter_rests_on_earlier_ones_and_has_a_place_of_its_own():
    assert [c.number for c in start.MAP] == list(range(1, 25))
    assert all(need < c.number for c in start.MAP for need in c.needs)
    assert len({c.place for c in start.MAP}) == len(start.MAP)


def test_before_and_after_are_two_sides_of_one_thing():
    for a in start.BY_NUMBER:
        assert start.after(a) == {b for b in start.BY_NUMBER if a in start.before(b)}
    assert start.before(4) == {1, 2, 3} and 17 in start.after(11)


def test_the_map_as_a_page_has_every_chapter_and_is_small():
    page = start.map_page()
    html = page._repr_html_()
    assert len(page.explorable.frames) == len(start.MAP) and 100_000 < len(html) < 430_000
    assert "https:" not in html.replace("http://www.w3.org", "") and repr(page).startswith(
        "<the map of chapters |"
    )


def test_few_colours_are_near_the_true_ones():
    explorable = start.course_map()
    picture, _ = explorable.at(chapter=4)
    true = np.asarray(explorable.scene.image(), float)
    few = np.asarray(Image.open(io.BytesIO(start.in_few_colours(picture))).convert("RGB"), float)
    assert np.abs(few - true).mean() < 4 and len(np.unique(few.reshape(-1, 3), axis=0)) <= len(start.PALETTE)


def test_the_readers_own_pullback_draws_the_tangent():
    wrong = lambda x: (np.tanh(x), lambda dy: dy * (1 - np.tanh(x)))
    assert "slope 0.712" in start.tangent().at(x=0.6)[1]
    assert "slope 0.463" in start.tangent(wrong).at(x=0.6)[1]


def test_the_first_thing_that_moves_does_not_wait_for_torch():
    code = "import sys; from utils.chapters.start_here import explore; explore.tangent().at(x=0.6); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
