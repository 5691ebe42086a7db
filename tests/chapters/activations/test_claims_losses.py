"""Claims that circulate about softmax and losses, and about training with either activation (chapter 02, appendix)."""

from functools import cache, partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import distributions

from utils.chapters.activations import runs
from utils.nn import activations as act
from utils.nn.losses import binary_cross_entropy_with_logits, cross_entropy, l1_loss, mse_loss

SCORES = np.array([2.0, 1.0, 0.0, -1.0])


def softmax(x, **options):
    return act.softmax(np.asarray(x, float), **options)[0]


def log_sum_exp(x):
    """By our log_softmax, which is x minus it."""
    return float(x[0] - act.log_softmax(x)[0][0])


def entropy(p):
    return -(p * np.log(p)).sum(-1)


def of_one(logits, k, **options):
    """Cross-entropy of one example of class k: the loss and the gradient at its logits."""
    loss, pullback = cross_entropy(np.asarray(logits, float)[None], np.array([k]), **options)
    return loss, pullback(1.0)[0][0]


# ---- softmax


def test_the_jacobian_of_softmax():
    """ACT-07: diag(p) - p p^T, symmetric, its rows add up to zero; the diagonal alone is not enough."""
    p, pullback = act.softmax(SCORES)
    jacobian = np.array([pullback(row) for row in np.eye(4)])
    np.testing.assert_allclose(jacobian, np.diag(p) - np.outer(p, p), atol=1e-15)
    theirs = torch.autograd.functional.jacobian(lambda z: torch.softmax(z, 0), torch.from_numpy(SCORES))
    np.testing.assert_allclose(jacobian, theirs, atol=1e-15)
    np.testing.assert_allclose(jacobian.sum(1), 0, atol=1e-15)
    assert np.abs(jacobian - np.diag(p * (1 - p))).max() > 0.15
    np.testing.assert_allclose(pullback(np.ones(4)), 0, atol=1e-15)  # an upstream of ones sees nothing


def test_two_classes_are_one_sigmoid_of_the_difference():
    """ACT-07."""
    z = np.random.default_rng(0).normal(scale=5, size=(50, 2))
    np.testing.assert_allclose(softmax(z)[:, 0], act.sigmoid(z[:, 0] - z[:, 1])[0])


def test_logits_are_any_numbers_and_shares_are_positive_with_sum_one():
    """ACT-07, E02.15: what is at least zero is not the logit."""
    z = np.array([-3.0, -7.5, -2.0])
    p = softmax(z)
    assert (z < 0).all() and (p > 0).all() and (p < 1).all() and p.sum() == pytest.approx(1)


def test_the_quotient_overflows_and_ours_does_not():
    """ACT-07, ACT-08: subtracting the largest score changes nothing but that."""
    z = np.array([1000.0, 999.0, 0.0])
    with np.errstate(all="ignore"):
        assert np.isnan(np.exp(z) / np.exp(z).sum())[:2].all()
    assert softmax(z) == pytest.approx([0.7310586, 0.2689414, 0])


def test_softmax_of_exponentials_is_another_function():
    """E02.14: exponentiate once; twice gives the first score 0.988 in place of 0.644."""
    once, twice = softmax(SCORES), softmax(np.exp(SCORES))
    np.testing.assert_allclose(once, np.exp(SCORES) / np.exp(SCORES).sum())
    assert (once[0], twice[0]) == pytest.approx((0.6439, 0.9882), abs=1e-4)


def test_a_score_multiplies_the_odds_not_the_probability():
    """ACT-08, E02.13: odds times e; the probability goes from 0.787 to 0.909, times 1.156."""
    before, after = softmax([2.0, 0, 0]), softmax([3.0, 0, 0])
    assert (after[0] / after[1]) / (before[0] / before[1]) == pytest.approx(np.e)
    assert (before[0], after[0], after[0] / before[0]) == pytest.approx((0.7870, 0.9094, 1.1556), abs=1e-4)
    assert after[2] / after[1] == pytest.approx(before[2] / before[1])  # the others keep theirs
    with_weight = softmax(np.array([2.0, 0, 0]) + np.array([0.7, 0, 0]) * 3)
    assert with_weight[0] / with_weight[1] == pytest.approx(before[0] / before[1] * np.exp(2.1))


