"""Update rules against torch.optim, step by step, and what they say of trees that do not fit."""

import numpy as np
import pytest
import torch

from tests.nn import properties
from utils.nn import optimizers
from utils.nn.optimizers import Rule, adam, momentum, sgd
from utils.nn.trees import map_trees

SGD, ADAM = torch.optim.SGD, torch.optim.Adam
# name -> (ours, its options, theirs, its options, mutants)
RULES = {
    "sgd": (sgd, {"lr": 0.1}, SGD, {"lr": 0.1}, [("p - lr * g", "p + lr * g"), ("lr * g", "g")]),
    "sgd, defaults": (sgd, {}, SGD, {}, [("lr=1e-3", "lr=1e-2")]),
    "momentum": (
        momentum, {"lr": 0.1, "momentum": 0.8}, SGD, {"lr": 0.1, "momentum": 0.8},
        [
            ("momentum * v + g", "momentum * v + (1 - momentum) * g"), ("momentum * v + g", "v + g"),
            ("state=velocity)\n        return params, velocity", "state=velocity)\n        return params, grads"),
        ],
    ),
    "momentum, defaults": (momentum, {}, SGD, {"momentum": 0.9}, [("momentum=0.9", "momentum=0.8")]),
    "nesterov": (
        momentum, {"lr": 0.1, "nesterov": True}, SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True},
        [("(lambda g, v: g + momentum * v)", "(lambda g, v: v)"), ("g + momentum * v)", "g + v)")],
    ),
    "adam": (
        adam, {"lr": 0.1, "betas": (0.7, 0.9), "eps": 0.01}, ADAM, {"lr": 0.1, "betas": (0.7, 0.9), "eps": 0.01},
        [
            ("(1 - beta2**t)) + eps)", "(1 - beta2**t) + eps))"), ("m / (1 - beta1**t)", "m"), ("v / (1 - beta2**t)", "v"),
            ("beta2 * v + (1 - beta2) * g**2", "beta1 * v + (1 - beta1) * g**2"), ('state["step"] + 1', 'state["step"]'),
            ("g**2", "g"), ('{"step": t,', '{"step": 1,'),
        ],
    ),
    "adam, defaults": (adam, {}, ADAM, {}, [("1e-3", "1e-2"), ("0.999", "0.99"), ("eps=1e-8", "eps=1e-3")]),
}  # fmt: skip


def tree(seed=0, dtype=np.float64):
    """Parameters as a chain has them: dicts, None, a tuple within, a number alone."""
    rng = np.random.default_rng(seed)
    layer = lambda *shape: {"weight": rng.normal(size=shape), "bias": rng.normal(size=shape[0])}
    made = (layer(3, 4), None, ({"weight": rng.normal(size=5)}, None), rng.normal(size=()))
    return map_trees(lambda p: p.astype(dtype), params=made)


def leaves(params):
    found = []
    map_trees(lambda p: found.append(p), params=params)
    return found


def follows(rule, theirs, options, steps=7):
    """True when every parameter is torch's after every step, for gradients that change sign and size."""
    with np.errstate(all="ignore"):  # wrong rules divide by zero
        return all(stays_beside(rule, theirs, options, steps))


def stays_beside(rule, theirs, options, steps):
    """For every step, whether our parameters are torch's."""
    params, state = tree(), None
    tensors = [torch.tensor(p, requires_grad=True) for p in leaves(params)]
    optimizer, state = theirs(tensors, **options), rule.init(params)
    for k in range(steps):
        grads = map_trees(lambda g, k=k: g * 10.0 ** (k % 3 - 1), params=tree(seed=k + 1))
        for tensor, g in zip(tensors, leaves(grads)):
            tensor.grad = torch.tensor(g)
        optimizer.step()
        params, state = rule.step(params, grads, state)
        pairs = zip(leaves(params), tensors)
        yield all(np.allclose(p, t.detach().numpy(), rtol=1e-12, atol=1e-14) for p, t in pairs)


