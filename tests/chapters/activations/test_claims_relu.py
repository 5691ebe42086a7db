"""Claims that circulate about ReLU, its relatives and SELU, and what holds of them (chapter 02)."""

from functools import partial
from math import erf

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tests.nn.slopes import NORMAL, Z, moments, relu6, slope, torch_slope, value
from utils.nn import activations as act
from utils.nn.linear import linear
from utils.nn.losses import mse_loss

# ---- ReLU and its relatives


def test_capped_relu_saturates_for_positive_inputs():
    """E02.7, ACT-12: what is said of ReLU without a cap is not true with one."""
    z = np.array([-1.0, 0.5, 5.9, 6.1, 99.0])
    assert value(relu6, z).tolist() == [0, 0.5, 5.9, 6, 6]
    assert slope(relu6, z).tolist() == [0, 1, 1, 0, 0] == torch_slope(F.relu6, z).tolist()
    assert slope(act.relu, z).tolist() == [0, 1, 1, 1, 1]


def test_a_dead_unit_answers_to_no_example():
    """E02.19, ACT-12: silent on some inputs is normal, silent on all of them is final."""
    rng = np.random.default_rng(0)
    x, weight = rng.normal(size=(200, 4)), rng.normal(size=(1, 4))

    def unit(bias, activation=act.relu):
        z, back = linear(x, weight, np.array([bias]))
        y, back_activation = activation(z)
        dx, dweight, dbias = back(back_activation(np.ones_like(y)))
        return (y == 0).mean(), np.abs(dweight).max(), dbias[0], np.abs(dx).max()

    silent, *gradients = unit(0.0)
    assert 0.3 < silent < 0.7 and min(gradients) > 0.1
    assert unit(-100.0) == (1, 0, 0, 0)
    assert min(unit(-100.0, act.leaky_relu)[1:]) > 0.001
    assert 0 < unit(-20.0, act.elu)[1] < 1e-5  # alive, and hardly moving


def test_slope_or_divisor():
    """ACT-13, E02.17: the slope 0.01 is the divisor 100; a slope of 6 is no small leak."""
    x = -np.random.default_rng(0).uniform(0.1, 1, size=20)
    leak = lambda slope: value(act.leaky_relu, x, negative_slope=slope)
    np.testing.assert_allclose(leak(0.01), x / 100)
    away = lambda y: np.abs(y - value(act.relu, x)).max()
    assert away(x / 100) < away(x / 6)  # a larger divisor is closer to ReLU,
    assert away(leak(0.01)) < away(leak(0.25)) < away(leak(6.0))  # a larger slope farther
    assert (np.abs(leak(6.0)) > np.abs(x)).all()


def test_prelu_sums_what_its_slope_acts_on():
    """ACT-14, E02.20: one slope or one a channel, 0.25 at first; its gradient is the sum of min(z, 0)."""
    z = np.random.default_rng(0).normal(size=(5, 3, 2))
    for slopes in (1, 3):
        module = torch.nn.PReLU(slopes)
        assert module.weight.tolist() == [0.25] * slopes
        y, pullback = act.prelu(z, np.full(slopes, 0.25))
        np.testing.assert_allclose(y, np.maximum(z, 0) + 0.25 * np.minimum(z, 0))
        _, dweight = pullback(np.ones_like(z))
        module(torch.from_numpy(z).float()).sum().backward()
        np.testing.assert_allclose(dweight, module.weight.grad, rtol=1e-5)
        below = np.minimum(z, 0)
        np.testing.assert_allclose(dweight, below.sum((0, 2)) if slopes == 3 else [below.sum()])


def test_gradient_descent_finds_the_slopes():
    """ACT-14: learned like any weight."""
    z = np.random.default_rng(0).normal(size=(200, 2))
    target, slopes = np.where(z > 0, z, z * [0.1, 0.6]), np.full(2, 0.25)
    for _ in range(200):
        y, back = act.prelu(z, slopes)
        _, back_loss = mse_loss(y, target)
        slopes = slopes - 0.5 * back(back_loss(1.0)[0])[1]
    assert slopes == pytest.approx([0.1, 0.6], abs=1e-6)


def test_below_zero_the_slope_of_prelu_stays_and_that_of_elu_vanishes():
    """E02.20: the comparison is with ELU; ReLU is exactly 0 there."""
    z = np.array([-1.0, -5.0, -20.0])
    np.testing.assert_allclose(slope(act.elu, z), np.exp(z))
    assert slope(partial(act.prelu, weight=np.array([0.25])), z)[0].tolist() == [0.25] * 3
    assert slope(act.relu, z).tolist() == [0] * 3


def test_a_penalty_on_the_slopes_pulls_prelu_towards_relu():
    """E02.20: why He et al. 2015 leave weight decay out for them."""
    z = np.linspace(-2, 2, 9)
    np.testing.assert_array_equal(value(act.prelu, z, weight=np.zeros(1)), value(act.relu, z))


