"""Explorables of chapter 03: their mathematics without a figure, and the sweep over all settings."""

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from utils.explore import initialization as explore
from utils.explore.initialization import by_scheme, equal_units, fan_in_or_out
from utils.explore.sweep import sweep
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


def test_the_readout_says_what_telescopes():
    said = explore.which_way().at()[1]
    assert "last width / first width = 16/256; predicted 0.0625" in said and "forward:  kept" in said
