"""Claims that circulate about normalization, and what holds of them (chapter 04, appendix and asides)."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from utils.chapters.normalization import runs
from utils.nn.activations import relu, sigmoid, tanh
from utils.nn.linear import linear
from utils.nn.normalization import batch_norm, layer_norm
from utils.results import reached


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


# ---- statistics


def test_the_biased_variance_is_too_small_on_average():
    """NRM-06, E04.12: by (m - 1) / m."""
    for m in (2, 5):
        mean = 3 * normal(200_000, m).var(1).mean() * 3
        assert mean == pytest.approx(9 * (m - 1) / m, rel=0.02)


def running_mean_of(batches, momentum=0.1):
    mean, var = np.zeros(1), np.ones(1)
    for batch in batches:
        batch_norm(batch, running_mean=mean, running_var=var, momentum=momentum)
    return mean[0]


def test_three_population_means_agree_without_drift_only():
    """E04.11: the mean of the batch means, the moving average, the last batch."""
    for drift, agree in ((0.0, True), (0.1, False)):
        batches = [normal(4096, 1, seed=t) + 1 + drift * t for t in range(100)]
        means = [batch.mean() for batch in batches]
        three = np.mean(means), running_mean_of(batches), means[-1]
        distances = [abs(three[i] - three[j]) for i, j in ((0, 1), (0, 2), (1, 2))]
        assert max(distances) < 0.1 if agree else min(distances) > 0.5


def test_momentum_of_keras_is_the_share_of_the_old():
    """E04.11: 0.99 there is 0.01 here."""
    batches = [normal(8, 1, seed=t) + 2 for t in range(30)]
    keras = 0.0
    for batch in batches:
        keras = 0.99 * keras + (1 - 0.99) * batch.mean()
    assert running_mean_of(batches, momentum=0.01) == pytest.approx(keras)
    assert abs(running_mean_of(batches, momentum=0.99) - keras) > 0.5


def test_shifted_test_data_come_out_shifted():
    """E04.1: batch norm in evaluation corrects no difference between training and test data."""
    mean, var = np.zeros(1), np.ones(1)
    for t in range(200):
        batch_norm(2 * normal(512, 1, seed=t), running_mean=mean, running_var=var)
    y, _ = batch_norm(2 * normal(20_000, 1, seed=999) + 3, running_mean=mean, running_var=var, training=False)
    assert y.mean() == pytest.approx(3 / 2, abs=0.1)


def spread_of_one_output(m, draws=600):
    """Standard deviation of the output for the input 1, in random batches of m numbers."""
    rng = np.random.default_rng(0)
    outputs = [
        batch_norm(np.concatenate([[[1.0]], rng.normal(size=(m - 1, 1))]))[0][0, 0] for _ in range(draws)
    ]
    return np.std(outputs)


def test_the_noise_of_batch_norm_falls_with_the_root_of_the_batch():
    """NRM-15: the same example comes out differently in other company."""
    spreads = [spread_of_one_output(m) for m in (32, 128, 512)]
    for larger, smaller in zip(spreads, spreads[1:]):
        assert larger / smaller == pytest.approx(2, rel=0.2)


def test_batch_statistics_of_padded_text_jump():
    """NRM-20: with lengths and images from a generator, the variance with padding differs most."""
    rng = np.random.default_rng(0)
    words, padded = [], []
    for _ in range(200):
        lengths = np.clip(rng.geometric(1 / 15, size=16), 3, 80)
        words.append(rng.normal(size=(lengths.sum(), 4)))
        padded.append(np.concatenate([words[-1], np.zeros((16 * lengths.max() - lengths.sum(), 4))]))
    images = [rng.normal(size=(576, 4)) for _ in range(200)]
    jumps = []
    for batches in (images, words, padded):
        variances = np.array([batch.var(0) for batch in batches])
        jumps.append((variances.std(0) / variances.mean(0)).mean())
    assert jumps[0] < jumps[1] < jumps[2] / 1.5


# ---- invariances


def test_the_two_invariances():
    """NRM-05, NRM-19, E04.8: batch norm to each unit's scale and shift, layer norm to each example's scale."""
    x, rng = normal(32, 5), np.random.default_rng(1)
    units, shift, examples = (
        rng.uniform(0.2, 9, size=5),
        rng.normal(size=5),
        rng.uniform(0.2, 9, size=(32, 1)),
    )
    bn, ln = (lambda x: batch_norm(x, eps=0.0)[0]), (lambda x: layer_norm(x, eps=0.0)[0])
    np.testing.assert_allclose(bn(units * x + shift), bn(x), atol=1e-12)
    np.testing.assert_allclose(ln(examples * x + 3), ln(x), atol=1e-12)
    assert np.abs(bn(examples * x) - bn(x)).max() > 0.1 and np.abs(ln(units * x) - ln(x)).max() > 0.1


def layer_and_gradient(weight, u, dy, eps):
    z, back_linear = linear(u, weight)
    y, back_norm = batch_norm(z, eps=eps)
    du, dweight, _ = back_linear(back_norm(dy)[0])
    return y, du, dweight


@pytest.mark.parametrize("a", [0.01, 5.0, -1.0])
def test_scale_of_the_weights(a):
    """NRM-05, E04.3: eqs. (4.14), (4.15), the right angle; a negative factor turns the sign."""
    weight, u, dy = normal(3, 4), normal(32, 4, seed=1), normal(32, 3, seed=2)
    y, du, dweight = layer_and_gradient(weight, u, dy, 0.0)
    sign = np.sign(a)
    y_a, du_a, dweight_a = layer_and_gradient(a * weight, u, sign * dy, 0.0)
    np.testing.assert_allclose(y_a, sign * y, rtol=1e-9)
    np.testing.assert_allclose(du_a, du, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(dweight_a, dweight / a, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose((dweight * weight).sum(1), 0, atol=1e-12)


def test_eps_ends_the_invariance():
    """E04.3, E04.4: where the variance is no longer large against eps."""
    z = normal(64, 1)
    assert np.abs(batch_norm(1e-3 * z)[0] - batch_norm(z)[0]).max() > 0.1
    small = 1e-3 * z
    back = lambda gamma: batch_norm(small, gamma, small.mean(0))[0]
    np.testing.assert_allclose(back(np.sqrt(small.var(0) + 1e-5)), small, atol=1e-12)
    assert np.abs(back(small.std(0)) - small).max() > 1e-4


def test_a_bias_before_batch_norm_has_no_gradient():
    """NRM-08."""
    z, back_linear = linear(normal(9, 4), normal(3, 4, seed=1), normal(3, seed=2))
    y, back_norm = batch_norm(z)
    _, _, dbias = back_linear(back_norm(2 * relu(y)[0])[0])
    np.testing.assert_allclose(dbias, 0, atol=1e-12)


def test_folding_into_the_layer_in_front():
    """NRM-07: eq. (4.13)."""
    x, weight, bias = normal(7, 4), normal(3, 4, seed=1), normal(3, seed=2)
    gamma, beta, mean, var = normal(3, seed=3), normal(3, seed=4), normal(3, seed=5), normal(3, seed=6) ** 2
    z, _ = linear(x, weight, bias)
    y, _ = batch_norm(z, gamma, beta, running_mean=mean, running_var=var, training=False)
    k = gamma / np.sqrt(var + 1e-5)
    np.testing.assert_allclose(linear(x, k[:, None] * weight, k * (bias - mean) + beta)[0], y)


# ---- what it does to functions


def test_before_and_after_the_activation_are_two_functions():
    """E04.10: mean 0.40 and never negative, against mean 0."""
    z = normal(40_000, 1)
    before, after = relu(batch_norm(z)[0])[0], batch_norm(relu(z)[0])[0]
    assert before.mean() == pytest.approx(1 / np.sqrt(2 * np.pi), abs=0.01) and before.min() == 0
    assert after.mean() == pytest.approx(0, abs=1e-9) and after.min() < -0.5


def test_sigmoid_and_tanh_of_standard_normal_numbers_are_nearly_linear():
    """NRM-14: the share of the variance that a straight line explains."""
    z = np.linspace(-10, 10, 200_001)
    density = np.exp(-(z**2) / 2)
    density /= density.sum()
    for f, expected in ((sigmoid, 0.984), (tanh, 0.930)):
        y = f(z)[0]
        y = y - (y * density).sum()
        share = (z * y * density).sum() ** 2 / (y**2 * density).sum()
        assert share == pytest.approx(expected, abs=5e-4)


def test_whitening():
    """NRM-16, E04.5: uncorrelated and of one variance; batch norm keeps the correlations."""
    x = normal(500, 3) @ normal(3, 3, seed=1)
    x = x - x.mean(0)
    values, vectors = np.linalg.eigh(np.cov(x.T))
    pca = x @ vectors / np.sqrt(values)
    zca = pca @ vectors.T
    for white in (pca, zca):
        np.testing.assert_allclose(np.cov(white.T), np.eye(3), atol=1e-10)
    turn, _ = np.linalg.qr(normal(3, 3, seed=2))
    closest = ((zca - x) ** 2).sum()
    assert closest < ((pca - x) ** 2).sum() and closest < ((zca @ turn - x) ** 2).sum()
    np.testing.assert_allclose(np.corrcoef(batch_norm(x, eps=0.0)[0].T), np.corrcoef(x.T), atol=1e-10)


def test_large_features_limit_the_learning_rate():
    """NRM-17, E04.6: and the small ones crawl; one scale makes one limit for both."""
    x = normal(2000, 2) * [0.1, 10]
    curvature = (x**2).mean(0)
    shrinks = np.abs(1 - 0.03 * curvature)
    assert shrinks[1] > 1 and 0.999 < shrinks[0] < 1
    condition = lambda x: np.linalg.cond(x.T @ x / len(x))
    assert condition(x) > 5000 and condition(batch_norm(x)[0]) < 1.2


def gradient_at_the_input(layers, units=128, batch=128):
    """Length of the gradient at the input of a deep BN-ReLU network with random weights."""
    torch.manual_seed(0)
    x = torch.randn(batch, units, dtype=torch.float64, requires_grad=True)
    h = x
    for _ in range(layers):
        h = F.relu(F.batch_norm(h @ torch.randn(units, units, dtype=h.dtype), None, None, training=True))
    return torch.autograd.grad((h * torch.randn(batch, units, dtype=h.dtype)).sum(), x)[0].norm().item()


def test_singular_values_are_not_near_one():
    """E04.7: a conjecture of the paper, not what one measures."""
    growth = (gradient_at_the_input(40) / gradient_at_the_input(20)) ** (1 / 20)
    assert growth == pytest.approx(1.21, abs=0.03)
    assert np.sqrt(np.pi / (np.pi - 1)) == pytest.approx(1.21, abs=5e-3)
    u, weight = normal(400, 200), normal(200, 200, seed=1)
    singular = np.linalg.svd(weight / (u @ weight).std(0), compute_uv=False)
    assert singular.max() > 1.8 and singular.min() < 0.05


def test_recurrent_states_outgrow_the_statistics_of_training():
    """NRM-19: statistics of ten steps, sequences of sixty."""
    rng = np.random.default_rng(0)
    turn, h, sizes = np.linalg.qr(rng.normal(size=(16, 16)))[0], np.zeros((256, 16)), []
    running = {"running_mean": np.zeros(16), "running_var": np.ones(16)}
    seen = []
    for step in range(60):
        h = h @ turn.T + rng.normal(size=h.shape)
        seen.append(h)
        if step == 9:
            batch_norm(np.concatenate(seen), **running, momentum=1.0)
        if step >= 9:
            by_batch, by_layer = batch_norm(h, **running, training=False)[0], layer_norm(h)[0]
            sizes.append([np.sqrt((a**2).mean()) for a in (by_batch, by_layer)])
    assert sizes[-1][0] > 2 * sizes[0][0] > 2 and sizes[-1][1] == pytest.approx(1, abs=1e-3)


# ---- training


def accuracy(activation, kind, **options):
    """Held-out accuracy of one travelling network after four epochs."""
    return runs.travelling_network(activation, kind, **{"epochs": 4} | options)[1].scores[-1]


@pytest.mark.parametrize("kind, low, high", [("batch", 0.85, 1), ("layer", 0, 0.15), ("group", 0, 0.15), ("none", 0, 0.15)])  # fmt: skip
def test_ten_layers_of_sigmoids(kind, low, high):
    """NRM-13: batch norm saves them, the others do not."""
    lowest, *_, highest = reached("normalization", "sigmoids")[kind]
    assert low < lowest <= highest < high


@pytest.mark.parametrize("kind, low, high", [("batch", 0.75, 1), ("layer", 0, 0.3), ("none", 0, 0.3)])
def test_a_large_learning_rate(kind, low, high):
    """NRM-13: ReLU with the start of He, rate 1."""
    lowest, *_, highest = reached("normalization", "larger rates")[f"{kind}, rate 1.0"]
    assert low < lowest <= highest < high


def test_a_last_batch_of_three_spoils_an_epoch():
    """Weights and running statistics both: the loss shows in training mode, too, for one seed."""
    assert reached("normalization", "last batch")["batch norm, 1347 examples"][-1] < 0.7
    assert accuracy(sigmoid, "batch", examples=1347, scored_in="training") < 0.8


def test_a_last_batch_of_eighteen_does_not():
    assert reached("normalization", "last batch")["batch norm, 1330 examples"][0] > 0.85


def test_a_last_batch_of_three_spoils_it_without_normalization_too():
    found = reached("normalization", "last batch")
    plain = [found[f"no normalization, {examples} examples"] for examples in (1344, 1347)]
    assert plain[0][0] > plain[1][-1]


def test_nothing_comes_back_through_a_batch_of_two():
    """NRM-10: two numbers are always one standard deviation from their mean, (4.8) has no direction left."""
    x, dy = normal(2, 5), normal(2, 5, seed=1)
    y, pullback = batch_norm(x, eps=0.0)
    np.testing.assert_allclose(np.abs(y), 1)
    np.testing.assert_allclose(pullback(dy)[0], 0, atol=1e-12)
    three, back = batch_norm(normal(3, 5), eps=0.0)
    gradient, _, _ = back(normal(3, 5, seed=1))
    assert (
        np.abs(gradient).max() > 0.1
        and np.linalg.matrix_rank(np.stack([gradient[:, 0], np.ones(3), three[:, 0]])) == 3
    )


def test_batch_norm_keeps_a_size_and_nothing_else_does():
    """NRM-12: activations at a rate that is too large, first and last snapshot, layer 9."""
    _, without = runs.travelling_network(tanh, rate=1.0, epochs=1)
    drifted = [snapshot.activation_rms[8] for snapshot in without.snapshots]
    assert drifted[0] < 0.4 and drifted[-1] > 0.9
    _, with_it = runs.travelling_network(tanh, "batch", rate=1.0, epochs=1)
    kept = [snapshot.activation_rms[8] for snapshot in with_it.snapshots]
    assert max(kept) / min(kept) < 1.5


def test_batches_with_other_locations_and_scales():
    """NRM-02: every batch is shifted and stretched at random; location and scale are what batch norm drops."""
    found = {}
    for kind in ("none", "batch"):
        rng = np.random.default_rng(0)
        change = lambda x, rng=rng: x * np.exp(rng.normal()) + 3 * rng.normal()
        found[kind] = accuracy(tanh, kind, change=change, scored_in="training")
    assert found["batch"] > 0.85 and found["batch"] > found["none"] + 0.1


@pytest.mark.parametrize("rate, normalized, arrives", [(3, False, True), (100, False, False), (1000, False, False), (3, True, True), (1000, True, True), (1_000_000, True, False)])  # fmt: skip
def test_one_layer_corrects_its_rate_within_limits(rate, normalized, arrives):
    """NRM-05, NRM-13: the loss of answering 0 is reached within 50 steps, or is not."""
    _, _, target = runs.random_task()
    losses, lengths = runs.one_layer(rate, normalized)
    assert (losses[-1] < (target**2).mean() + 0.04) == arrives
    if normalized:  # each step stands at a right angle to the weights
        assert (np.diff(lengths) > 0).all()


def test_variances_of_text_with_padding_jump_most():
    """NRM-20: section 4.6's own batches; words are never zero, padding always is."""
    words, padded, shares = runs.batches_of_text()
    images = runs.batches_of_images()
    assert len(words) == len(padded) == len(shares) > 100 and {b.shape[1] for b in images} == {16}
    for batch, filled, share in zip(words, padded, shares):
        zeros = (filled == 0).all(1)
        assert zeros.mean() == pytest.approx(share) and (filled[~zeros] == batch).all()
    spreads = []
    for batches in (images, words, padded):
        variances = np.array([batch.var(0) for batch in batches])
        spreads.append((variances.std(0) / variances.mean(0)).mean())
    assert spreads[0] < spreads[1] < spreads[2] / 1.5
