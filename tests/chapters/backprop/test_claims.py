"""Claims that circulate about back-propagation, and what holds of them (chapter 01, appendix)."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from utils.chapters.backprop import runs
from utils.chapters.backprop.explore.deep_signal import root_mean_square, signal
from utils.chapters.backprop.worked import PARAMS, worked_network
from utils.nn.reverse_mode import Value


def test_what_torch_keeps():
    """E01.3: for many functions the output is kept, not the input."""
    x = torch.rand(3, requires_grad=True)
    for f in (torch.sigmoid, torch.tanh, torch.exp, torch.sqrt):
        assert hasattr(f(x).grad_fn, "_saved_result")
    assert hasattr((x * x).grad_fn, "_saved_self")


def test_a_constant_added_to_the_loss_changes_no_gradient():
    """BP-07, quiz 01.g."""
    w = torch.randn(3, requires_grad=True)
    loss = (w**2).sum()
    grad = lambda value: torch.autograd.grad(value, w, retain_graph=True)[0]
    assert torch.equal(grad(loss), grad(loss + 100)) and torch.allclose(grad(100 * loss), 100 * grad(loss))


def test_the_letter_of_the_misprint_hides_behind_equal_shapes():
    """E01.4: f applied to the net input of the same layer; as printed, the index and with it the shape is another."""
    layer = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Sigmoid())
    x = torch.rand(3)
    z = layer[0].weight @ x + layer[0].bias
    assert torch.allclose(layer(x), torch.sigmoid(z)) and x.shape != z.shape


def test_jacobians_of_a_composition_multiply():
    """BP-01."""
    weight = torch.randn(3, 4, dtype=torch.float64)
    f, g = lambda x: torch.tanh(weight @ x), lambda t: (t**2)[:2] + t.sum()
    x, jacobian = torch.randn(4, dtype=torch.float64), torch.autograd.functional.jacobian
    assert torch.allclose(jacobian(lambda x: g(f(x)), x), jacobian(g, f(x)) @ jacobian(f, x))


def ratio(*arguments):
    size = root_mean_square(signal(30, *arguments).gradients)
    return size[0] / size[-1]


def test_slopes_below_one_are_neither_necessary_nor_sufficient():
    """E01.10: no slope at all, and it vanishes; tanh, and it grows."""
    assert ratio("none", 0.5) < 1e-7
    assert ratio("tanh", 2.0) > 10


@pytest.mark.parametrize("gain, low, high", [(0.7, 0, 1e-7), (2.0, 1e3, np.inf), (np.sqrt(2), 0.02, 50)])
def test_relu_vanishes_explodes_or_survives_by_its_weights(gain, low, high):
    """E01.11: a factor gain / sqrt(2) a layer."""
    assert low < ratio("relu", gain) < high


def test_a_penalty_adds_lambda_times_the_weights():
    """E01.13, BP-14: matrix product, net input, penalty with one half."""
    rng = np.random.default_rng(0)
    weight = torch.tensor(rng.normal(size=(2, 3)), requires_grad=True)
    x = torch.tensor(rng.normal(size=3))
    out = torch.tanh(weight @ x)
    ((out**2).sum() + 0.5 * 0.1 * (weight**2).sum()).backward()
    o = out.detach().numpy()
    delta = 2 * o * (1 - o**2)
    np.testing.assert_allclose(weight.grad, np.outer(delta, x) + 0.1 * weight.detach().numpy())


def gradient_at_input(kind, depth=30, width=64, batch=64, seed=0):
    """Root mean square of the gradient that reaches the input, for a standard normal one at the output."""
    torch.manual_seed(seed)
    x = torch.randn(batch, width, dtype=torch.float64, requires_grad=True)
    h = x
    for _ in range(depth):
        gain = 2**0.5 if kind == "relu" else 1.0
        z = h @ torch.randn(width, width, dtype=torch.float64) * gain / width**0.5
        if kind == "sigmoid":
            h = torch.sigmoid(z)
        elif kind == "relu":
            h = F.relu(z)
        elif kind == "batch norm":
            h = torch.sigmoid((z - z.mean(0)) / z.std(0))
        else:
            h = h + 0.1 * torch.sigmoid(z)
    (h * torch.randn(batch, width, dtype=torch.float64)).sum().backward()
    return x.grad.square().mean().sqrt().item()


REMEDIES = {kind: gradient_at_input(kind) for kind in ("sigmoid", "relu", "batch norm", "residual")}


def test_the_remedies_of_the_appendix():
    """BP-17: what each leaves of a gradient after 30 layers."""
    assert REMEDIES["sigmoid"] < 1e-15
    assert 0.1 < REMEDIES["relu"] < 10
    assert REMEDIES["batch norm"] > 1e6 * REMEDIES["sigmoid"]
    assert 0.5 < REMEDIES["residual"] < 10


def test_clipping_caps_the_norm_and_nothing_else():
    """BP-17: clipping scales a long gradient down and leaves a short one alone."""
    for length in (0.1, 50.0):
        p = torch.nn.Parameter(torch.zeros(3))
        p.grad = torch.tensor([length, 0.0, 0.0])
        torch.nn.utils.clip_grad_norm_([p], 1.0)
        assert p.grad.norm().item() == pytest.approx(min(length, 1.0), rel=1e-4)


def test_two_linear_layers_are_one_and_sigmoid_slopes_at_most_a_quarter():
    """BP-10."""
    rng = np.random.default_rng(0)
    v, w, x = rng.normal(size=(4, 3)), rng.normal(size=(2, 4)), rng.normal(size=3)
    np.testing.assert_allclose(w @ (v @ x), (w @ v) @ x)
    s = 1 / (1 + np.exp(-np.linspace(-8, 8, 10001)))
    assert (s * (1 - s)).max() == pytest.approx(0.25)


@pytest.mark.parametrize("seed", range(3))
def test_pre_training_shortens_the_plateau_of_five_layers(seed):
    """BP-17: greedy layer-wise pre-training, then the whole network; the ranges of the appendix."""
    without, with_it = (runs.after_pretraining(5, seed=seed, pretrain=given)[-1] for given in (False, True))
    assert 0.25 < without < 0.55 and 0.85 < with_it < 0.98


def test_pre_training_does_not_save_seven_layers():
    for given in (False, True):
        assert runs.after_pretraining(7, seed=0, pretrain=given)[-1] < 0.15


def test_training_the_worked_network():
    """The losses of section 1.7, with shared biases and a learning rate of 0.5."""
    p, seen = dict(PARAMS), {}
    for step in range(101):
        values = {name: Value(number) for name, number in p.items()}
        loss = worked_network(values)["loss"]
        loss.backward()
        seen[step] = loss.data
        p = {name: number - 0.5 * values[name].grad for name, number in p.items()}
    expected = {0: 0.593245, 1: 0.551847, 10: 0.105855, 100: 0.000483}
    assert {step: seen[step] for step in expected} == pytest.approx(expected, abs=1e-6)