def test_rrelu_draws_slopes_and_tests_with_their_mean():
    """ACT-15, E02.18: 11/48 for PyTorch's bounds."""
    x = -np.ones(100_000)
    drawn = -act.rrelu(x, rng=np.random.default_rng(0), training=True)[0]
    assert drawn.min() >= 1 / 8 and drawn.max() <= 1 / 3 and len(np.unique(drawn)) > 99_000
    assert drawn.mean() == pytest.approx(11 / 48, abs=1e-3)
    assert value(act.rrelu, [-1.0]) == F.rrelu(torch.tensor([-1.0], dtype=torch.float64)).numpy() == -11 / 48


def test_the_mean_divisor_is_not_the_mean_slope():
    """E02.18: divisors from U(3, 8) give the mean slope ln(8/3) / 5 = 0.1962; 1 / 5.5 = 0.1818 is another number."""
    x = -np.ones(100_000)
    divisors = np.random.default_rng(0).uniform(3, 8, size=len(x))
    mean_slope = np.log(8 / 3) / 5
    assert -(x / divisors).mean() == pytest.approx(mean_slope, abs=1e-3)
    assert (mean_slope, 1 / 5.5) == pytest.approx((0.1962, 0.1818), abs=5e-5)


def test_a_threshold_is_a_jump_that_its_gradient_does_not_see():
    """ACT-16."""
    above, at = value(act.threshold, [1 + 1e-9, 1.0], theta=1.0)
    assert above == pytest.approx(1) and at == 0
    assert slope(act.threshold, [1 - 1e-9, 1.0, 1 + 1e-9], theta=1.0).tolist() == [0, 0, 1]
    z = np.linspace(-2, 2, 41)
    np.testing.assert_array_equal(value(act.threshold, z, theta=0.0), value(act.relu, z))
    assert value(act.threshold, [-0.9, -1.1], theta=-1.0).tolist() == [-0.9, 0]


def test_elu_is_smooth_for_alpha_one_only_and_ends_at_minus_alpha():
    """ACT-17."""
    for alpha in (0.5, 1.0, 2.0):
        left, right = slope(act.elu, [-1e-9, 1e-9], alpha=alpha)
        assert right - left == pytest.approx(1 - alpha, abs=1e-8)
        assert value(act.elu, -60.0, alpha=alpha) == pytest.approx(-alpha)


def test_means_of_elu_and_relu_of_a_normal_variable():
    """ACT-17, against the exact values."""
    below_minus_one = (1 - erf(1 / np.sqrt(2))) / 2  # probability
    half_mean = 1 / np.sqrt(2 * np.pi)
    assert moments(act.relu)[0] == pytest.approx(half_mean, abs=1e-8)
    assert moments(act.elu)[0] == pytest.approx(half_mean + np.exp(0.5) * below_minus_one - 0.5, abs=1e-8)


def test_maxout_is_not_a_norm():
    """ACT-19, E02.3: no absolute values; it can be negative."""
    x = np.array([-1.0, -2.0, -3.0])
    assert value(act.maxout, x, pieces=3).tolist() == [-1] and np.linalg.norm(x, np.inf) == 3


def test_maxout_over_affine_pieces_is_relu_or_the_absolute_value():
    """ACT-19, E02.4: the two pieces x and 0, or x and -x; in general convex."""
    x = np.linspace(-2, 2, 41)[:, None]
    unit = lambda weight, bias: value(
        act.maxout, linear(x, np.array(weight)[:, None], np.array(bias))[0], pieces=len(bias)
    )
    np.testing.assert_array_equal(unit([1.0, 0.0], [0.0, 0.0]), value(act.relu, x))
    np.testing.assert_array_equal(unit([1.0, -1.0], [0.0, 0.0]), np.abs(x))
    rng = np.random.default_rng(0)
    assert (np.diff(unit(rng.normal(size=5), rng.normal(size=5))[:, 0], 2) > -1e-12).all()


# ---- the slope at a kink

KINKS = [
    # ours, PyTorch's, where, the slope there
    (act.relu, F.relu, 0, 0),
    (relu6, F.relu6, 0, 0),
    (relu6, F.relu6, 6, 0),
    (act.leaky_relu, F.leaky_relu, 0, 0.01),
    (partial(act.elu, alpha=1.7), partial(F.elu, alpha=1.7), 0, 1.7),
    (act.selu, F.selu, 0, 1.7580993408473766),
    (act.hard_sigmoid, F.hardsigmoid, -3, 0),
    (act.hard_sigmoid, F.hardsigmoid, 3, 0),
    (partial(act.threshold, theta=1.0), partial(F.threshold, threshold=1.0, value=0.0), 1, 0),
    (act.rrelu, F.rrelu, 0, 11 / 48),
    (act.softsign, F.softsign, 0, 1),  # |x| has a kink, x / (1 + |x|) has none
]