def test_temperature_leads_from_equal_shares_to_the_largest_alone():
    """ACT-08, E02.11."""
    largest = {t: softmax(SCORES / t).max() for t in (1e6, 4, 1, 0.25, 0.01)}
    assert largest == pytest.approx({1e6: 0.25, 4: 0.3499, 1: 0.6439, 0.25: 0.9817, 0.01: 1}, abs=1e-4)
    assert softmax(SCORES / 0.01).argmax() == SCORES.argmax()
    assert softmax(np.array([2.0, 2.0, 0]) / 0.01) == pytest.approx([0.5, 0.5, 0])  # a tie is shared


def test_log_sum_exp_is_the_smooth_maximum_and_softmax_is_not_a_maximum():
    """E02.11, ACT-08: max <= t LSE(z / t) <= max + t log K; equal scores reach the upper bound."""
    z = np.random.default_rng(0).normal(scale=3, size=(100, 5))
    for t in (2.0, 0.5, 0.01):
        smooth = np.array([t * log_sum_exp(row / t) for row in z])
        assert (smooth > z.max(1) - 1e-12).all() and (smooth < z.max(1) + t * np.log(5) + 1e-12).all()
    example = np.array([1.0, 3.0, 2.0])
    assert [t * log_sum_exp(example / t) for t in (1, 0.5, 0.1)] == pytest.approx(
        [3.4076, 3.0715, 3.0], abs=5e-5
    )
    assert log_sum_exp(np.full(5, 7.0)) == pytest.approx(7 + np.log(5))
    assert softmax(example).max() < 1 < example.max()  # shares, not a maximum


def test_softmax_is_the_gradient_of_log_sum_exp():
    """ACT-09, by our log_softmax and by differences."""
    _, pullback = act.log_softmax(SCORES)
    first = np.eye(4)[0]
    np.testing.assert_allclose(first - pullback(first), softmax(SCORES))
    h = 1e-5
    slopes = [(log_sum_exp(SCORES + h * e) - log_sum_exp(SCORES - h * e)) / (2 * h) for e in np.eye(4)]
    np.testing.assert_allclose(slopes, softmax(SCORES), atol=1e-9)


def test_no_shares_beat_softmax_in_score_plus_entropy():
    """ACT-09: and the best value is log-sum-exp; without the entropy the best is one-hot."""
    p, q = softmax(SCORES), np.random.default_rng(0).dirichlet(np.ones(4), 5000)
    best = log_sum_exp(SCORES)
    assert p @ SCORES + entropy(p) == pytest.approx(best)
    assert best - 0.05 < (q @ SCORES + entropy(q)).max() < best
    assert np.eye(4)[0] @ SCORES > p @ SCORES


def test_softmax_has_the_largest_entropy_for_its_mean_score():
    """ACT-09: every other distribution with the same mean score has less, for any temperature."""
    rng = np.random.default_rng(0)
    _, _, basis = np.linalg.svd(np.stack([np.ones(4), SCORES]))
    for scale in (0.0, 0.5, -1.0, 2.0):
        p = softmax(scale * SCORES)
        steps = rng.normal(size=(200, 2)) @ basis[2:]  # keep the sum and the mean score
        q = p + 0.5 * p.min() * steps / np.abs(steps).max(1, keepdims=True)
        np.testing.assert_allclose(q @ SCORES, p @ SCORES, atol=1e-12)
        assert (q > 0).all() and (entropy(q) < entropy(p)).all()


