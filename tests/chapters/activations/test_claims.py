"""Claims that circulate about S-shaped and smooth activation functions, and what holds (chapter 02).

ReLU and its relatives are in test_claims_relu.py, softmax, losses and training in test_claims_losses.py.
"""

from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tests.nn.slopes import keras_hard_sigmoid, moments, relu6, slope, torch_slope, value
from utils.nn import activations as act
from utils.nn.chain import chain
from utils.nn.linear import linear

# ---- what an activation is


def test_two_affine_layers_are_one_and_an_activation_between_them_is_not():
    """ACT-01, with our own layers."""
    rng = np.random.default_rng(0)
    draw = lambda *shape: rng.normal(size=shape)
    first, second = ({"weight": draw(5, 3), "bias": draw(5)}, {"weight": draw(2, 5), "bias": draw(2)})
    x = draw(7, 3)
    weight, bias = second["weight"] @ first["weight"], second["weight"] @ first["bias"] + second["bias"]
    np.testing.assert_allclose(chain(linear, linear)((first, second), x)[0], x @ weight.T + bias)
    bent = lambda x: chain(linear, act.relu, linear)((first, None, second), x)[0]
    a, b = draw(7, 3), draw(7, 3)
    assert np.abs(bent((a + b) / 2) - (bent(a) + bent(b)) / 2).max() > 0.1


