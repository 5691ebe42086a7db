"""Explorables of chapter 04, the scale of the weights and the running statistics: without a figure, and drawn."""

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tests.explorable.artists import heights, shown
from tests.nn.torch_norms import torch_batch_norm
from utils.chapters.normalization import explore
from utils.chapters.normalization.explore import running_statistics, weight_scale
from utils.nn.normalization import batch_norm

# ---- the scale of the weights


@pytest.mark.parametrize(
    "factor, eps", list(itertools.product([0.001, 0.5, 100.0, -3.0], [1e-12, 1e-5, 1e-3]))
)
def test_scaled_layer_is_torchs(factor, eps):  # PyTorch refuses eps 0 in training
    found = weight_scale.scaled(factor, eps)
    weight = torch.from_numpy(factor * weight_scale.WEIGHT).requires_grad_()
    z = F.linear(torch.from_numpy(weight_scale.INPUTS), weight)
    y = F.batch_norm(z, None, None, training=True, eps=eps)
    y.backward(torch.from_numpy(weight_scale.UPSTREAM))
    np.testing.assert_allclose(found.outputs, y.detach(), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(
        found.gradient, weight.grad, rtol=1e-9, atol=1e-9 * np.abs(found.gradient).max()
    )


@pytest.mark.parametrize("factor", weight_scale.FACTORS)
def test_with_eps_zero_the_scale_does_not_matter(factor):
    found, before, flipped = (weight_scale.scaled(f, 0.0) for f in (factor, 1.0, -factor))
    np.testing.assert_allclose(found.outputs, before.outputs, atol=1e-9)
    np.testing.assert_allclose(found.gradient * factor, before.gradient, atol=1e-9)
    assert found.relative_step * factor**2 == pytest.approx(before.relative_step)
    np.testing.assert_allclose(flipped.outputs, -before.outputs, atol=1e-9)
    assert found.cosine == pytest.approx(0, abs=1e-9)


def test_with_eps_tiny_weights_do_matter():
    tiny, small, before = (weight_scale.scaled(f, 1e-5) for f in (1e-3, 1e-1, 1.0))
    assert weight_scale.change(tiny, before) > 0.5 and weight_scale.change(small, before) < 0.01
    assert tiny.gradient_norm * 1e-3 < before.gradient_norm / 2
    assert tiny.cosine > 0.1 > 0.01 > small.cosine


def test_without_batch_norm_outputs_follow_and_the_gradient_stays():
    found, before = (weight_scale.scaled(f, batch_norm=None) for f in (10.0, 1.0))
    np.testing.assert_allclose(found.outputs, 10 * before.outputs)
    np.testing.assert_array_equal(found.gradient, before.gradient)
    assert weight_scale.change(found, before) == pytest.approx(9)
    assert found.relative_step * 10 == pytest.approx(before.relative_step)


def test_the_readers_batch_norm_moves_the_picture():
    def no_division(x, weight, bias, *, eps):
        return x - x.mean(0), lambda dy: (dy - dy.mean(0), None, None)

    assert "outputs change by 900.0%" in explore.scale(no_division).at(factor=10.0)[1]
    assert "outputs change by 0.0%" in explore.scale().at(factor=10.0)[1]


MADE_UP = weight_scale.Scaled(
    outputs=np.array([[4.0, 11.0]]),
    weight=np.array([[3.0, 0.0], [0.0, 4.0]]),  # of length 5
    gradient=np.array([[-6.0, 8.0], [24.0, 7.0]]),  # of lengths 10 and 25
)
MADE_UP_BEFORE = weight_scale.Scaled(np.array([[1.0, 7.0]]), np.eye(2), np.diag([3.0, 4.0]))


def test_the_numbers_of_a_made_up_layer():
    assert MADE_UP.gradient_norm == pytest.approx(np.sqrt(725))
    assert MADE_UP.relative_step == pytest.approx(0.1 * np.sqrt(725) / 5)
    assert MADE_UP.cosine == pytest.approx(0.6)  # -6 / 10 beside 7 / 25
    assert weight_scale.change(MADE_UP, MADE_UP_BEFORE) == pytest.approx(np.sqrt((3**2 + 4**2) / (1 + 7**2)))


def test_the_words_for_a_made_up_layer():
    assert weight_scale.in_words(10.0, MADE_UP, MADE_UP_BEFORE) == (
        "outputs change by 70.7%\n"
        "gradient of the weights 26.9, times 10: 269   (at factor 1: 5)\n"
        "a step of rate 0.1 moves the weights by 0.54 times their length, times 10 squared: 53.9\n"
        "largest cosine between weights and gradient 0.60"
    )


def test_before_means_factor_one_of_the_same_layer():
    said = explore.scale().at(factor=10.0, norm="no batch norm")[1]
    assert said.startswith("weights times 10, no batch norm: outputs change by 900.0%\n")
    said = explore.scale().at(factor=10.0, negative=True)[1]
    assert said.startswith("weights times -10, batch norm: outputs change by 200.0%\n")


def test_a_pullback_of_zeros_has_no_angle():
    def no_gradient(x, weight, bias, *, eps):
        y, _ = batch_norm(x, weight, bias, eps=eps)
        return y, lambda dy: (0 * dy, None, None)

    with np.errstate(all="raise"):
        assert explore.scale(no_gradient).at()[1].endswith("between weights and gradient 0.00")


def positive_only(x, weight, bias, *, eps):
    """Batch norm and ReLU: here the sign of the weights matters."""
    y, pullback = batch_norm(x, weight, bias, eps=eps)
    return np.maximum(y, 0), lambda dy: pullback(dy * (y > 0))


@pytest.mark.parametrize("negative, eps", [(False, 1e-3), (True, 1e-5)])
def test_the_curves_are_those_of_the_setting(negative, eps):
    artists = shown(explore.scale(positive_only), factor=0.01, negative=negative, eps=eps)
    layer = lambda f: weight_scale.scaled(-f if negative else f, eps, positive_only)
    curves = [layer(f) for f in weight_scale.FACTORS]
    gradients = [np.linalg.norm(c.gradient) for c in curves]
    steps = [0.1 * g / np.linalg.norm(c.weight) for g, c in zip(gradients, curves)]
    here = weight_scale.FACTORS.index(0.01)
    for name, values in (("gradient", gradients), ("step", steps)):
        np.testing.assert_allclose(artists[name].get_ydata(), values)
        np.testing.assert_allclose(artists[f"{name} here"].get_xydata(), [[0.01, values[here]]])
    before = weight_scale.scaled(1.0, eps, positive_only)
    for name, found in (("before", before), ("after", curves[here])):
        np.testing.assert_allclose(heights(artists[name]), found.outputs[:, 0].clip(-3, 3), err_msg=name)


# ---- training against evaluation


@pytest.mark.parametrize("size, momentum, drift", [(2, 0.1, False), (16, 0.5, True), (128, 1.0, False)])
def test_a_run_is_torchs(size, momentum, drift):
    ours = running_statistics.run(size, momentum, drift)
    torchs = lambda *inputs, **options: (torch_batch_norm(*inputs, **options).numpy(), None)
    theirs = running_statistics.run(size, momentum, drift, torchs)
    for name, values in vars(ours).items():
        np.testing.assert_allclose(values, vars(theirs)[name], atol=1e-9, err_msg=name)


def test_running_statistics_follow_their_rule_from_zero_and_one():
    found = running_statistics.run(8, 0.1, False)
    mean, var = 0.0, 1.0
    for batch_mean, batch_var, running_mean, running_var in zip(
        found.batch_mean, found.batch_var, found.running_mean, found.running_var
    ):
        mean, var = 0.9 * mean + 0.1 * batch_mean, 0.9 * var + 0.1 * batch_var * 8 / 7
        assert (running_mean, running_var) == pytest.approx((mean, var))


@pytest.mark.parametrize("size", running_statistics.SIZES)
def test_means_of_batches_spread_as_the_text_claims(size):
    found = running_statistics.run(size, 0.1, False)
    assert found.batch_mean.std() == pytest.approx(2 / np.sqrt(size), rel=0.15)
    assert found.batch_var.mean() * size / (size - 1) == pytest.approx(4, rel=0.15)


def test_the_output_in_training_is_noisy_and_less_so_in_large_batches():
    small, large = (running_statistics.run(size, 0.1, False).last for size in (8, 128))
    assert 2.5 < small.training.std() / large.training.std() < 6.5
    for found in (small, large):
        assert found.evaluation.std() < found.training.std() / 2
        assert found.evaluation.mean() == pytest.approx(found.ideal.mean(), abs=0.15)


def test_in_batches_of_two_the_output_is_one_or_minus_one():
    found = running_statistics.run(2, 0.1, False)
    distance = np.abs(np.abs(found.training) - 1)
    assert np.median(distance) < 1e-4 and set(np.sign(found.training)) == {-1.0, 1.0}


def test_momentum_one_remembers_the_last_batch_only():
    found = running_statistics.run(16, 1.0, False)
    np.testing.assert_allclose(found.running_mean, found.batch_mean)
    np.testing.assert_allclose(found.running_var, found.batch_var * 16 / 15)
    np.testing.assert_allclose(
        found.evaluation, (running_statistics.PROBE - found.batch_mean) / np.sqrt(found.running_var + 1e-5)
    )


def test_a_drifting_mean_is_followed_at_the_distance_that_the_formula_gives():
    assert running_statistics.lag(0.1, True) == pytest.approx(0.02 * 9, rel=0.01)
    assert running_statistics.lag(1.0, True) == 0 and running_statistics.lag(0.1, False) == 0
    truth, _ = running_statistics.truth(True)
    for momentum in (0.1, 0.5):
        mean = truth[0]
        for value in truth:  # the rule itself, fed with the truth
            mean += momentum * (value - mean)
        assert truth[-1] - mean == pytest.approx(running_statistics.lag(momentum, True))
    found = running_statistics.run(128, 0.1, True).last
    assert (found.mean - found.running_mean).mean() == pytest.approx(0.18, abs=0.05)


def test_a_long_memory_has_not_arrived_and_lags():
    steady, drifting = (running_statistics.run(64, 0.01, drift).last for drift in (False, True))
    assert (steady.mean - steady.running_mean).mean() == pytest.approx(0.99**175, abs=0.05)
    assert (drifting.mean - drifting.running_mean).mean() > 1
    assert (drifting.evaluation - drifting.training).mean() > 0.8


def test_the_readers_forgotten_update_moves_the_picture():
    def forgetful(x, weight, bias, *, running_mean=None, running_var=None, **options):
        if not options.get("training", True):
            return batch_norm(x, weight, bias, running_mean=running_mean, running_var=running_var, **options)
        return batch_norm(x, weight, bias)

    said = explore.train_against_eval(forgetful).at()[1]
    assert "running mean off by -1.00, running variance by -3.00" in said


def made_up_run():
    """60 steps: the first ten are another time, with another truth, and the read-out shall leave most of it out."""
    early, swing = np.arange(60) < 10, np.tile([1.0, -1.0], 30)
    pick = lambda then, now: np.where(early, then, now)
    mean, std = pick(10.0, 0.0), pick(4.0, 2.0)  # so the ideal output for 4 is 2 in the end
    return running_statistics.Run(
        batch_mean=mean + 0.5 * swing,
        batch_var=np.repeat([3.0, 5.0], 30),
        running_mean=pick(99.0, 0.3),
        running_var=pick(99.0, 4 - 0.7),
        training=pick(50.0, 2 - 0.25 + 0.4 * swing),
        evaluation=pick(50.0, 2 + 0.15 + 0.1 * swing),
        mean=mean,
        std=std,
    )


def test_the_words_for_a_made_up_run():
    variance = (10 * 4**2 + 50 * 2**2) / 60
    assert running_statistics.in_words(made_up_run(), 4) == (
        f"mean of a batch: spread 0.500; sigma / sqrt(m) = {np.sqrt(variance / 4):.3f}\n"
        f"variance of a batch: 4.00 on average, times m / (m - 1): {4 * 4 / 3:.2f}; true {variance:.2f}\n"
        "last 50 steps: running mean off by +0.30, running variance by -0.70\n"
        "output for the input 4 off by: training -0.25, spread 0.40; evaluation +0.15, spread 0.10"
    )


def test_the_curves_of_a_run_are_in_their_places():
    artists = shown(explore.train_against_eval(), size=4, drift=True)
    found = running_statistics.run(4, 0.1, True)
    mean, std = running_statistics.truth(True)
    expected = {
        "mean": (found.batch_mean, found.running_mean, mean),
        "variance": (found.batch_var, found.running_var, std**2),
        "output": (found.training, found.evaluation, (4 - mean) / std),
    }
    for name, series in expected.items():
        for line, values in zip(artists[name], series, strict=True):
            np.testing.assert_array_equal(line.get_ydata(), values, err_msg=name)


def test_the_probe_meets_others_than_the_batch_that_moved_the_running_statistics():
    met = []

    def spy(x, *affine, **options):
        met.append(x.copy())
        return batch_norm(x, *affine, **options)

    running_statistics.run(8, 0.1, False, spy)
    for batch, probed, alone in zip(met[0::3], met[1::3], met[2::3], strict=True):
        assert batch.shape == probed.shape == (8, 1) and probed[0] == alone == running_statistics.PROBE
        assert not np.isin(probed, batch).any()
