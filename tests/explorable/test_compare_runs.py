"""The comparison of runs over several seeds: what it says, what it draws, what it refuses."""

from types import SimpleNamespace

import numpy as np
import pytest

from utils import style
from utils.explorable import compare_runs as module
from utils.explorable.compare_runs import compare
from utils.explorable.sweep import sweep


def history(scores, gradients, activations=None):
    """A History with given scores; gradients, activations: (epochs, layers), root mean squares, all 1 if omitted."""
    gradients = np.array(gradients, float)
    activations = np.ones_like(gradients) if activations is None else np.array(activations, float)
    snapshots = [SimpleNamespace(activation_rms=a, gradient_rms=g) for a, g in zip(activations, gradients)]
    return SimpleNamespace(scores=scores, snapshots=snapshots)


@pytest.fixture
def runs():
    """Three epochs, three layers; the outputs, last of the activations, are far larger than all else."""
    fading = (
        [[1e-6, 1e-3, 1.0], [1e-5, 1e-3, 1.0], [1e-4, 1e-2, 1.0]],
        [[0.3, 0.2, 1e5], [0.4, 0.5, 1e5], [0.6, 0.7, 1e5]],
    )
    even = (
        [[1.0, 2.0, 1.0], [0.5, 0.6, 0.5], [2.0, 4.0, 8.0]],
        [[1.0, 3.0, 1e5], [3.0, 4.0, 1e5], [5.0, 6.0, 1e5]],
    )
    return {
        "fading": [
            history([0.1, 0.2, 0.3], *fading),
            history([0.15, 0.4, 0.5], *even),
            history([0.12, 0.9, 0.7], *even),
        ],
        "even": [history([0.1, 0.8, 0.3], *even), history([0.2, 0.6, 0.1], *even)],
    }


def test_sweep(runs):
    sweep(compare(runs))


def test_it_says_what_the_histories_hold(runs):
    explorable = compare(runs)
    said = explorable.at(run="fading", epoch=1)[1]
    assert "20% to 90%, median 40%, 3 seeds" in said and "1e-05 to 1e+00" in said
    assert "60% to 80%, median 70%, 2 seeds" in explorable.at(run="even", epoch=1)[1]


def test_it_opens_with_the_first_run_at_the_last_epoch(runs):
    explorable = compare(runs)
    assert explorable.values() == {"run": "fading", "epoch": 2}
    assert explorable.at()[1].startswith("fading, epoch 2: held-out accuracy 30% to 70%")


def test_a_dot_for_every_seed_at_its_accuracy(runs):
    assert module.positions(runs, 0)[:, 0].tolist() == [0.1, 0.15, 0.12, 0.1, 0.2]
    assert module.positions(runs, 1)[:, 0].tolist() == [0.2, 0.4, 0.9, 0.8, 0.6]


def test_dots_of_one_row_lie_apart_and_near_it(runs):
    heights = module.positions(runs, 1)[:, 1]
    assert (np.diff(heights) > 0).all()
    assert np.abs(heights - [0, 0, 0, 1, 1]).max() < 0.36


def test_a_single_seed_lies_exactly_at_its_row(runs):
    runs["alone"] = runs["even"][:1]
    assert module.positions(runs, 2)[-1].tolist() == [0.3, 2.0]


def test_a_stroke_stands_at_the_median_of_every_row(runs):
    (low, high), (low_2, high_2) = module.medians(runs, 1)
    assert (*low, *high) == pytest.approx((0.4, -0.36, 0.4, 0.36))
    assert (*low_2, *high_2) == pytest.approx((0.7, 0.64, 0.7, 1.36))


# ---- lines per layer


def as_lists(lines):
    return [(x.tolist(), y.tolist()) for x, y in lines]


def test_lines_are_those_of_the_run_and_the_epoch_without_the_outputs(runs):
    activations, gradients = map(as_lists, module.lines_of(runs, "fading", 1))
    assert activations == [([1, 2], [0.4, 0.5]), ([1, 2], [3.0, 4.0]), ([1, 2], [3.0, 4.0])]
    assert gradients[0] == ([1, 2, 3], [1e-5, 1e-3, 1.0])
    assert gradients[1] == gradients[2] == ([1, 2, 3], [0.5, 0.6, 0.5])


def test_lines_of_missing_seeds_are_empty(runs):
    for lines in map(as_lists, module.lines_of(runs, "even", 0)):
        assert len(lines) == 3 and lines[2] == ([], []) and lines[0] == lines[1] != ([], [])


