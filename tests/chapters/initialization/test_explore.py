"""Explorables of chapter 03: their mathematics without a figure, and the sweep over all settings."""

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from utils.chapters.initialization import explore
from utils.chapters.initialization.explore import by_scheme, equal_units, fan_in_or_out
from utils.explorable.sweep import sweep
from utils.nn import initialization as init


@pytest.mark.parametrize("name", ["signal_by_scheme", "symmetry", "which_way"])
def test_sweep(name):
    explorable = getattr(explore, name)()
    sweep(explorable)
    assert len(explorable.poster()) <= 40_000 and explorable.alt()


# ---- a signal under each scheme


def run(scheme, activation, width=100, depth=20, taper=1.0, seed=0):
    return by_scheme.signals(
        by_scheme.SCHEMES[scheme], by_scheme.ACTIVATIONS[activation], width, depth, taper, seed
    )


TORCH = {
    "linear": lambda z: z,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "ReLU": torch.relu,
    "leaky ReLU (0.1)": lambda z: torch.nn.functional.leaky_relu(z, 0.1),
}


@pytest.mark.parametrize("activation", by_scheme.ACTIVATIONS)
def test_signals_are_torchs(activation):
    """The same weights, input and upstream gradient, drawn in the same order, through autograd."""
    found = run("LeCun", activation, width=6, depth=3, taper=0.5)
    rng = np.random.default_rng(0)
    shapes = [(5, 6), (4, 5), (3, 4)]
    weights = [torch.from_numpy(init.lecun_normal(shape, rng)) for shape in shapes]
    h = torch.from_numpy(rng.normal(size=(by_scheme.BATCH, 6)))
    layers = []
    for weight in weights:
        h = TORCH[activation](h @ weight.T).requires_grad_()
        layers.append(h)
    upstream = torch.from_numpy(rng.normal(size=h.shape))
    gradients = torch.autograd.grad(h, layers, upstream)
    assert found.shapes == shapes
    for ours, theirs in zip(found.activations + found.gradients, layers + list(gradients)):
        np.testing.assert_allclose(ours, theirs.detach(), atol=1e-12)


def test_widths_taper_by_equal_shares():
    assert by_scheme.widths(256, 16, 4).tolist() == [256, 128, 64, 32, 16]
    assert by_scheme.widths(25, 25 / 16, 3).tolist() == [25, 10, 4, 2]


@pytest.mark.parametrize(
    ("scheme", "std"), [("normal 0.01", 0.01), ("normal 0.2", 0.2), ("uniform 0.07", 0.0404)]
)
def test_a_linear_layer_multiplies_by_std_times_root_of_fan_in(scheme, std):
    """INI-04, INI-11."""
    found = run(scheme, "linear")
    for sizes in (found.forward, found.backward[::-1]):
        assert by_scheme.per_layer(sizes) == pytest.approx(std * np.sqrt(100), rel=0.05)
    np.testing.assert_allclose(found.variances, std**2, rtol=0.1)


def test_he_keeps_what_xavier_halves():
    """INI-09: ReLU, 30 layers; the mean square halves in a layer, so the root takes a factor 0.71."""
    he, xavier = (run(name, "ReLU", depth=30) for name in ("He, fan-in", "Xavier"))
    for kept, halved in ((he.forward, xavier.forward), (he.backward[::-1], xavier.backward[::-1])):
        assert by_scheme.per_layer(kept) == pytest.approx(1, abs=0.03)
        assert by_scheme.per_layer(halved) == pytest.approx(0.5**0.5, abs=0.03)
        assert halved[-1] / halved[0] < 1e-3


def test_rotations_keep_a_linear_signal_exactly():
    found = run("orthogonal", "linear", depth=30)
    np.testing.assert_allclose(found.forward, found.forward[0], rtol=1e-9)
    np.testing.assert_allclose(found.backward, found.backward[-1], rtol=1e-9)


def test_plain_defaults_lose_the_signal():
    """INI-11, E03.7."""
    assert run("normal 0.01", "tanh").activations[-1].std() < 1e-15
    assert run("uniform 0.07", "tanh").activations[-1].std() < 1e-6
    assert run("LeCun", "tanh").activations[-1].std() > 0.05


