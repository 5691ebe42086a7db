"""The worked network, the costs of differentiation, the travelling network."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from utils.chapters.backprop.costs import costs, edges, visits
from utils.chapters.backprop.worked import INPUTS, PARAMS, worked_network
from utils.crosscheck import crosscheck
from utils.nn.activations import relu, sigmoid
from utils.nn.forward_mode import Dual
from utils.nn.mlp import mlp, mlp_params
from utils.nn.reverse_mode import Value, topological_order

FORWARD = dict(z_h1=4.3, h1=0.9866130822, z_h2=5.3, h2=0.9950331983, z_o1=2.0861590360, o1=0.8895506140, z_o2=1.3887937856, o2=0.8003996081, loss=0.5932448719)  # fmt: skip
GRADIENTS = dict(w1=0.00198391, w2=0.00040429, w3=0.00793565, w4=0.00161716, w5=0.00991956, w6=0.00202145, w7=0.07653513, w8=0.11827902, w9=0.07718831, w10=0.11928846, b1=0.00238820, b2=0.19745750)  # fmt: skip


def test_worked_network_by_value():
    p = {name: Value(value) for name, value in PARAMS.items()}
    found = worked_network(p)
    found["loss"].backward()
    assert {name: v.data for name, v in found.items()} == pytest.approx(FORWARD, abs=1e-9)
    assert {name: v.grad for name, v in p.items()} == pytest.approx(GRADIENTS, abs=1e-8)


def test_worked_network_by_dual():
    for name, expected in GRADIENTS.items():
        p = {other: Dual(value, float(other == name)) for other, value in PARAMS.items()}
        assert worked_network(p)["loss"].tangent == pytest.approx(expected, abs=1e-8)


def test_worked_network_by_torch():
    tensors = {
        name: torch.tensor(value, dtype=torch.float64, requires_grad=True) for name, value in PARAMS.items()
    }
    worked_network(tensors)["loss"].backward()
    assert {name: t.grad.item() for name, t in tensors.items()} == pytest.approx(GRADIENTS, abs=1e-8)


def test_dividing_the_inputs_by_five_wakes_the_hidden_layer():
    slopes = []
    for divisor in (1, 5):
        p = {name: Value(value) for name, value in PARAMS.items()}
        found = worked_network(p, {name: x / divisor for name, x in INPUTS.items()})
        slopes.append(found["h1"].data * (1 - found["h1"].data))
    assert slopes[0] < 0.014 and slopes[1] > 0.15


# ---- costs


def layered(widths, rng, inputs):
    """The outputs of a network of weighted sums, on numbers of any kind."""
    units = inputs
    for width in widths[1:]:
        weights = rng.normal(size=(width, len(units)))
        units = [sum((u * w for u, w in zip(units[1:], row[1:])), units[0] * row[0]) for row in weights]
    return units


@given(st.lists(st.integers(1, 4), min_size=2, max_size=4))
def test_forward_mode_costs_one_multiplication_an_edge_and_input(widths):
    count = 0

    class Counting(Dual):
        def __mul__(self, other):
            nonlocal count
            count += 1
            made = Dual.__mul__(self, other)
            return Counting(made.value, made.tangent)

        def __add__(self, other):
            made = Dual.__add__(self, other)
            return Counting(made.value, made.tangent)

    for i in range(widths[0]):
        layered(widths, np.random.default_rng(0), [Counting(1.0, float(i == j)) for j in range(widths[0])])
    assert count == costs(widths)["forward mode"]


@given(st.lists(st.integers(1, 4), min_size=2, max_size=4))
def test_reverse_mode_costs_one_multiplication_an_edge_and_output(widths):
    outputs = layered(widths, np.random.default_rng(0), [Value(1.0) for _ in range(widths[0])])
    weighted = sum(node.op == "*" for output in outputs for node in topological_order(output))
    # of the last layer's edges one output has its own only; the formula counts the whole layer
    unused = (widths[-1] - 1) * widths[-1] * widths[-2]
    assert weighted + unused == costs(widths)["reverse mode"]


def test_costs_of_the_example_of_the_errata():
    assert costs([3, 4, 4, 1]) == {"paths": 48, "path by path": 144, "forward mode": 96, "reverse mode": 32}
    assert (
        math.prod(a * b for a, b in [(3, 4), (4, 4), (4, 1)]) == 768
    )  # the product of edges is no count of anything


def test_visits():
    widths = [1, 4, 4, 4, 4, 1]
    assert visits(widths, remember=False) == 4 + 16 + 64 + 256 + 256
    assert visits(widths, remember=True) == edges(widths) == 56


@given(st.lists(st.integers(1, 3), min_size=1, max_size=4))
def test_a_table_visits_every_edge_once_and_paths_multiply(hidden):
    widths = [1, *hidden, 1]
    assert visits(widths, remember=True) == edges(widths)
    assert visits(widths, remember=False) >= costs(widths)["paths"]


def test_bad_widths():
    for widths in ([3], [], [2, 0]):
        with pytest.raises(ValueError, match="widths must be at least two"):
            costs(widths)


# ---- the travelling network


@pytest.mark.parametrize("activation, module", [(sigmoid, nn.Sigmoid), (relu, nn.ReLU)])
def test_mlp_against_sequential(activation, module):
    sizes, rng = (5, 4, 3, 2), np.random.default_rng(0)
    network, taps = mlp(sizes, activation)
    params = mlp_params(sizes, rng)
    theirs = nn.Sequential(nn.Linear(5, 4), module(), nn.Linear(4, 3), module(), nn.Linear(3, 2)).double()

    def call(params, x):
        named = [params[i] for i in (0, 3, 6)]
        tensors = {f"{2 * i}.{k}": v for i, layer in enumerate(named) for k, v in layer.items()}
        return torch.func.functional_call(theirs, tensors, (x,))

    assert crosscheck(network, call, params, rng.normal(size=(6, 5))).ok
    assert [tap.value.shape[1] for tap in taps] == [4, 3, 2]


def test_mlp_params_have_the_variance_they_claim():
    params = mlp_params((100, 400, 10), np.random.default_rng(0), gain=2.0)
    assert params[0]["weight"].std() == pytest.approx(2 / 10, rel=0.02)
    assert not params[0]["bias"].any() and [p is None for p in params] == [False, True, True, False, True]