def test_softmax_forgets_a_shift_and_its_inverse_needs_a_reference():
    """E02.12, ACT-07, ACT-09: not injective; log(p / p_K) gives the scores back when z_K = 0."""
    p = softmax(SCORES)
    for shift in (-300.0, 5.0, 1e4):
        np.testing.assert_allclose(softmax(SCORES + shift), p, rtol=1e-10)
    back = np.log(p / p[-1])
    np.testing.assert_allclose(back, SCORES - SCORES[-1])
    assert np.abs(back - SCORES).min() == pytest.approx(1) and back[-1] == 0
    assert np.abs(softmax(2 * SCORES) - p).max() > 0.2  # a factor is not forgotten


def test_softmax_is_for_one_class_and_sigmoids_are_for_independent_labels():
    """E02.10: categorical, not multivariate Bernoulli; other shares fall when a score rises."""
    raised = SCORES + np.eye(4)[0]
    sigmoids = lambda x: act.sigmoid(x)[0]
    assert softmax(SCORES).sum() == pytest.approx(1) and sigmoids(SCORES).sum() == pytest.approx(
        2.3808, abs=1e-4
    )
    assert (softmax(raised)[1:] < softmax(SCORES)[1:]).all()
    assert (sigmoids(raised)[1:] == sigmoids(SCORES)[1:]).all()


# ---- losses for numbers


def test_the_mean_takes_a_far_point_seriously_and_the_median_does_not():
    """ACT-22: where the gradient of each loss by a constant is zero."""
    y = np.array([0.0, 1.0, 2.0, 3.0, 100.0])
    total = lambda loss, c: loss(np.full(5, c), y)[1](1.0)[0].sum()
    assert (y.mean(), np.median(y)) == (21.2, 2)
    assert total(mse_loss, 21.2) == pytest.approx(0, abs=1e-12) and total(l1_loss, 2.0) == 0
    assert total(mse_loss, 2.0) < -30 and total(l1_loss, 21.2) == pytest.approx(0.6)


def test_between_the_two_middle_numbers_every_constant_is_a_median():
    """ACT-22: the smallest absolute error need not have one place."""
    y = np.array([0.0, 1.0, 3.0, 10.0])
    error = [l1_loss(np.full(4, c), y)[0] for c in (1.0, 1.7, 2.0, 3.0)]
    assert error == pytest.approx([3.0] * 4) and l1_loss(np.full(4, 3.1), y)[0] > 3


@pytest.mark.parametrize("loss, noise, scale, factor, constant", [
    (mse_loss, distributions.Normal, 1.7, 1 / (2 * 1.7**2), np.log(1.7 * np.sqrt(2 * np.pi))),
    (l1_loss, distributions.Laplace, 1.7, 1 / 1.7, np.log(2 * 1.7)),
])  # fmt: skip
def test_squared_error_is_gaussian_noise_and_absolute_error_laplace_noise(
    loss, noise, scale, factor, constant
):
    """ACT-22: mean negative log-likelihood = factor times loss + constant, so the same minimum."""
    rng = np.random.default_rng(0)
    y, prediction = rng.normal(size=(2, 30))
    likelihood = lambda p: -noise(torch.from_numpy(p), scale).log_prob(torch.from_numpy(y)).mean().item()
    for p in (prediction, 0 * y, 5 * prediction):
        assert likelihood(p) == pytest.approx(factor * loss(p, y)[0] + constant)
    other = {mse_loss: l1_loss, l1_loss: mse_loss}[loss]
    left = [likelihood(p) - factor * other(p, y)[0] for p in (prediction, 5 * prediction)]
    assert abs(left[0] - left[1]) > 0.1


def test_sum_mean_and_half_differ_by_a_factor_of_the_gradient():
    """ACT-22: the circulating forms 1/2 sum, sum, mean."""
    y, prediction = np.random.default_rng(0).normal(size=(2, 8))
    loss, pullback = mse_loss(prediction, y)
    t = torch.tensor(prediction, requires_grad=True)
    half = 0.5 * ((t - torch.from_numpy(y)) ** 2).sum()
    half.backward()
    assert half.item() == pytest.approx(loss * 8 / 2)
    np.testing.assert_allclose(pullback(1.0)[0] * 8 / 2, t.grad)
    np.testing.assert_allclose(t.grad, prediction - y)