def test_per_layer():
    assert by_scheme.per_layer(np.array([8.0, 1.0, 2.0, 1.0])) == pytest.approx(0.5)
    assert by_scheme.per_layer(np.array([1.0, 0.0])) == 0 == by_scheme.per_layer(np.array([0.0, 1.0]))


def test_quantiles_are_of_absolute_values():
    assert by_scheme.quantiles([np.array([-3.0, 1.0])])[0].min() >= 0
    np.testing.assert_allclose(by_scheme.quantiles([np.arange(-100.0, 1)]), [[5, 25, 50, 75, 95]])


def test_difference_is_between_examples_not_units():
    assert by_scheme.difference(np.tile([0.0, 5.0], (4, 1))) == 0
    assert by_scheme.difference(np.array([[0.0, 0.0], [2.0, 4.0]])) == pytest.approx(1.5)


def test_fate_is_that_of_the_size_after_to_the_size_before():
    assert by_scheme.fate(0.0, 1.0) == "vanishes" and by_scheme.fate(1.0, 0.0) == "is zero"
    assert by_scheme.fate(10.0, 1.0) == "grows" and by_scheme.fate(1.0, 10.0) == "shrinks"


def test_he_fan_out_divides_by_the_outputs():
    weights = by_scheme.SCHEMES["He, fan-out"]((300, 500), np.random.default_rng(0))
    assert weights.var() == pytest.approx(2 / 300, rel=0.02)


def test_another_seed_is_another_network():
    found, again, other = (run("LeCun", "tanh", depth=2, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(found.activations[-1], again.activations[-1])
    assert not np.allclose(found.activations[-1], other.activations[-1])


def test_the_picture_shows_activations_left_and_gradients_right():
    """Shrinking by ten in a layer, the last activations and the first gradients leave the axes."""
    explorable = explore.signal_by_scheme()
    explorable.at(scheme="normal 0.01", activation="tanh")
    found, artists = run("normal 0.01", "tanh"), explorable.scene.artists
    sides = [
        (artists["plot"].activations, found.activations, found.forward),
        (artists["plot"].gradients, found.gradients, found.backward),
    ]
    for bands, values, sizes in sides:
        np.testing.assert_allclose(bands.middle.get_ydata(), np.clip(sizes, *by_scheme.LIMITS))
        lowest = np.clip(by_scheme.quantiles(values)[:, 0], *by_scheme.LIMITS)
        np.testing.assert_allclose(bands.outer.get_xy()[: len(values), 1], lowest)
    (left, above), (right, above_2) = (
        [artist.get_xdata().tolist() for artist in marks.artists] for marks in artists["marks"]
    )
    assert left == [17, 18, 19, 20] and right[0] == 1 and 20 not in right and above == above_2 == []


def test_the_picked_layer_is_the_one_that_is_shown():
    explorable = explore.signal_by_scheme()
    tapering = {"scheme": "LeCun", "activation": "linear", "width": 200, "depth": 10, "taper": 1 / 16}
    said = explorable.at(**tapering, layer=2)[1]
    found, artists = run("LeCun", "linear", 200, 10, 1 / 16), explorable.scene.artists
    units, inputs = found.shapes[1]
    variance = found.variances[1]
    assert inputs == 152 and units == 115 and variance == pytest.approx(1 / 152, rel=0.03)
    assert (
        f"layer 2: {inputs} inputs, {units} units; variance of the weights {variance:.2g}; "
        f"times inputs {inputs * variance:.2g}, times units {units * variance:.2g}" in said
    )
    assert [list(line.get_xdata()) for line in artists["here"]] == [[2, 2], [2, 2]]
    shown = found.activations[1], np.log10(np.abs(found.gradients[1]))
    for histogram, values, edges in zip(artists["histograms"], shown, by_scheme.EDGES):
        shares = np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0] / values.size
        np.testing.assert_allclose(histogram.artist.get_data().values, np.minimum(shares, 0.25))
    assert "layer 10: " in explorable.at(**tapering, layer=30)[1]


def test_marks_stand_where_a_point_is_beyond_the_axis():
    marks = by_scheme.OffAxis(Figure().add_subplot(), (1e-3, 1e3), "black")
    marks.show(np.array([1.0, 1e-4, 1e4, 0.0]))
    below, above = (np.array(artist.get_data()).T.tolist() for artist in marks.artists)
    assert below == [[2, 1e-3], [4, 1e-3]] and above == [[3, 1e3]]


def test_the_readers_own_scheme_moves_the_picture():
    explorable = explore.signal_by_scheme({"mine": lambda shape, rng: 3 * np.eye(*shape)})
    said = explorable.at(activation="linear")[1]
    assert said.count("x 3 per layer") == 2 and not explorable.presets


def test_presets_do_what_they_are_called():
    explorable = explore.signal_by_scheme()
    said = {name: explorable.draw(state) for name, state in explorable.presets.items()}
    assert "signal vanishes" in said["dies"] and "gradient vanishes" in said["dies"]
    assert "signal explodes" in said["explodes"] and "gradient explodes" in said["explodes"]
    assert "signal vanishes" in said["Xavier with ReLU"] and "signal survives" in said["He with ReLU"]
    assert "signal survives" in said["tapering"] and "gradient shrinks" in said["tapering"]


# ---- units that start alike


def training(start, epsilon):
    return equal_units.train_all()[start, epsilon]


def test_loss_and_gradients_are_torchs():
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=shape) for shape in ((2, 3), (2, 3), (2, 3), (2,))]
    loss, grads = equal_units.loss_and_gradients(*arrays)
    x, y = map(torch.from_numpy, (equal_units.INPUTS, equal_units.TARGETS))
    for net in range(2):
        w, b, v, c = params = [torch.tensor(array[net], requires_grad=True) for array in arrays]
        theirs = ((torch.tanh(x[:, None] * w + b) @ v + c - y) ** 2).mean()
        assert loss[net] == pytest.approx(theirs.item())
        for ours, gradient in zip(grads, torch.autograd.grad(theirs, params)):
            np.testing.assert_allclose(ours[net], gradient, atol=1e-12)


