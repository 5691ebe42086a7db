"""The travelling network with normalizations: against torch modules, two modes, shared statistics."""

import numpy as np
import pytest
import torch

from utils import train
from utils.crosscheck import crosscheck
from utils.nn.activations import sigmoid, tanh
from utils.nn.kinds import NORMALIZATIONS as KINDS
from utils.nn.mlp import mlp, mlp_params
from utils.nn.normalized_mlp import normalized_mlp, normalized_mlp_params

SIZES = (6, 8, 12, 3)
X = np.random.default_rng(1).normal(size=(5, 6))


def norm_of(kind, units, num_groups=4, momentum=0.1, eps=1e-5):
    made = {
        "none": lambda: torch.nn.Identity(),
        "batch": lambda: torch.nn.BatchNorm1d(units, eps=eps, momentum=momentum),
        "layer": lambda: torch.nn.LayerNorm(units, eps=eps),
        "group": lambda: torch.nn.GroupNorm(num_groups, units, eps=eps),
    }
    return made[kind]()


def torch_network(kind, **options):
    layers = []
    for fan_in, units in zip(SIZES[:-2], SIZES[1:-1]):
        linear = torch.nn.Linear(fan_in, units, bias=kind != "batch")
        layers += [linear, norm_of(kind, units, **options), torch.nn.Tanh()]
    return torch.nn.Sequential(*layers, torch.nn.Linear(*SIZES[-2:])).double()


def with_parameters_of(module, kind):
    """Our tuple of parameters, with a module's numbers in it."""
    params = normalized_mlp_params(SIZES, np.random.default_rng(0), kind=kind)
    numbers = iter(p.detach().numpy().copy() for p in module.parameters())
    return tuple(entry and {name: next(numbers) for name in entry} for entry in params)


@pytest.mark.parametrize("options", [{}, {"num_groups": 2, "momentum": 0.3, "eps": 0.1}], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_against_torch_modules(kind, options):
    """Values and every gradient, in training; then values in evaluation, with statistics that both moved."""
    torch.manual_seed(0)
    module = torch_network(kind, **options)
    for p in module.parameters():
        torch.nn.init.normal_(p)
    params = with_parameters_of(module, kind)
    (training, evaluation), _ = normalized_mlp(SIZES, tanh, kind=kind, **options)

    def theirs(params, x):
        state = dict(zip(dict(module.named_parameters()), train.flat(params)))
        return torch.func.functional_call(module, state, (x,))

    assert crosscheck(training, theirs, params, X).ok
    (training, evaluation), _ = normalized_mlp(SIZES, tanh, kind=kind, **options)
    fresh = torch_network(kind, **options)
    with torch.no_grad():
        for ours, given in zip(fresh.parameters(), module.parameters()):
            ours.copy_(given)
    for _ in range(3):
        training(params, X)
        fresh(torch.from_numpy(X))
    expected = fresh.eval()(torch.from_numpy(X)).detach().numpy()
    np.testing.assert_allclose(evaluation(params, X)[0], expected, rtol=1e-9, atol=1e-12)


def test_without_normalization_it_is_the_plain_network():
    plain, _ = mlp(SIZES, sigmoid)
    (training, evaluation), _ = normalized_mlp(SIZES, sigmoid, kind="none")
    ours = normalized_mlp_params(SIZES, np.random.default_rng(3), kind="none", gain=2.0)
    theirs = mlp_params(SIZES, np.random.default_rng(3), gain=2.0)
    expected = plain(theirs, X)[0]
    np.testing.assert_array_equal(training(ours, X)[0], expected)
    np.testing.assert_array_equal(evaluation(ours, X)[0], expected)


def test_every_kind_starts_from_the_same_matrices():
    starts = {kind: normalized_mlp_params(SIZES, np.random.default_rng(0), kind=kind) for kind in KINDS}
    matrices = lambda params: [a for a in train.flat(params) if a.ndim == 2]
    for params in starts.values():
        for ours, first in zip(matrices(params), matrices(starts["none"])):
            np.testing.assert_array_equal(ours, first)
    assert "bias" not in starts["batch"][0] and "bias" in starts["batch"][-2]
    assert all("bias" in starts[kind][0] for kind in ("none", "layer", "group"))
    assert starts["layer"][1]["weight"].shape == (8,) and (starts["layer"][1]["weight"] == 1).all()


def test_modes_differ_and_only_training_moves_the_statistics():
    params = normalized_mlp_params(SIZES, np.random.default_rng(0))
    (training, evaluation), taps = normalized_mlp(SIZES)
    before = evaluation(params, X)[0]
    np.testing.assert_array_equal(evaluation(params, X)[0], before)
    assert np.abs(training(params, X)[0] - before).max() > 0.01
    assert np.abs(evaluation(params, X)[0] - before).max() > 0.01
    for _ in range(300):
        training(params, X)
    almost = evaluation(params, X)[0]
    training(params, X)
    np.testing.assert_allclose(evaluation(params, X)[0], almost, atol=1e-9)
    assert [tap.name for tap in taps] == ["layer 1", "layer 2", "layer 3"]


def test_taps_follow_activations_of_the_training_network_only():
    params = normalized_mlp_params(SIZES, np.random.default_rng(0))
    (training, evaluation), taps = normalized_mlp(SIZES, tanh)
    _, pullback = training(params, X)
    seen = [tap.value for tap in taps]
    assert [value.shape for value in seen] == [(5, 8), (5, 12), (5, 3)] and np.abs(seen[0]).max() <= 1
    evaluation(params, 2 * X)
    assert all(tap.value is value for tap, value in zip(taps, seen))
    pullback(np.ones((5, 3)))
    assert all(tap.gradient.shape == tap.value.shape for tap in taps)


def test_networks_share_nothing_with_each_other():
    params = normalized_mlp_params(SIZES, np.random.default_rng(0))
    (training, _), _ = normalized_mlp(SIZES)
    (_, other), _ = normalized_mlp(SIZES)
    before = other(params, X)[0]
    training(params, X)
    np.testing.assert_array_equal(other(params, X)[0], before)


def test_bad_arguments():
    with pytest.raises(ValueError, match="kind is 'weight'; expected one of none, batch, layer, group"):
        normalized_mlp(SIZES, kind="weight")
    (training, _), _ = normalized_mlp(SIZES, kind="group", num_groups=3)
    params = normalized_mlp_params(SIZES, np.random.default_rng(0), kind="group")
    with pytest.raises(ValueError, match="num_groups is 3; expected a divisor of 8"):
        training(params, X)