@pytest.mark.parametrize("ours, theirs, where, expected", KINKS)
def test_the_slope_at_each_kink(ours, theirs, where, expected):
    """ACT-04, ACT-12 to ACT-18: the one of PyTorch, mostly that of the left side."""
    x = np.array([float(where)])
    assert slope(ours, x) == torch_slope(theirs, x) == pytest.approx([expected])


def test_the_slopes_of_prelu_and_maxout_at_a_tie():
    """ACT-14, ACT-19: zero for the slope that is learned; the first of equal pieces gets all."""
    x, weight = torch.zeros(3, requires_grad=True), torch.tensor([0.25], requires_grad=True)
    F.prelu(x, weight).sum().backward()
    dx, dweight = act.prelu(np.zeros(3), np.array([0.25]))[1](np.ones(3))
    assert dx.tolist() == x.grad.tolist() == [0.25] * 3 and dweight.tolist() == weight.grad.tolist() == [0]
    first = torch_slope(lambda x: x.max(-1).values, [5.0, 5.0])
    assert slope_of_maxout(np.array([5.0, 5.0])) == first.tolist() == [1, 0]
    assert torch_slope(lambda x: x.amax(-1), [5.0, 5.0]).tolist() == [0.5, 0.5]


def slope_of_maxout(x):
    return act.maxout(x, pieces=len(x))[1](np.ones(1)).tolist()


def test_three_spellings_of_relu_have_three_slopes_at_zero():
    """ACT-12, E02.4: one function, and PyTorch itself does not agree about its kink."""
    spellings = {
        "relu": F.relu,
        "maximum": lambda x: torch.maximum(x, torch.zeros_like(x)),
        "clamp": lambda x: x.clamp(min=0),
    }
    found = {name: torch_slope(function, [0.0])[0] for name, function in spellings.items()}
    assert found == {"relu": 0, "maximum": 0.5, "clamp": 1}
    assert slope(act.relu, 0.0) == found["relu"]


# ---- SELU


def selu_step(mean, variance, weight_sum):
    """Moments of selu(z), z the net input of weights with that sum and squares that add up to one."""
    return moments(act.selu, weight_sum * mean, variance)


def selu_slopes(weight_sum, h=1e-4):
    """Of both moments by both moments before, at mean 0 and variance 1, by central differences."""
    by_mean = np.subtract(selu_step(h, 1, weight_sum), selu_step(-h, 1, weight_sum)) / (2 * h)
    by_variance = np.subtract(selu_step(0, 1 + h, weight_sum), selu_step(0, 1 - h, weight_sum)) / (2 * h)
    return np.stack([by_mean, by_variance], axis=1)


def test_selu_has_the_fixed_point_and_another_alpha_misses_it():
    """ACT-18: mean 0 and variance 1; ELU and another alpha miss it."""
    assert moments(act.selu) == pytest.approx((0, 1), abs=1e-6)
    assert moments(act.elu) == pytest.approx((0.1605, 0.6192), abs=1e-4)
    assert value(act.selu, -60.0) == pytest.approx(-1.758099)
    y = act.SELU_SCALE * value(act.elu, Z, alpha=1.5)
    assert abs(y @ NORMAL) > 0.03


@pytest.mark.parametrize("mean, variance", [(0.0, 0.3), (0.0, 3.0), (0.1, 1.5), (-0.1, 0.8)])
def test_the_fixed_point_of_selu_attracts(mean, variance):
    """ACT-18: weights of every unit with sum 0 and squares that add up to one, 40 layers."""
    for _ in range(40):
        mean, variance = selu_step(mean, variance, weight_sum=0)
    assert (mean, variance) == pytest.approx((0, 1), abs=1e-4)
    slopes = selu_slopes(weight_sum=0)
    assert slopes == pytest.approx(np.array([[0, 0.0888], [0, 0.7826]]), abs=1e-4)
    assert np.linalg.norm(slopes, 2) == pytest.approx(0.7877, abs=1e-4)


def test_the_fixed_point_of_selu_repels_when_the_weights_have_a_sum():
    """ACT-18: with sum 1 a small mean grows, by 1.077 a layer; sum 0 is a condition."""
    assert np.abs(np.linalg.eigvals(selu_slopes(weight_sum=1))).max() == pytest.approx(1.0767, abs=1e-3)
    mean, variance = 0.1, 1.0
    for _ in range(50):
        mean, variance = selu_step(mean, variance, weight_sum=1)
    assert mean > 2


def test_fifty_layers_at_width_300():
    """ACT-18: LeCun's weights; SELU keeps mean and variance, the others do not."""
    variances = {}
    for name in ("selu", "relu", "elu", "tanh"):
        rng = np.random.default_rng(0)
        x = rng.normal(0.3, 1.3, size=(200, 300))
        for _ in range(50):
            x = value(getattr(act, name), x @ rng.normal(scale=300**-0.5, size=(300, 300)))
        variances[name] = x.var()
        assert name != "selu" or abs(x.mean()) < 0.1
    assert 0.7 < variances["selu"] < 1.4
    assert variances["relu"] < 1e-12 and variances["elu"] < 0.01 and variances["tanh"] < 0.05