def test_the_absolute_error_has_slope_zero_where_both_are_equal():
    """ACT-22: PyTorch's choice too; anything from -1 to 1 would be a subgradient."""
    t = torch.tensor([1.0, 2.0], requires_grad=True)
    F.l1_loss(t, torch.tensor([1.0, 5.0])).backward()
    ours = l1_loss(np.array([1.0, 2.0]), np.array([1.0, 5.0]))[1](1.0)[0]
    assert ours.tolist() == t.grad.tolist() == [0, -0.5]


def test_through_a_sigmoid_the_squared_error_stops_learning_when_it_is_most_wrong():
    """ACT-22: why cross-entropy goes with the sigmoid; logit -10, target 1."""
    z, one = np.array([-10.0]), np.ones(1)
    p, back = act.sigmoid(z)
    squared = back(mse_loss(p, one)[1](1.0)[0])
    entropic = binary_cross_entropy_with_logits(z, one)[1](1.0)[0]
    assert squared == pytest.approx(-9.08e-5, rel=1e-3) and entropic == pytest.approx(-1, abs=1e-4)


# ---- losses for classes


def test_cross_entropy_is_the_negative_log_likelihood_of_a_categorical_variable():
    """ACT-22, ACT-23: per example, by the distribution of PyTorch."""
    rng = np.random.default_rng(0)
    logits, target = rng.normal(scale=2, size=(6, 4)), rng.integers(4, size=6)
    noise = distributions.Categorical(probs=torch.from_numpy(softmax(logits)))
    likelihood = noise.log_prob(torch.from_numpy(target)).numpy()
    loss = cross_entropy(logits, target)[0]
    assert loss == pytest.approx(-np.mean(likelihood))
    assert loss == pytest.approx(np.mean([-z[k] + log_sum_exp(z) for z, k in zip(logits, target)]))


def test_binary_cross_entropy_is_the_negative_log_likelihood_of_a_bernoulli_variable():
    """ACT-22."""
    rng = np.random.default_rng(0)
    logits, target = rng.normal(scale=2, size=20), rng.integers(2, size=20)
    noise = distributions.Bernoulli(probs=torch.from_numpy(act.sigmoid(logits)[0]))
    likelihood = noise.log_prob(torch.from_numpy(target).double()).numpy()
    assert binary_cross_entropy_with_logits(logits, target.astype(float))[0] == pytest.approx(
        -likelihood.mean()
    )


def test_binary_cross_entropy_is_cross_entropy_with_a_second_score_of_zero():
    """ACT-07, ACT-23: values and gradients."""
    rng = np.random.default_rng(0)
    z, target = rng.normal(scale=3, size=12), rng.integers(2, size=12)
    one, back_one = binary_cross_entropy_with_logits(z, target.astype(float))
    two, back_two = cross_entropy(np.stack([0 * z, z], axis=1), target)
    assert one == pytest.approx(two)
    np.testing.assert_allclose(back_one(1.0)[0], back_two(1.0)[0][:, 1])


def test_the_best_constant_scores_are_the_logarithms_of_the_frequencies():
    """ACT-22: maximum likelihood finds the frequencies, and the loss there is their entropy."""
    target = np.array([0, 0, 0, 0, 0, 1, 1, 1, 2, 2])
    frequencies = np.array([0.5, 0.3, 0.2])
    loss, pullback = cross_entropy(np.tile(np.log(frequencies), (10, 1)), target)
    np.testing.assert_allclose(pullback(1.0)[0].sum(0), 0, atol=1e-12)
    assert loss == pytest.approx(entropy(frequencies)) == pytest.approx(1.0297, abs=1e-4)


def test_knowing_nothing_costs_log_k():
    """ACT-23: equal scores, ten classes."""
    assert of_one(np.zeros(10), 3)[0] == pytest.approx(np.log(10)) == pytest.approx(2.3026, abs=1e-4)


