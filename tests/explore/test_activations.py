"""Explorables of chapter 02: their mathematics without a figure, and the sweep over all settings."""

import numpy as np
import pytest
import torch

from utils.explore import activations as explore
from utils.explore.activations import confidence, dying_units, passing_through, shares
from utils.explore.sweep import sweep
from utils.nn import activations as act
from utils.nn.mlp import mlp


@pytest.mark.parametrize("name", ["passing", "softmax_gradient", "confident", "dying"])
def test_sweep(name):
    sweep(getattr(explore, name)())


# ---- through an activation function


@pytest.mark.parametrize("name", passing_through.FUNCTIONS)
def test_passage_is_value_slope_and_product(name):
    found = passing_through.passage(passing_through.FUNCTIONS[name], 0.5, 2.0)
    value, _ = passing_through.FUNCTIONS[name](found.inputs)
    np.testing.assert_array_equal(found.outputs, value)
    np.testing.assert_allclose(found.arrived, passing_through.UPSTREAM * found.slope)
    assert 0 <= found.saturated + found.dead <= 1


def test_saturated_and_dead():
    sigmoid, relu = passing_through.FUNCTIONS["sigmoid"], passing_through.FUNCTIONS["ReLU"]
    assert passing_through.passage(sigmoid, 0.0, 0.1).saturated == 0
    assert passing_through.passage(sigmoid, 4.0, 0.1).saturated == 1
    assert passing_through.passage(relu, 0.0, 1.0).dead == pytest.approx(0.5, abs=0.03)
    assert passing_through.passage(relu, -9.0, 1.0).dead == 1


def test_the_readers_own_function_moves_the_picture():
    explorable = explore.passing({"mine": lambda x: (x + 100, lambda dy: 3 * dy)})
    said = explorable.at()[1]
    assert "mean +99.98" in said and "spread 3." in said


# ---- softmax


@pytest.mark.parametrize("temperature", [0.25, 1.0, 4.0])
def test_jacobian_is_torchs(temperature):
    p, jacobian, gradient = shares.with_temperature(act.softmax, shares.SCORES, temperature, 1)
    x = torch.from_numpy(shares.SCORES)
    theirs = torch.autograd.functional.jacobian(lambda x: torch.softmax(x / temperature, 0), x)
    np.testing.assert_allclose(jacobian, theirs, atol=1e-12)
    np.testing.assert_allclose(gradient, theirs[1], atol=1e-12)
    assert p.sum() == pytest.approx(1)


def test_the_gradient_is_largest_between_flat_and_saturated():
    largest = {
        t: np.abs(shares.with_temperature(act.softmax, shares.SCORES, t, 0)[2]).max()
        for t in shares.TEMPERATURES
    }
    assert max(largest, key=largest.get) == 0.7 and largest[0.7] == pytest.approx(0.258, abs=1e-3)
    assert largest[4.0] == pytest.approx(0.057, abs=1e-3) and largest[0.25] == pytest.approx(0.071, abs=1e-3)


# ---- confident, and right or wrong


@pytest.mark.parametrize("classes, smoothing", [(2, 0.0), (10, 0.0), (10, 0.1)])
def test_pushes_are_torchs(classes, smoothing):
    found, shares = confidence.pushes(classes, smoothing)
    lead = torch.from_numpy(confidence.LEADS).requires_grad_()
    logits = torch.cat([lead[:, None], torch.zeros(len(lead), classes - 1)], dim=1)
    target = torch.zeros(len(lead), dtype=torch.long)
    wanted = torch.nn.functional.one_hot(target, classes).double() * (1 - smoothing) + smoothing / classes
    p = torch.softmax(logits, dim=1)
    losses = {
        "cross-entropy": torch.nn.functional.cross_entropy(
            logits, target, reduction="none", label_smoothing=smoothing
        ),
        "squared error": ((p - wanted) ** 2).sum(1),
    }
    np.testing.assert_allclose(shares, p.detach()[:, 0])
    for name, theirs in losses.items():
        value, gradient = found[name]
        np.testing.assert_allclose(value, theirs.detach(), atol=1e-12)
        (slope,) = torch.autograd.grad(theirs.sum(), lead, retain_graph=True)
        np.testing.assert_allclose(gradient, slope, atol=1e-12)


def test_only_cross_entropy_pushes_the_confident_and_wrong():
    found, _ = confidence.pushes(10, 0.0)
    assert found["cross-entropy"][1][0] < -0.99 and abs(found["squared error"][1][0]) < 1e-4


def test_smoothing_turns_the_push_around():
    best = np.log((1 - 0.1 + 0.1 / 10) / (0.1 / 10))
    _, gradient = confidence.pushes(10, 0.1)[0]["cross-entropy"]
    assert (np.sign(gradient) == np.sign(confidence.LEADS - best)).all()


# ---- dying units


def test_dead_units_are_those_that_answer_to_nothing():
    network, taps = mlp((2, 3, 1), act.relu)
    weight = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]])
    params = (
        {"weight": weight, "bias": np.array([0.0, 0.0, -1.0])},
        None,
        None,
        {"weight": np.ones((1, 3)), "bias": np.zeros(1)},
        None,
    )
    x = np.array([[1.0, 0.5], [2.0, -1.0]])
    np.testing.assert_allclose(dying_units.dead_units(network, taps, params, x), [1 / 3])


def test_relus_die_and_the_others_do_not():
    for name in dying_units.ACTIVATIONS:
        dead, scores = dying_units.run(name, 0.3, -2.0)
        assert dead.shape == (dying_units.EPOCHS + 1, 3) and len(scores) == dying_units.EPOCHS + 1
        assert (dead[-1].max() == 1) == (name == "ReLU")
    assert dying_units.run("ELU", 0.3, -2.0)[1][-1] > 0.8 > 0.2 > dying_units.run("ReLU", 0.3, -2.0)[1][-1]