@pytest.mark.parametrize("name", RULES)
def test_every_step_is_that_of_torch(name):
    ours, options, theirs, their_options, _ = RULES[name]
    assert follows(ours(**options), theirs, their_options)


@pytest.mark.parametrize("name, change", [(name, change) for name in RULES for change in RULES[name][4]])
def test_a_wrong_rule_parts_from_torch(name, change):
    ours, options, theirs, their_options, _ = RULES[name]
    (mutant,) = properties.mutants(ours, change)
    assert not follows(mutant(**options), theirs, their_options)


@pytest.mark.parametrize("make", [sgd, momentum, adam])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_nothing_is_changed_in_place_and_float32_stays(make, dtype):
    rule, params, grads = make(lr=0.1), tree(0, dtype), tree(1, dtype)
    kept = [p.copy() for p in leaves(params) + leaves(grads)]
    state = rule.init(params)
    first, later = rule.step(params, grads, state)
    again, _ = rule.step(params, grads, state)
    rule.step(first, grads, later)
    for before, after in zip(kept, leaves(params) + leaves(grads)):
        np.testing.assert_array_equal(before, after)
    for p, same in zip(leaves(first), leaves(again)):
        np.testing.assert_array_equal(p, same)
        assert p.dtype == dtype
    assert first[1] is None and first[2][1] is None and set(first[0]) == {"weight", "bias"}


P = ({"weight": np.ones((2, 3)), "bias": np.ones(2)}, None)


@pytest.mark.parametrize("rule", [sgd(), momentum(), adam()], ids=["sgd", "momentum", "adam"])
@pytest.mark.parametrize(
    "grads, words",
    [
        (None, r"grads is None; expected a tuple of 2, as in params"),
        ((P[0],), r"grads is a tuple of 1; expected a tuple of 2"),
        ((None, None), r"grads\[0\] is None; expected a dict of weight, bias"),
        (({"weight": P[0]["weight"]}, None), r"grads\[0\] is a dict of weight; expected a dict of weight, bias"),
        ((P[0], P[0]), r"grads\[1\] is a dict of weight, bias; expected None"),
        ((P[0] | {"bias": None}, None), r"grads\[0\]\.bias is None; expected an array of numbers"),
        ((P[0] | {"bias": np.ones(1)}, None), r"grads\[0\]\.bias has shape \(1,\); expected \(2,\), as in params"),
        ((P[0] | {"bias": torch.ones(2)}, None), r"grads\[0\]\.bias is a torch tensor.*detach\(\)\.numpy\(\)"),
        ((P[0] | {"bias": "text"}, None), r"grads\[0\]\.bias is 'text'; expected an array"),
    ],
)  # fmt: skip
def test_gradients_that_do_not_fit_are_named(rule, grads, words):
    with pytest.raises(ValueError, match=words):
        rule.step(P, grads, rule.init(P))


def test_a_dict_in_another_order_is_the_same_dict():
    swapped = ({name: 2 * P[0][name] for name in ("bias", "weight")}, None)
    params, _ = sgd(lr=1.0).step(P, swapped, None)
    np.testing.assert_array_equal(params[0]["weight"], -P[0]["weight"])


def test_a_foreign_state_is_named():
    with pytest.raises(ValueError, match="state is None; expected what init or the last step gave"):
        adam().step(P, P, None)
    with pytest.raises(ValueError, match="state is None; expected a tuple of 2, as in params"):
        momentum().step(P, P, None)
    for betas in ((0.9, 1.0), (0.9,), 0.9, (-0.1, 0.9)):
        with pytest.raises(ValueError, match="betas is"):
            adam(betas=betas)


def test_a_rule_is_two_functions_and_stays_what_it_is():
    rule = sgd(lr=0.1)
    assert isinstance(rule, Rule) and optimizers.zeros(P)[0]["bias"].tolist() == [0.0, 0.0]
    with pytest.raises(AttributeError):
        rule.step = None