def test_the_gradient_is_share_minus_one_hot():
    """ACT-24, E02.21: against autograd; its entries add up to zero and stay within -1 and 1."""
    for k in range(4):
        loss, gradient = of_one(SCORES, k)
        t = torch.tensor(SCORES, requires_grad=True)
        F.cross_entropy(t[None], torch.tensor([k])).backward()
        np.testing.assert_allclose(gradient, t.grad, atol=1e-15)
        np.testing.assert_allclose(gradient, softmax(SCORES) - np.eye(4)[k], atol=1e-15)
        assert loss == pytest.approx(-np.log(softmax(SCORES)[k]))
        assert gradient.sum() == pytest.approx(0, abs=1e-15) and np.abs(gradient).max() < 1


def test_the_long_way_through_softmax_and_log_gives_the_same_gradient():
    """ACT-24: two pullbacks one after the other, for scores that are not extreme."""
    p, back = act.softmax(SCORES)
    np.testing.assert_allclose(back(-np.eye(4)[2] / p), of_one(SCORES, 2)[1], atol=1e-14)


def test_log_of_softmax_is_minus_infinity_where_log_softmax_is_right():
    """ACT-24: so the loss of a wrong and certain answer is 1000, not infinite, and its gradient is 1, not nan."""
    z = np.array([0.0, -1000.0])
    with np.errstate(divide="ignore"):
        assert np.log(softmax(z)).tolist() == [0, -np.inf]
    assert act.log_softmax(z)[0].tolist() == [0, -1000]
    t = torch.tensor(z, requires_grad=True)
    (-torch.log(torch.softmax(t, 0))[1]).backward()
    assert t.grad.isnan().any()
    loss, gradient = of_one(z, 1)
    assert loss == 1000 and gradient.tolist() == [1, -1]


@pytest.mark.parametrize("dtype, still, lost", [(np.float64, -745.0, -746.0), (np.float32, -103.0, -104.0)])
def test_where_the_logarithm_of_a_share_is_lost(dtype, still, lost):
    """ACT-24: the smallest denormal number is the limit."""
    share = lambda z: act.softmax(np.array([0, z], dtype))[0][1]
    assert share(still) > 0 == share(lost)
    assert act.log_softmax(np.array([0, lost], dtype))[0][1] == lost


def test_cross_entropy_is_finite_at_a_thousand():
    """ACT-23: loss and gradient, as PyTorch; the quotient of exponentials is not a number."""
    z = np.array([[1000.0, -1000.0, 0.0], [-1000.0, 1000.0, 1000.0]])
    target = np.array([1, 1])
    loss, pullback = cross_entropy(z, target)
    t = torch.tensor(z, requires_grad=True)
    theirs = F.cross_entropy(t, torch.from_numpy(target))
    theirs.backward()
    assert loss == pytest.approx(theirs.item()) == pytest.approx((2000 + np.log(2)) / 2)
    np.testing.assert_allclose(pullback(1.0)[0], t.grad)
    with np.errstate(all="ignore"):
        assert np.isnan(-np.log(np.exp(z) / np.exp(z).sum(1, keepdims=True))).any()


def test_a_sigmoid_before_the_binary_loss_loses_the_answer():
    """ACT-24: logit 40, target 0; PyTorch caps the loss of the two-step form at 100, its gradient is zero."""
    loss, pullback = binary_cross_entropy_with_logits(np.array([40.0]), np.zeros(1))
    t = torch.tensor([40.0], dtype=torch.float64, requires_grad=True)
    two_steps = F.binary_cross_entropy(torch.sigmoid(t), torch.zeros(1, dtype=torch.float64))
    two_steps.backward()
    assert loss == 40 and pullback(1.0)[0].tolist() == [1]
    assert two_steps.item() == 100 and t.grad.item() == 0


# ---- label smoothing