def test_max_pooling_is_an_activation():
    """ACT-01: no weights, and not linear; it is maxout over neighbours."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 1, 12))
    pooled = lambda x: value(act.maxout, x, pieces=3)
    np.testing.assert_array_equal(pooled(a), F.max_pool1d(torch.from_numpy(a), 3))
    assert np.abs(pooled(a + b) - pooled(a) - pooled(b)).max() > 0.1


# ---- ranges

# name -> function, lower end, is it reached, upper end, is it reached
RANGES = {
    "sigmoid": (act.sigmoid, 0, False, 1, False),
    "hard sigmoid": (act.hard_sigmoid, 0, True, 1, True),
    "Keras hard sigmoid": (lambda x: (keras_hard_sigmoid(x), None), 0, True, 1, True),
    "silu": (act.silu, -0.278464543, True, np.inf, False),
    "tanh": (act.tanh, -1, False, 1, False),
    "softplus": (act.softplus, 0, False, np.inf, False),
    "softsign": (act.softsign, -1, False, 1, False),
    "relu": (act.relu, 0, True, np.inf, False),
    "relu6": (relu6, 0, True, 6, True),
    "leaky relu": (act.leaky_relu, -np.inf, False, np.inf, False),
    "prelu": (partial(act.prelu, weight=np.array([0.25])), -np.inf, False, np.inf, False),
    "prelu, slope below 0": (partial(act.prelu, weight=np.array([-0.25])), 0, True, np.inf, False),
    "rrelu": (act.rrelu, -np.inf, False, np.inf, False),
    "threshold": (partial(act.threshold, theta=1.0), 0, True, np.inf, False),
    "elu": (act.elu, -1, False, np.inf, False),
    "elu, alpha 1.7": (partial(act.elu, alpha=1.7), -1.7, False, np.inf, False),
    "selu": (act.selu, -1.758099341, False, np.inf, False),
    "gelu": (act.gelu, -0.169971207, True, np.inf, False),
}


@pytest.mark.parametrize("name", RANGES)
def test_ranges_and_whether_their_ends_are_reached(name):
    """ACT-03 to ACT-21, E02.5, E02.8: the blanks of the usual table filled in."""
    function, low, low_reached, high, high_reached = RANGES[name]
    near, far = value(function, np.linspace(-15, 15, 300001)), value(function, [-1e4, 1e4])
    for end, reached, extreme, out_there in (
        (low, low_reached, near.min(), far.min()),
        (high, high_reached, near.max(), far.max()),
    ):
        if np.isinf(end):
            assert abs(out_there) > 99 and np.sign(out_there) == np.sign(end)
        elif reached:
            assert extreme == pytest.approx(end, abs=2e-8)
        else:
            assert low < near.min() and near.max() < high
            assert out_there == pytest.approx(end, abs=2e-4)


def test_threshold_leaves_a_gap_and_maxout_has_any_sign():
    """ACT-16, ACT-21: nothing between 0 and theta."""
    y = value(act.threshold, np.linspace(-3, 3, 6001), theta=1.0)
    assert not ((y > 0) & (y <= 1)).any() and y.max() == 3
    assert value(act.maxout, [-5.0, -7.0, 2.0, 1.0], pieces=2).tolist() == [-5, 2]


@pytest.mark.parametrize("dtype, reached", [(np.float64, 36.74), (np.float32, 16.64)])
def test_rounding_reaches_the_open_end_of_the_sigmoid(dtype, reached):
    """ACT-03: from there on the stored output is 1, and the slope y (1 - y) is 0."""
    below, above = np.array([reached - 0.02, reached], dtype)[:, None]
    for x, at_the_end in ((below, False), (above, True)):
        y, pullback = act.sigmoid(x)
        assert ((y == 1) == at_the_end).all() and ((pullback(np.ones_like(x)) == 0) == at_the_end).all()
        assert (act.sigmoid(-x)[0] > 0).all()


# ---- sigmoid and its family


def test_near_zero_the_sigmoid_is_a_half_plus_a_quarter_of_z():
    """ACT-02: the error is at most |z|^3 / 48, and close to it."""
    z = np.linspace(-1, 1, 201)
    error = np.abs(value(act.sigmoid, z) - 0.5 - z / 4)
    assert (error <= np.abs(z) ** 3 / 48 + 1e-15).all()
    assert error[-1] > 0.89 / 48 and error[np.argmin(np.abs(z - 0.1))] > 0.99 * 0.1**3 / 48


def test_how_fast_slopes_vanish():
    """ACT-02, ACT-20: exp(-|z|), 4 exp(-2 |z|), 1 / (1 + |z|)^2, and none at all."""
    z = np.array([-10.0, -5.0, 5.0, 10.0])
    size = np.abs(z)
    np.testing.assert_allclose(slope(act.sigmoid, z), np.exp(-size), rtol=0.015)
    np.testing.assert_allclose(slope(act.tanh, z), 4 * np.exp(-2 * size), rtol=1e-3)
    np.testing.assert_allclose(slope(act.softsign, z), 1 / (1 + size) ** 2)
    assert (slope(act.hard_sigmoid, z) == 0).all()
    assert slope(act.sigmoid, 10.0) == pytest.approx(4.54e-5, rel=1e-3)
    assert slope(act.softsign, 20.0) == pytest.approx(1 / 441)


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "softsign"])
def test_s_shaped_means_bounded_rising_and_flat_at_both_ends(name):
    """ACT-20."""
    function, z = getattr(act, name), np.linspace(-15, 15, 3001)
    y, dy = value(function, z), slope(function, z)
    assert (np.diff(y) > 0).all() and np.abs(y).max() < 1
    assert z[dy.argmax()] == pytest.approx(0, abs=1e-9) and dy[[0, -1]].max() < 0.004


@pytest.mark.parametrize("name, left, right", [
    ("relu", 0, 1), ("elu", 0, 1), ("softplus", 0, 1), ("silu", 0, 1), ("gelu", 0, 1), ("selu", 0, 1.0507),
    ("leaky_relu", 0.01, 1), ("sigmoid", 0, 0), ("tanh", 0, 0), ("hard_sigmoid", 0, 0),
])  # fmt: skip
def test_saturation_on_the_left_and_on_the_right(name, left, right):
    """ACT-02, ACT-05, ACT-12, ACT-17: the slope 30 away from zero."""
    assert slope(getattr(act, name), [-30.0, 30.0]) == pytest.approx([left, right], abs=1e-4)


def test_a_chain_of_slopes_below_one_vanishes():
    """ACT-02: thirty sigmoids leave at most 4^-30; ReLUs that are on leave everything."""
    assert slope(act.sigmoid, 0.0) ** 30 == pytest.approx(4.0**-30) and 4.0**-30 < 1e-18
    x, product = np.array([0.3]), 1.0
    for _ in range(30):
        product, x = product * slope(act.sigmoid, x), value(act.sigmoid, x)
    assert product < 4.0**-30
    assert slope(act.relu, 0.3) ** 30 == 1


def test_logit_undoes_the_sigmoid_and_does_not_saturate():
    """ACT-03, E02.16: logit is no member of the family, its slope 1 / (p (1 - p)) grows at both ends."""
    z = np.linspace(-6, 6, 25)
    p = value(act.sigmoid, z)
    np.testing.assert_allclose(np.log(p / (1 - p)), z, atol=1e-9)
    steep = torch_slope(torch.logit, [0.001, 0.1, 0.5, 0.9, 0.999])
    assert steep == pytest.approx([1001.0, 11.11, 4.0, 11.11, 1001.0], abs=0.01)
    np.testing.assert_allclose(slope(act.sigmoid, z) * torch_slope(torch.logit, p), 1)


def test_the_slope_of_the_sigmoid_needs_its_output_only():
    """ACT-03, E02.9: y (1 - y) without a division; also sigma(z) sigma(-z)."""
    z = np.random.default_rng(0).normal(size=50)
    y, pullback = act.sigmoid(z)
    before = pullback(np.ones(50))
    np.testing.assert_allclose(before, torch_slope(torch.sigmoid, z))
    np.testing.assert_allclose(before, y * (1 - y))
    np.testing.assert_allclose(before, y * value(act.sigmoid, -z))
    z[:] = np.nan  # the input is not needed any more
    np.testing.assert_array_equal(pullback(np.ones(50)), before)


def test_the_quotient_of_exponentials_overflows_and_ours_does_not():
    """ACT-03, ACT-06, E02.21: forms that are right on paper."""
    far = np.array([-1000.0, 1000.0])
    with np.errstate(all="ignore"):
        e = np.exp(far)
        assert np.isnan(e / (1 + e)).tolist() == [False, True]
        assert np.isnan((e - 1 / e) / (e + 1 / e)).all()
        falling = np.exp(-2 * far)
        assert np.isnan((1 - falling) / (1 + falling)).tolist() == [True, False]
    assert value(act.sigmoid, far).tolist() == [0, 1] and value(act.tanh, far).tolist() == [-1, 1]


def test_positive_inputs_give_the_weights_of_a_unit_gradients_of_one_sign():
    """ACT-03: what "not zero-centred" costs; tanh has no such trouble."""
    rng = np.random.default_rng(0)
    x, weight = rng.normal(size=(1, 20)), rng.normal(size=(6, 20))
    share = {}
    for name in ("sigmoid", "tanh"):
        _, pullback = linear(value(getattr(act, name), x), weight)
        _, dweight, _ = pullback(rng.normal(size=(1, 6)))
        share[name] = np.mean([np.abs(np.sign(row).sum()) == 20 for row in dweight])
    assert share == {"sigmoid": 1, "tanh": 0}


def test_inputs_with_a_mean_make_the_valley_of_the_next_layer_narrow():
    """ACT-03, ACT-06: longest over shortest axis of the squared error of 20 inputs, 1 + 20 mean^2 / variance."""
    ratio = {}
    for name in ("sigmoid", "tanh", "relu", "elu"):
        mean, variance = moments(getattr(act, name))
        curvature = np.linalg.eigvalsh(variance * np.eye(20) + mean**2)
        ratio[name] = curvature[-1] / curvature[0]
    assert ratio == pytest.approx({"sigmoid": 116.3, "tanh": 1.0, "relu": 10.3, "elu": 1.83}, rel=0.01)


def test_means_of_the_outputs_for_a_standard_normal_input():
    """ACT-03, ACT-06, ACT-12, ACT-17, ACT-18: who is centred."""
    means = {
        "sigmoid": 0.5, "tanh": 0, "softsign": 0, "selu": 0, "elu": 0.1605, "silu": 0.2066, "gelu": 0.2821,
        "relu": 0.3989, "leaky_relu": 0.39495, "softplus": 0.8061,
    }  # fmt: skip
    assert {name: moments(getattr(act, name))[0] for name in means} == pytest.approx(means, abs=5e-5)


# ---- hard sigmoid, swish, tanh


def test_two_hard_sigmoids():
    """ACT-04, E02.5: slope 1/6 and knees at 3, or 0.2 and 2.5; farthest apart, by 1/12, at the inner knees."""
    z = np.linspace(-4, 4, 80001)
    apart = np.abs(keras_hard_sigmoid(z) - value(act.hard_sigmoid, z))
    assert apart.max() == pytest.approx(1 / 12) and abs(z[apart.argmax()]) == pytest.approx(2.5)
    assert apart[np.argmin(np.abs(z - 1))] == pytest.approx(1 / 30)
    soft = value(act.sigmoid, z)
    off = lambda hard: np.abs(hard - soft).max()
    assert off(value(act.hard_sigmoid, z)) == pytest.approx(0.0692, abs=1e-4)
    assert off(keras_hard_sigmoid(z)) == pytest.approx(0.0759, abs=1e-4)


def test_silu_falls_before_it_rises():
    """ACT-05, E02.6: minimum -0.278465 at -1.278465; the minimum plus one is minus its place."""
    z = np.linspace(-5, 5, 1000001)
    y = value(act.silu, z)
    assert y.min() == pytest.approx(-0.278465, abs=1e-6)
    assert z[y.argmin()] == pytest.approx(-1.278465, abs=1e-5)
    assert slope(act.silu, -1.2784645427610738) == pytest.approx(0, abs=1e-12)
    steep = slope(act.silu, z)
    assert steep.max() == pytest.approx(1.0998, abs=1e-4) and z[steep.argmax()] == pytest.approx(
        2.3994, abs=1e-4
    )


def test_silu_bends_smoothly_where_relu_jumps():
    """ACT-05: first and second derivative are continuous at zero."""
    bend = lambda f, x, h=1e-5: (slope(f, x + h) - slope(f, x - h)) / (2 * h)
    assert bend(act.silu, np.array([-0.01, 0.0, 0.01])) == pytest.approx([0.5] * 3, abs=1e-3)
    assert slope(act.relu, 1e-9) - slope(act.relu, -1e-9) == 1


def test_swish_between_half_a_line_and_relu():
    """ACT-05: z sigma(beta z) = silu(beta z) / beta."""
    z = np.linspace(-5, 5, 101)
    swish = lambda beta: value(act.silu, beta * z) / beta
    np.testing.assert_allclose(swish(1e-9), z / 2, atol=1e-7)
    gap = {beta: np.abs(swish(beta) - value(act.relu, z)).max() for beta in (1, 10, 100)}
    assert gap[1] > 0.27 and gap[10] < 0.028 and gap[100] < 0.0028


def test_the_slope_of_tanh_is_one_minus_its_square():
    """E02.1, ACT-06: (1 - tanh)^2 agrees at zero only, and tends to 4 on the left."""
    z = np.array([-10.0, -3.0, -0.5, 0.0, 0.7])
    right, wrong = torch_slope(torch.tanh, z), (1 - np.tanh(z)) ** 2
    np.testing.assert_allclose(slope(act.tanh, z), right, atol=1e-15)
    assert (np.abs(wrong - right) > 0.4).tolist() == [True, True, True, False, True]
    assert wrong[0] == pytest.approx(4) and wrong[3] == right[3] == 1


def test_tanh_is_not_like_tan():
    """E02.2: tanh z = -i tan(i z), bounded, bent the other way."""
    y = value(act.tanh, [0.3, 0.7, 1.57])
    np.testing.assert_allclose(y, (-1j * np.tan(1j * np.array([0.3, 0.7, 1.57]))).real)
    assert np.tan(1.57) > 1000 > 1 > y[2]
    assert y[0] == pytest.approx(0.3 - 0.3**3 / 3, abs=4e-4) and y[0] < 0.3
    assert np.tan(0.3) == pytest.approx(0.3 + 0.3**3 / 3, abs=4e-4) and np.tan(0.3) > 0.3
    assert np.tan(0.5 + np.pi) == pytest.approx(np.tan(0.5)) and np.tanh(0.5 + np.pi) > 2 * np.tanh(0.5)


def test_tanh_by_its_definitions():
    """ACT-06, E02.21."""
    z = np.linspace(-3, 3, 13)
    expected = value(act.tanh, z)
    np.testing.assert_allclose(np.sinh(z) / np.cosh(z), expected)
    np.testing.assert_allclose((1 - np.exp(-2 * z)) / (1 + np.exp(-2 * z)), expected, atol=1e-15)
    np.testing.assert_array_equal(value(act.tanh, -z), -expected)


# ---- softplus, softsign


def test_softplus_is_a_relu_at_most_log_two_too_high():
    """ACT-10, E02.21: derivative sigmoid; the form log(1 + exp(z)) fails at both ends."""
    z = np.linspace(-30, 30, 601)
    above = value(act.softplus, z) - value(act.relu, z)
    assert above.max() == pytest.approx(np.log(2)) and z[above.argmax()] == pytest.approx(0, abs=1e-9)
    assert (above > 0).all() and above[0] < 1e-12
    np.testing.assert_allclose(slope(act.softplus, z), value(act.sigmoid, z))
    np.testing.assert_allclose(value(act.softplus, [-4.0, 4.0]), np.log(1 + np.exp([-4.0, 4.0])))
    with np.errstate(over="ignore"):
        assert np.log(1 + np.exp([-40.0, 1000.0])).tolist() == [0, np.inf]
    assert value(act.softplus, [-40.0, 1000.0]) == pytest.approx([np.exp(-40.0), 1000.0])
    far = np.array([-40.0, 0.5, 40.0])
    np.testing.assert_allclose(np.maximum(far, 0) + np.log1p(np.exp(-np.abs(far))), value(act.softplus, far))


def test_softsign_stays_open_where_tanh_closes():
    """ACT-11, E02.8: its slope is a half at |z| = 0.41 and still a thousandth at |z| = 30.6."""
    assert value(act.softsign, [-1e9, -1.0, 0.0, 1.0, 3.0]) == pytest.approx([-1 + 1e-9, -0.5, 0, 0.5, 0.75])
    assert value(act.softsign, 1e9) < 1 == value(act.tanh, 20.0)
    assert slope(act.softsign, [np.sqrt(2) - 1, np.sqrt(1000) - 1]) == pytest.approx([0.5, 0.001])
