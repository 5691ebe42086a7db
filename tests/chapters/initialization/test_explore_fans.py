"""Chapter 03's picture of fan-in, fan-out and their average: predicted beside measured, its words and its lines."""

import numpy as np
import pytest

from utils.chapters.initialization import explore
from utils.chapters.initialization.explore import fan_in_or_out
from utils.nn import initialization as init


@pytest.mark.parametrize("activation", fan_in_or_out.PASSES)
@pytest.mark.parametrize("taper", fan_in_or_out.TAPERS)
def test_one_direction_is_kept_and_the_other_telescopes(taper, activation):
    for depth in fan_in_or_out.DEPTHS:
        fan_in = fan_in_or_out.end_to_end("fan-in", activation, taper, depth)
        fan_out = fan_in_or_out.end_to_end("fan-out", activation, taper, depth)
        np.testing.assert_allclose(fan_in.predicted_forward, 1)
        np.testing.assert_allclose(fan_out.predicted_backward, 1)
        assert fan_in.predicted_backward[0] == pytest.approx(taper)
        assert fan_out.predicted_forward[-1] == pytest.approx(1 / taper)


@pytest.mark.parametrize("activation", fan_in_or_out.PASSES)
@pytest.mark.parametrize("mode", fan_in_or_out.MODES)
def test_measured_is_as_predicted(mode, activation):
    for taper in (1 / 16, 1.0, 16.0):
        found = fan_in_or_out.end_to_end(mode, activation, taper, 4)
        np.testing.assert_allclose(found.forward, found.predicted_forward, rtol=0.25)
        np.testing.assert_allclose(found.backward, found.predicted_backward, rtol=0.25)


def test_average_multiplies_both_ways():
    """Each layer by 2 n_in / (n_in + n_out) and 2 n_out / (n_in + n_out): 4/3 and 2/3 where widths halve."""
    up, down = fan_in_or_out.predicted("average", "ReLU", [64, 32, 16])
    np.testing.assert_allclose(up, 4 / 3)
    np.testing.assert_allclose(down, 2 / 3)


@pytest.mark.parametrize("activation", fan_in_or_out.PASSES)
@pytest.mark.parametrize("mode", fan_in_or_out.MODES)
def test_the_scheme_has_the_variance_of_the_formula(mode, activation):
    scheme = fan_in_or_out.weight_scheme(mode, activation, init.kaiming_normal, init.xavier_normal)
    weights = scheme((300, 500), np.random.default_rng(0))
    assert weights.var() == pytest.approx(fan_in_or_out.variance(mode, activation, 500, 300), rel=0.02)


def test_a_wrong_scheme_leaves_the_line():
    """The reader's own: forgetting the 2 of He halves the mean square in each of four layers."""
    wrong = lambda shape, rng, **options: init.kaiming_normal(shape, rng, **options) / np.sqrt(2)
    found = fan_in_or_out.end_to_end("fan-in", "ReLU", 1.0, 4, kaiming_normal=wrong)
    assert found.predicted_forward[-1] == pytest.approx(1)
    assert found.forward[-1] == pytest.approx(1 / 16, rel=0.25)
    assert "measured 0.06" in explore.which_way(kaiming_normal=wrong).at(taper=1.0)[1]


def test_a_wrong_average_leaves_the_line():
    wrong = lambda shape, rng, **options: init.xavier_normal(shape, rng, **options) / np.sqrt(2)
    said = explore.which_way(xavier_normal=wrong).at(mode="average", taper=1.0)[1]
    assert said.count("predicted 1, measured 0.06") == 2


def test_relu_has_no_slope_below_zero_and_linear_has_slope_one():
    slopes = [
        fan_in_or_out.weight_scheme("fan-in", activation, init.kaiming_normal, None).keywords[
            "negative_slope"
        ]
        for activation in ("ReLU", "linear")
    ]
    assert slopes == [0, 1]


MADE_UP = fan_in_or_out.Sizes(
    np.array([32, 16, 8]),
    forward=np.array([1.0, 1.5, 2.5]),
    backward=np.array([0.3, 0.6, 1.0]),
    predicted_forward=np.array([1.0, 2.0, 4.0]),
    predicted_backward=np.array([0.25, 0.5, 1.0]),
)


@pytest.mark.parametrize(
    ("mode", "forward", "backward"),
    [
        ("fan-in", "kept", "multiplied by last width / first width = 8/32"),
        ("fan-out", "multiplied by first width / last width = 32/8", "kept"),
        ("average", "not kept, a compromise", "not kept, a compromise"),
    ],
)
def test_the_words_name_what_is_kept_and_both_ends(mode, forward, backward):
    widths, up, down = fan_in_or_out.describe(mode, MADE_UP).split("\n")
    assert widths.startswith("widths 32 16 8; ")
    assert up == f"forward:  {forward}; predicted 4, measured 2.5"
    assert down == f"backward: {backward}; predicted 0.25, measured 0.3"


def test_equal_widths_keep_both_directions():
    explorable = explore.which_way()
    for mode in fan_in_or_out.MODES:
        said = explorable.at(mode=mode, taper=1.0)[1]
        assert said.count("kept, because all layers are as wide; predicted 1, ") == 2


def test_the_picture_goes_up_forward_and_down_backward():
    """Widths 256 to 16 in four halvings, fan-in: a gradient halves in each layer, from the last to the first."""
    explorable = explore.which_way()
    explorable.at(mode="fan-in", activation="linear", taper=1 / 16, depth=4)
    shown = {
        name: dict(zip(*np.array(artist.get_data()).tolist()))
        for name, artist in explorable.scene.artists.items()
    }
    assert shown["widths"] == {0: 256, 1: 128, 2: 64, 3: 32, 4: 16}
    assert shown["forward line"] == pytest.approx(dict.fromkeys(range(5), 1))
    assert shown["backward line"] == pytest.approx({4: 1, 3: 1 / 2, 2: 1 / 4, 1: 1 / 8, 0: 1 / 16})
    assert shown["forward factor line"] == pytest.approx(dict.fromkeys(range(1, 5), 1))
    assert shown["backward factor line"] == pytest.approx(dict.fromkeys(range(1, 5), 0.5))
    found = fan_in_or_out.end_to_end("fan-in", "linear", 1 / 16, 4)
    up, down = found.forward, found.backward
    assert shown["forward dots"] == pytest.approx(dict(enumerate(up)))
    assert shown["backward dots"] == pytest.approx(dict(enumerate(down)))
    assert shown["forward factor dots"] == pytest.approx(dict(enumerate(up[1:] / up[:-1], 1)))
    assert shown["backward factor dots"] == pytest.approx(dict(enumerate(down[:-1] / down[1:], 1)))


def test_the_readout_says_what_telescopes():
    said = explore.which_way().at()[1]
    assert "last width / first width = 16/256; predicted 0.0625" in said and "forward:  kept" in said
