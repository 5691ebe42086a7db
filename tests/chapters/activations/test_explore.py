"""Explorables of chapter 02: their mathematics without a figure."""

import numpy as np
import pytest
import torch

from tests.explorable.artists import drawn, heights
from utils.chapters.activations import explore, runs
from utils.chapters.activations.explore import confidence, dying_units, passing_through, shares
from utils.data import digits
from utils.nn import activations as act
from utils.nn.mlp import mlp, mlp_params

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


def test_of_what_is_not_saturated_most_arrives():
    """Section 2.1: of inputs of spread 4 nearly half are cut off, the others' gradients arrive with spread 0.17."""
    found = passing_through.passage(act.sigmoid, 0.0, 4.0)
    passed = found.arrived[found.slope >= passing_through.SMALL_SLOPE]
    assert 0.4 < found.saturated < 0.5 and passed.std() == pytest.approx(0.17, abs=5e-3)


def test_the_readers_own_function_moves_the_picture():
    explorable = explore.passing({"mine": lambda x: (x + 100, lambda dy: 3 * dy)})
    said = explorable.at()[1]
    assert "mean +99.98" in said and "spread 3." in said


def in_three_pieces(x):
    """Flat below 0, almost flat up to 1, then steep."""
    slope = np.select([x < 0, x < 1], [0.0, 0.01], 3.0)
    return slope * x, lambda dy: slope * dy


def test_read_out_and_picture_are_of_the_function_that_is_asked_for():
    explorable = explore.passing({"other": act.tanh, "mine": in_three_pieces})
    artists, said = drawn(explorable, function="mine", mean=0.5, spread=2.0)
    inputs = 0.5 + 2 * passing_through.NORMAL
    outputs, pullback = in_three_pieces(inputs)
    arrived = pullback(passing_through.UPSTREAM)
    assert said == (
        f"inputs    mean {inputs.mean():+.2f}, spread {inputs.std():.2f}   ->   "
        f"outputs mean {outputs.mean():+.2f}, spread {outputs.std():.2f}\n"
        f"gradients spread {passing_through.UPSTREAM.std():.2f} above   ->   spread {arrived.std():.2f} below\n"
        f"slope below 0.05: {np.mean((inputs >= 0) & (inputs < 1)):.0%} of the inputs; "
        f"slope exactly 0: {np.mean(inputs < 0):.0%}"
    )
    value, pullback = in_three_pieces(passing_through.GRID)
    np.testing.assert_array_equal(artists["value"].get_ydata(), value)
    np.testing.assert_array_equal(artists["slope"].get_ydata(), pullback(np.ones_like(value)))
    for name, numbers in (("inputs", inputs), ("outputs", outputs), ("arrived", arrived)):
        found = heights(artists[name])
        inside = np.mean(
            (numbers > 1.001) & (numbers < 1.999)
        )  # bins 35 to 39; few numbers lie on their borders
        assert found[35:40].sum() == pytest.approx(inside, abs=2e-3), name
        assert found[-1] == pytest.approx(np.mean(numbers > 5.8)), name  # what is beyond counts here
        assert found.max() <= 0.3


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


MATRIX = np.array(
    [[0.1, 0.2, -0.3, 0.05], [-0.4, 0.15, 0.25, 0.3], [0.0, -0.1, 0.35, 0.2], [0.12, 0.0, 0.0, -0.2]]
)


def test_picture_and_read_out_of_a_function_with_a_known_jacobian():
    linear = lambda x: (MATRIX @ x, lambda dy: dy @ MATRIX)
    artists, said = drawn(explore.softmax_gradient(linear), temperature=0.5, asked=2)
    np.testing.assert_allclose(artists["map"].get_array(), MATRIX / 0.5)
    np.testing.assert_allclose(heights(artists["gradient"]), [-0.8, 0.3, 0.5, 0.6])
    shares_ = MATRIX @ [4, 2, 0, -2]  # the scores over the temperature
    np.testing.assert_allclose(heights(artists["shares"]), shares_, atol=1e-15)
    assert artists["row"].get_y() == 0.5
    assert [text.get_text() for text in artists["numbers"]] == [f"{n:+.2f}" for n in (MATRIX / 0.5).ravel()]
    assert said == (
        f"T = 0.5: largest share {shares_.max():.3f}, largest gradient 0.800\n"
        "gradient at the scores: -0.800  +0.300  +0.500  +0.600   (they add up to 1)"
    )


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


