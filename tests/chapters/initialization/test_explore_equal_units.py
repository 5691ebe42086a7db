"""Chapter 03's units that start alike: the runs behind the picture, its words and its curves."""

import numpy as np
import pytest
import torch

from utils.chapters.initialization import explore, runs
from utils.chapters.initialization.explore import equal_units


def training(start, epsilon):
    return runs.train_all()[start, epsilon]


def test_loss_and_gradients_are_torchs():
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=shape) for shape in ((2, 3), (2, 3), (2, 3), (2,))]
    loss, grads = runs.loss_and_gradients(*arrays)
    x, y = map(torch.from_numpy, (runs.INPUTS, runs.TARGETS))
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
    assert found.loss[-1] == pytest.approx((runs.TARGETS**2).mean())


def test_a_hundredth_of_the_noise_costs_always_the_same_number_of_steps():
    at = [training("both layers", epsilon).parted for epsilon in (1e-4, 1e-6, 1e-8)]
    first, second = np.diff(at)
    assert first > 300 and first == pytest.approx(second, rel=0.15)


def test_the_difference_grows_exponentially_at_the_predicted_rate():
    """Around zero weights a step multiplies incoming + outgoing by 1 + rate * g, g = 2 mean(x y)."""
    apart = training("both, all zero", 1e-8).apart
    g = 2 * (runs.INPUTS * runs.TARGETS).mean()
    early, late = 200, 600
    steps = late - early
    measured = apart[late // runs.EVERY] / apart[early // runs.EVERY]
    assert np.log(measured) / steps == pytest.approx(np.log(1 + runs.RATE * g), rel=0.02)


def test_random_outgoing_weights_part_the_units_at_once():
    """E03.6: a constant first layer alone is no harm."""
    found = training("first layer", 0.0)
    assert found.apart[0] == 0 and found.parted == runs.EVERY
    assert found.loss[-1] < 0.05 < 0.3 < training("both layers", 0.0).loss[-1]


def test_random_first_weights_are_apart_from_the_start():
    assert equal_units.different_units(training("outgoing", 0.0).incoming[0]) == runs.UNITS


def test_training_is_stable():
    for found in runs.train_all().values():
        assert np.diff(found.loss).max() < 1e-6
        assert np.abs(found.incoming[..., 0]).max() < 3  # the axis ends there


def test_different_units():
    units = np.array([[1.0, 0], [1.0, 0.005], [1.0, 0.5], [2.0, 0.5], [1.001, 0]])
    assert equal_units.different_units(units) == 3
    assert equal_units.different_units(units[:1]) == 1


def made_up(incoming, outgoing=(), output_bias=()):
    """A Training whose biases are what symmetry would forbid: different, and not 0."""
    return runs.Training(*map(np.array, (incoming, outgoing, output_bias)), loss=np.zeros(len(incoming)))


def test_units_are_apart_by_the_larger_of_weight_and_bias():
    alike, bias, weight = [[1, 0.5], [1, 0.5]], [[1, 0.5], [1, 0.8]], [[1, 0.5], [1.7, 0.8]]
    np.testing.assert_allclose(made_up([alike, bias, weight]).apart, [0, 0.3, 0.7])


def test_parted_is_the_first_step_beyond_the_tolerance():
    still, near, apart = ([[1, 0.5], [1, 0.5 + d]] for d in (0.0, 0.005, 0.015))
    assert made_up([still, near, still]).parted is None
    assert made_up([still, apart, apart]).parted == runs.EVERY
    assert made_up([still, near, apart, still]).parted == 2 * runs.EVERY


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
    incoming = np.array([runs.first_weights("outgoing", 0.0, seed)[0] for seed in range(1000)])
    outgoing = np.array([runs.first_weights("first layer", 0.0, seed)[1] for seed in range(1000)])
    assert incoming.var() == pytest.approx(1, rel=0.06)
    assert outgoing.var() == pytest.approx(1 / runs.UNITS, rel=0.06)


def test_the_step_moves_the_words_and_the_fit():
    explorable = explore.symmetry()
    found = training("both layers", 1e-6)
    for step, units in ((0, "1 different unit of 5"), (runs.STEPS, "4 different units of 5")):
        time = step // runs.EVERY
        said = explorable.at(step=step)[1]
        expected = f"step {step}: {units}; the largest difference between two is {found.apart[time]:.1e}\n"
        assert said.startswith(expected)
        fit = explorable.scene.artists["fit"].get_ydata()
        np.testing.assert_allclose(fit, equal_units.outputs(found, time, equal_units.GRID))


def test_outputs_give_the_recorded_loss():
    found = training("both layers", 1e-4)
    for time in (0, 50, -1):
        error = equal_units.outputs(found, time, runs.INPUTS) - runs.TARGETS
        assert (error**2).mean() == pytest.approx(found.loss[time])
