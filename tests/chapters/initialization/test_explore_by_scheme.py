"""Chapter 03's picture of a signal under each scheme: its mathematics without a figure, its words and its marks."""

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from utils.chapters.initialization import explore
from utils.chapters.initialization.explore import by_scheme
from utils.nn import initialization as init


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


def test_zeros_are_left_out_of_the_bands_and_counted():
    """Half of what ReLU gives is exactly 0; a band down to the edge would look like a signal that vanishes."""
    explorable = explore.signal_by_scheme(activation="ReLU", scheme="He, fan-in")
    said = explorable.at()[1]
    drawn = explorable.scene.artists["plot"].activations.outer.get_xy()[:, 1]
    values = run("He, fan-in", "ReLU").activations
    assert drawn.min() > 1e-4 and by_scheme.quantiles(values)[:, 0].max() == 0
    positive = [np.quantile(layer[layer > 0], 0.05) for layer in values]
    np.testing.assert_allclose(drawn[: len(values)], positive)
    share = (values[0] == 0).mean()
    assert 0.4 < share < 0.6 and f"; {share:.0%} of its activations are exactly 0\n" in said
    assert "exactly 0" not in explorable.at(activation="tanh")[1]


def test_a_layer_of_zeros_only_has_a_band_at_the_edge():
    found = by_scheme.bands([np.zeros((2, 3)), np.array([0.0, -2.0])])
    assert found.tolist() == [[0] * 5, [2] * 5] and by_scheme.zeros(np.zeros(3)).startswith("; 100%")


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