def test_the_read_out_and_the_dots_are_those_of_the_lead():
    right, other = np.array([np.exp(2), 1]) / (np.exp(2) + 9)
    wanted, rest = 0.91, 0.01
    losses = [np.log(np.exp(2) + 9) - 2 * wanted, (right - wanted) ** 2 + 9 * (other - rest) ** 2]
    gradients = [
        right - wanted,
        2 * right * ((1 - right) * (right - wanted) - 9 * other * (other - rest)),
    ]
    artists, said = drawn(explore.confident(), lead=2.0, classes=10, smoothing=0.1)
    assert said == (
        f"the right score leads by +2.0: its share is {right:.5f}\n"
        f"cross-entropy  loss {losses[0]:6.3f}, gradient {gradients[0]:+.5f}\n"
        f"squared error  loss {losses[1]:6.3f}, gradient {gradients[1]:+.5f}\n"
        "cross-entropy is smallest near a lead of 4.5"
    )
    np.testing.assert_allclose(artists["values"].get_xydata(), [[2, loss] for loss in losses])
    np.testing.assert_allclose(artists["gradients"].get_xydata(), [[2, slope] for slope in gradients])
    assert [list(line.get_xdata()) for line in artists["now"]] == [[2, 2], [2, 2]]


def test_the_curves_are_those_of_the_setting_and_without_smoothing_there_is_no_best_lead():
    for smoothing in (0.0, 0.3):
        artists, said = drawn(explore.confident(), classes=2, smoothing=smoothing)
        assert ("smallest at no finite lead" in said) == (smoothing == 0)
        found, _ = confidence.pushes(2, smoothing)
        for name in confidence.LOSSES:
            for line, curve in zip(artists[name], found[name], strict=True):
                np.testing.assert_array_equal(line.get_ydata(), curve)


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
    np.testing.assert_allclose(runs.dead_units(network, taps, params, x), [1 / 3])


def test_relus_die_and_the_others_do_not():
    for name in runs.THREE:
        dead, scores = dying_units.run(name, 0.3, -2.0)
        assert dead.shape == (runs.DYING_EPOCHS + 1, 3) and len(scores) == runs.DYING_EPOCHS + 1
        assert (dead[-1].max() == 1) == (name == "ReLU")
    assert dying_units.run("ELU", 0.3, -2.0)[1][-1] > 0.8 > 0.2 > dying_units.run("ReLU", 0.3, -2.0)[1][-1]


def test_a_run_begins_with_the_untrained_network():
    data, params = digits.load(), mlp_params(runs.DYING_SIZES, np.random.default_rng(0), gain=np.sqrt(2))
    x, held_out, expected = data.train_x[: runs.DYING_EXAMPLES], data.test_x, []
    for layer in params[0:9:3]:
        x, held_out = (np.maximum(a @ layer["weight"].T + layer["bias"] - 2, 0) for a in (x, held_out))
        expected.append((x.max(0) == 0).mean())
    scores = held_out @ params[9]["weight"].T + params[9]["bias"]
    dead, accuracy = dying_units.run("ReLU", 0.3, -2.0)
    np.testing.assert_allclose(dead[0], expected)
    assert accuracy[0] == pytest.approx((scores.argmax(1) == data.test_y).mean())


def test_read_out_and_curves_are_those_of_the_setting_and_the_epoch(monkeypatch):
    epochs = np.arange(runs.DYING_EPOCHS + 1)
    first = {"ReLU": 0.1, "leaky ReLU": 0.3, "ELU": 0.5}

    def made_up(name, rate, bias):
        scores = first[name] + rate * epochs / 4 - bias / 100
        return scores[:, None] * [0.9, 0.6, 0.2], scores

    monkeypatch.setattr(dying_units, "run", made_up)
    artists, said = drawn(explore.dying(), rate=0.1, bias=-4.0, epoch=2)
    assert said == (
        "after 2 epochs with learning rate 0.1, first bias -4:\n"
        "ReLU        accuracy 19%, dead units per layer 17%, 11%, 4%\n"
        "leaky ReLU  accuracy 39%, dead units per layer 35%, 23%, 8%\n"
        "ELU         accuracy 59%, dead units per layer 53%, 35%, 12%"
    )
    for name in first:
        np.testing.assert_allclose(artists["scores"][name].get_ydata(), made_up(name, 0.1, -4.0)[1])
    relu_scores = made_up("ReLU", 0.1, -4.0)[1]
    for line, share in zip(artists["dead"], (0.9, 0.6, 0.2), strict=True):
        np.testing.assert_allclose(line.get_ydata(), relu_scores * share)
    assert [list(line.get_xdata()) for line in artists["now"]] == [[2, 2], [2, 2]]