def test_lines_leave_out_what_overflowed_and_stop_at_the_limits():
    odd = [[np.nan, 0.0, 1e9, np.inf, 0.02, 1.0]]
    activations, gradients = module.lines_of({"odd": [history([0.1], odd, odd)]}, "odd", 0)
    # the smallest size that is drawn on a log axis is 0.02, so 0 is drawn at 0.01
    assert as_lists(activations) == [([2, 3, 5], [0.01, 1e6, 0.02])]
    assert as_lists(gradients) == [([2, 3, 5, 6], [0.01, 1e6, 0.02, 1.0])]


def test_limits_hold_every_size_and_pass_over_what_overflowed(runs):
    runs["burst"] = [history([0.1] * 3, [[0.0, np.nan, 1.0], [np.inf, np.nan, 3e3], [0.0, 0.0, 0.0]])]
    assert module.limits(runs, "gradient_rms") == pytest.approx((1e-6, 1e4))
    sweep(compare(runs))
    assert "overflowed" in compare(runs).at(run="burst", epoch=1)[1]


def test_limits_are_those_of_the_field_and_pass_over_the_outputs(runs):
    assert module.limits(runs, "activation_rms") == pytest.approx((0.1, 10))
    assert module.limits(runs, "gradient_rms") == pytest.approx((1e-6, 10))


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([1.0, 1.0], (1, 10)),
        ([1e-30, 1e20], (1e-12, 1e6)),
        ([0.0, np.nan], (1e-12, 1)),
        ([0.02, 30], (0.01, 100)),
    ],
)
def test_limits_are_whole_powers_of_ten_within_reach(sizes, expected):
    found = module.limits({"a": [history([0.1], [sizes])]}, "gradient_rms")
    assert found == pytest.approx(expected, abs=0)


def test_the_picture_shows_what_was_computed(runs):
    explorable = compare(runs)
    explorable.at(run="even", epoch=1)
    artists = explorable.scene.artists
    np.testing.assert_allclose(artists["dots"].get_offsets(), module.positions(runs, 1))
    np.testing.assert_allclose(artists["medians"].get_segments(), module.medians(runs, 1))
    assert artists["row"].get_y() == pytest.approx(0.55) and artists["row"].get_height() == pytest.approx(0.9)
    expected = dict(zip(("activations", "gradients"), module.lines_of(runs, "even", 1)))
    for name, which in (("activations", "activation_rms"), ("gradients", "gradient_rms")):
        assert as_lists(line.get_data() for line in artists[name]) == as_lists(expected[name])
        assert artists[name][0].axes.get_ylim() == pytest.approx(module.limits(runs, which))
    assert artists["activations"][0].get_color() == style.ACTIVATION
    assert artists["gradients"][0].get_color() == style.GRADIENT


# ---- what does not fit


def test_it_refuses_what_does_not_fit(runs):
    short = history([0.1], [[1.0, 1.0, 1.0]])
    for wrong in ({}, {"a": []}, {"a": [history([], np.zeros((0, 3)))]}, {**runs, "short": [short]}):
        with pytest.raises(ValueError, match="runs must hold histories with equally many snapshots"):
            compare(wrong)


def test_it_refuses_scores_of_other_epochs():
    with pytest.raises(ValueError, match=r"as many scores, .*'a': \[\(2, 1, 3\)\]"):
        compare({"a": [history([0.1], np.ones((2, 3)))]})


def test_it_refuses_networks_of_two_depths():
    with pytest.raises(ValueError, match=r"one depth, .*\(2, 2, 3\), \(2, 2, 4\)"):
        compare({"a": [history([0.1, 0.2], np.ones((2, layers))) for layers in (3, 4)]})


def test_it_refuses_a_depth_that_changes_on_the_way():
    changing = history([0.1, 0.2], np.ones((2, 3)))
    changing.snapshots[1:] = history([0.2], np.ones((1, 4))).snapshots
    with pytest.raises(ValueError, match="one depth"):
        compare({"a": [changing]})


@pytest.mark.parametrize("size", [1e-30, 1e20])
def test_an_axis_is_never_upside_down(size):
    """Where every size lies beyond the picture, the axis still has a lower and an upper end."""
    all_beyond = {"far": [history([0.1], [[size] * 3])]}
    for which in ("activation_rms", "gradient_rms"):
        low, high = module.limits(all_beyond, which)
        assert low < high