@pytest.mark.parametrize("start", ["both layers", "both, all zero"])
def test_equal_units_never_part(start):
    """INI-03: without noise not even by rounding, to the last bit."""
    found = training(start, 0.0)
    assert (found.apart == 0).all() and found.parted is None
    assert all(equal_units.different_units(units) == 1 for units in found.incoming)


def test_all_zero_learns_nothing():
    """E03.6: every gradient but that of the output's bias is zero, and here the targets' mean is too."""
    found = training("both, all zero", 0.0)
    assert not found.incoming.any() and not found.outgoing.any()
    assert found.loss[-1] == pytest.approx((equal_units.TARGETS**2).mean())


def test_a_hundredth_of_the_noise_costs_always_the_same_number_of_steps():
    at = [training("both layers", epsilon).parted for epsilon in (1e-4, 1e-6, 1e-8)]
    first, second = np.diff(at)
    assert first > 300 and first == pytest.approx(second, rel=0.15)


def test_the_difference_grows_exponentially_at_the_predicted_rate():
    """Around zero weights a step multiplies incoming + outgoing by 1 + rate * g, g = 2 mean(x y)."""
    apart = training("both, all zero", 1e-8).apart
    g = 2 * (equal_units.INPUTS * equal_units.TARGETS).mean()
    early, late = 200, 600
    steps = late - early
    measured = apart[late // equal_units.EVERY] / apart[early // equal_units.EVERY]
    assert np.log(measured) / steps == pytest.approx(np.log(1 + equal_units.RATE * g), rel=0.02)


def test_random_outgoing_weights_part_the_units_at_once():
    """E03.6: a constant first layer alone is no harm."""
    found = training("first layer", 0.0)
    assert found.apart[0] == 0 and found.parted == equal_units.EVERY
    assert found.loss[-1] < 0.05 < 0.3 < training("both layers", 0.0).loss[-1]


def test_random_first_weights_are_apart_from_the_start():
    assert equal_units.different_units(training("outgoing", 0.0).incoming[0]) == equal_units.UNITS


def test_training_is_stable():
    for found in equal_units.train_all().values():
        assert np.diff(found.loss).max() < 1e-6
        assert np.abs(found.incoming[..., 0]).max() < 3  # the axis ends there


def test_different_units():
    units = np.array([[1.0, 0], [1.0, 0.005], [1.0, 0.5], [2.0, 0.5], [1.001, 0]])
    assert equal_units.different_units(units) == 3
    assert equal_units.different_units(units[:1]) == 1


def made_up(incoming, outgoing=(), output_bias=()):
    """A Training whose biases are what symmetry would forbid: different, and not 0."""
    return equal_units.Training(
        *map(np.array, (incoming, outgoing, output_bias)), loss=np.zeros(len(incoming))
    )


def test_units_are_apart_by_the_larger_of_weight_and_bias():
    alike, bias, weight = [[1, 0.5], [1, 0.5]], [[1, 0.5], [1, 0.8]], [[1, 0.5], [1.7, 0.8]]
    np.testing.assert_allclose(made_up([alike, bias, weight]).apart, [0, 0.3, 0.7])


def test_parted_is_the_first_step_beyond_the_tolerance():
    still, near, apart = ([[1, 0.5], [1, 0.5 + d]] for d in (0.0, 0.005, 0.015))
    assert made_up([still, near, still]).parted is None
    assert made_up([still, apart, apart]).parted == equal_units.EVERY
    assert made_up([still, near, apart, still]).parted == 2 * equal_units.EVERY


def test_a_unit_is_different_when_one_of_its_numbers_is():
    assert equal_units.different_units(np.array([[1.0, 0.5], [1.015, 0.5]])) == 2
    assert equal_units.different_units(np.array([[1.0, 0.5], [1.0, 0.515]])) == 2
    assert equal_units.different_units(np.array([[1.0, 0.5], [1.006, 0.506]])) == 1


def test_outputs_of_made_up_units():
    """3 tanh(2 x) + 10 tanh(1) + 1/4 at the second time; at the first there is the output's bias alone."""
    found = made_up([[[1, 1], [1, 1]], [[2, 0], [0, 1]]], [[0, 0], [3, 10]], [7, 0.25])
    x = np.array([0.0, 0.5])
    np.testing.assert_allclose(equal_units.outputs(found, 0, x), 7)
    np.testing.assert_allclose(
        equal_units.outputs(found, 1, x), [10 * np.tanh(1) + 0.25, 13 * np.tanh(1) + 0.25]
    )


def test_random_weights_have_variance_one_over_fan_in():
    incoming = np.array([equal_units.first_weights("outgoing", 0.0, seed)[0] for seed in range(1000)])
    outgoing = np.array([equal_units.first_weights("first layer", 0.0, seed)[1] for seed in range(1000)])
    assert incoming.var() == pytest.approx(1, rel=0.06)
    assert outgoing.var() == pytest.approx(1 / equal_units.UNITS, rel=0.06)


def test_the_step_moves_the_words_and_the_fit():
    explorable = explore.symmetry()
    found = training("both layers", 1e-6)
    for step, units in ((0, "1 different unit of 5"), (equal_units.STEPS, "4 different units of 5")):
        time = step // equal_units.EVERY
        said = explorable.at(step=step)[1]
        expected = f"step {step}: {units}; the largest difference between two is {found.apart[time]:.1e}\n"
        assert said.startswith(expected)
        fit = explorable.scene.artists["fit"].get_ydata()
        np.testing.assert_allclose(fit, equal_units.outputs(found, time, equal_units.GRID))


def test_outputs_give_the_recorded_loss():
    found = training("both layers", 1e-4)
    for time in (0, 50, -1):
        error = equal_units.outputs(found, time, equal_units.INPUTS) - equal_units.TARGETS
        assert (error**2).mean() == pytest.approx(found.loss[time])


# ---- fan-in or fan-out


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