def test_smoothing_mixes_the_loss_with_its_mean_over_all_classes():
    """ACT-23: (1 - eps) times cross-entropy plus eps times the mean loss of all classes."""
    rng = np.random.default_rng(0)
    z, eps = rng.normal(scale=2, size=5), 0.1
    every = [of_one(z, k)[0] for k in range(5)]
    smooth, gradient = of_one(z, 2, label_smoothing=eps)
    assert smooth == pytest.approx((1 - eps) * every[2] + eps * np.mean(every))
    spread = np.full(5, eps / 5) + (1 - eps) * np.eye(5)[2]
    np.testing.assert_allclose(gradient, softmax(z) - spread, atol=1e-15)
    elsewhere = (1 - eps) * every[2] + eps * np.mean(
        np.delete(every, 2)
    )  # spread over the wrong classes only
    assert abs(smooth - elsewhere) > 0.01
    assert of_one(z, 2, label_smoothing=1.0)[0] == pytest.approx(np.mean(every))


@pytest.mark.parametrize("classes, gap", [(2, 2.9444), (10, 4.5109), (1000, 9.1051)])
def test_with_smoothing_the_best_gap_is_finite(classes, gap):
    """ACT-23: log((1 - eps + eps / K) / (eps / K)), eps = 0.1; without it the loss falls for ever."""
    eps = 0.1
    assert np.log((1 - eps + eps / classes) / (eps / classes)) == pytest.approx(gap, abs=5e-5)
    at = lambda g, eps: of_one(g * np.eye(classes)[0], 0, label_smoothing=eps)
    best = np.log((1 - eps + eps / classes) / (eps / classes))
    np.testing.assert_allclose(at(best, eps)[1], 0, atol=1e-12)
    assert at(best, eps)[0] < min(at(best - 0.1, eps)[0], at(best + 0.1, eps)[0])
    assert at(best + 10, eps)[0] > at(best, eps)[0] + 0.4
    assert at(30.0, 0)[0] < at(20.0, 0)[0] < at(best, 0)[0]


# ---- what training says


@cache
def first_epoch_loss(name, layers, seed):
    return runs.first_epoch_loss(getattr(act, name), layers, seed)


@pytest.mark.parametrize("layers", [3, 7])
@pytest.mark.parametrize("other", ["relu", "leaky_relu"])
def test_elu_starts_faster_in_deep_and_in_shallow_networks(layers, other):
    """ACT-17: said of more than five layers; on the digits three are enough."""
    gap = [first_epoch_loss(other, layers, seed) - first_epoch_loss("elu", layers, seed) for seed in range(4)]
    assert min(gap) > 0.1 and np.mean(gap) > 0.25


@cache
def fixed_slope(negative_slope, seed):
    return runs.small_data(partial(act.leaky_relu, negative_slope=negative_slope), seed)


@pytest.mark.parametrize("seed", range(3))
def test_shared_slopes_overfit_a_hundred_digits_and_slopes_of_each_unit_do_not(seed):
    """ACT-14: against fixed slopes of 0.25, the same start and order."""
    fixed_train, fixed_test = fixed_slope(0.25, seed)
    shared_train, shared_test = runs.small_data(act.prelu, seed, slopes={"weight": np.full(1, 0.25)})
    each_train, each_test = runs.small_data(act.prelu, seed, slopes={"weight": np.full(64, 0.25)})
    assert shared_train < 0.8 * fixed_train and shared_test > fixed_test + 0.01
    assert each_train == pytest.approx(fixed_train, rel=0.05) and each_test == pytest.approx(
        fixed_test, abs=0.01
    )


def test_random_slopes_change_little_on_a_hundred_digits():
    """ACT-15: "worse in training, better when tested" does not show against their mean slope."""
    change = []
    for seed in range(4):
        drawn = partial(act.rrelu, rng=np.random.default_rng(100 + seed), training=True)
        random = runs.small_data(drawn, seed, tested_with=act.rrelu)
        change.append(np.subtract(random, fixed_slope(11 / 48, seed)))
    train_change, test_change = np.mean(change, axis=0)
    assert abs(train_change) < 0.001 and abs(test_change) < 0.01
