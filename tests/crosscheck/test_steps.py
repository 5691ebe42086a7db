"""crosscheck_steps: right update rules pass, wrong ones are rejected and told at which step and why."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import optim

from utils.crosscheck import CrosscheckError, crosscheck_steps
from utils.crosscheck.trees import leaves, map_leaves, refill


def each(function, params, *trees):
    """The same tree with function(parameter, ...) for every parameter."""
    columns = [[leaf for _, leaf in leaves(tree, "")] for tree in (params, *trees)]
    return refill(params, [function(*row) for row in zip(*columns)])


def zeros(params):
    return map_leaves(np.zeros_like, params)


def sgd(lr, *, momentum=0.0, dampening=0.0, nesterov=False, weight_decay=0.0, bug=None):
    """As torch.optim.SGD: the first gradient fills the buffer undamped."""

    def init(params):
        return {"buffer": zeros(params), "steps": 0}

    def step(params, grads, state):
        rate = -lr if bug == "sign" else 10 * lr if bug == "rate" else lr
        if weight_decay:
            grads = each(lambda g, p: g + weight_decay * p, grads, params)
        if not momentum:
            return each(lambda p, g: p - rate * g, params, grads), state
        kept = 1 - dampening if state["steps"] or bug == "damped first" else 1.0
        buffer = each(lambda b, g: momentum * b + kept * g, state["buffer"], grads)
        if bug == "momentum averaged":
            buffer = each(lambda b, g: momentum * b + (1 - momentum) * g, state["buffer"], grads)
        way = each(lambda b, g: g + momentum * b, buffer, grads) if nesterov else buffer
        new = each(lambda p, w: p - rate * w, params, way)
        if bug == "in place":
            for (_, p), (_, w) in zip(leaves(params, ""), leaves(way, "")):
                p -= rate * w
            new = params
        if bug == "state in place":
            for (_, old), (_, b) in zip(leaves(state["buffer"], ""), leaves(buffer, "")):
                old[...] = b
        if bug == "gradients in place":
            for _, g in leaves(grads, ""):
                g *= 0
        if bug == "state not carried":
            return new, state
        return new, {"buffer": buffer, "steps": state["steps"] + 1}

    return SimpleNamespace(init=init, step=step)


def adam(lr, *, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=False, bug=None):
    """As torch.optim.Adam, or AdamW where decoupled."""
    b1, b2 = betas

    def init(params):
        return zeros(params), zeros(params), 0

    def step(params, grads, state):
        m, v, t = state
        t = t + (0 if bug == "counts from 0" else 1)
        if weight_decay and not decoupled:
            grads = each(lambda g, p: g + weight_decay * p, grads, params)
        m = each(lambda a, g: b1 * a + (1 - b1) * g, m, grads)
        v = each(lambda a, g: b2 * a + (1 - b2) * (g if bug == "not squared" else g * g), v, grads)
        c1, c2 = (1.0, 1.0) if bug == "no bias correction" else (1 - b1 ** max(t, 1), 1 - b2 ** max(t, 1))

        def moved(p, a, s):
            if bug == "eps inside":
                way = (a / c1) / np.sqrt(s / c2 + eps)
            elif bug == "eps uncorrected":
                way = (a / c1) / ((np.sqrt(s) + eps) / np.sqrt(c2))
            elif bug == "no root":
                way = (a / c1) / (s / c2 + eps)
            else:
                with np.errstate(invalid="ignore"):
                    way = (a / c1) / (np.sqrt(s / c2) + eps)
            shrunk = p * (1 - lr * weight_decay) if decoupled and bug != "decay last" else p
            new = shrunk - lr * way
            return new * (1 - lr * weight_decay) if decoupled and bug == "decay last" else new

        return each(moved, params, m, v), (m, v, t)

    return SimpleNamespace(init=init, step=step)


def adagrad(lr, *, eps=1e-10, bug=None):
    def step(params, grads, state):
        total = each(lambda s, g: s + g * g, state, grads)
        divide = (lambda s: np.sqrt(s + eps)) if bug == "eps inside" else (lambda s: np.sqrt(s) + eps)
        used = state if bug == "the old sum" else total
        return each(lambda p, g, s: p - lr * g / divide(s), params, grads, used), total

    return SimpleNamespace(init=zeros, step=step)


def rmsprop(lr, *, alpha=0.99, eps=1e-8, bug=None):
    def step(params, grads, state):
        mean = each(lambda s, g: alpha * s + (1 - alpha) * g * g, state, grads)
        if bug == "a sum":
            mean = each(lambda s, g: alpha * s + g * g, state, grads)
        return each(lambda p, g, s: p - lr * g / (np.sqrt(s) + eps), params, grads, mean), mean

    return SimpleNamespace(init=zeros, step=step)


MOMENTUM = {"lr": 0.1, "momentum": 0.9}
RIGHT = [
    (sgd(0.1), optim.SGD, {"lr": 0.1}),
    (sgd(0.1, weight_decay=0.01), optim.SGD, {"lr": 0.1, "weight_decay": 0.01}),
    (sgd(**MOMENTUM), optim.SGD, MOMENTUM),
    (sgd(**MOMENTUM, dampening=0.5), optim.SGD, {**MOMENTUM, "dampening": 0.5}),
    (sgd(**MOMENTUM, nesterov=True), optim.SGD, {**MOMENTUM, "nesterov": True}),
    (adam(1e-3), optim.Adam, {"lr": 1e-3}),
    (adam(0.02, betas=(0.5, 0.9), eps=1e-4), optim.Adam, {"lr": 0.02, "betas": (0.5, 0.9), "eps": 1e-4}),
    (adam(1e-3, weight_decay=0.1), optim.Adam, {"lr": 1e-3, "weight_decay": 0.1}),
    (adam(1e-3, weight_decay=0.1, decoupled=True), optim.AdamW, {"lr": 1e-3, "weight_decay": 0.1}),
    (adagrad(0.1), optim.Adagrad, {"lr": 0.1}),
    (rmsprop(0.01), optim.RMSprop, {"lr": 0.01}),
]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("rule, optimizer, options", RIGHT, ids=lambda v: getattr(v, "__name__", None))
def test_right_rules_pass(rule, optimizer, options, seed):
    report = crosscheck_steps(rule, optimizer, seed=seed, **options)
    assert [row.name for row in report.rows] == ["weight", "bias"]
    assert {row.verdict for row in report.rows} == {"agrees with PyTorch over 5 steps"}


DECAY = {"lr": 1e-3, "weight_decay": 0.1}
WRONG = {
    "sign": (sgd(0.1, bug="sign"), optim.SGD, {"lr": 0.1}, 1, "sign", "the other way"),
    "rate": (sgd(0.1, bug="rate"), optim.SGD, {"lr": 0.1}, 1, "factor", "10 times PyTorch's"),
    "dampening from the first step": (
        sgd(**MOMENTUM, dampening=0.5, bug="damped first"), optim.SGD, {**MOMENTUM, "dampening": 0.5},
        1, "factor", "0.5 times PyTorch's",
    ),
    "dampening forgotten": (
        sgd(**MOMENTUM), optim.SGD, {**MOMENTUM, "dampening": 0.5}, 2, "options", "with dampening=0.0",
    ),
    "momentum averaged": (
        sgd(**MOMENTUM, bug="momentum averaged"), optim.SGD, MOMENTUM, 1, "factor", "0.1 times PyTorch's",
    ),
    "nesterov forgotten": (
        sgd(**MOMENTUM), optim.SGD, {**MOMENTUM, "nesterov": True}, 1, "options", "with nesterov=False",
    ),
    "nesterov too many": (
        sgd(**MOMENTUM, nesterov=True), optim.SGD, MOMENTUM, 1, "options", "with nesterov=True",
    ),
    "momentum forgotten": (sgd(0.1), optim.SGD, MOMENTUM, 2, "state", "as if it were the first"),
    "state not carried": (
        sgd(**MOMENTUM, bug="state not carried"), optim.SGD, MOMENTUM, 2, "state", "as if it were the first",
    ),
    "decay forgotten": (
        sgd(0.1), optim.SGD, {"lr": 0.1, "weight_decay": 0.01}, 1, "options", "with weight_decay=0.0",
    ),
    "decay coupled": (adam(**DECAY), optim.AdamW, DECAY, 1, "options", "what torch.optim.Adam does"),
    "decay decoupled": (
        adam(**DECAY, decoupled=True), optim.Adam, DECAY, 1, "options", "what torch.optim.AdamW does",
    ),
    "decay after the step": (
        adam(0.1, weight_decay=0.1, decoupled=True, bug="decay last"), optim.AdamW,
        {"lr": 0.1, "weight_decay": 0.1}, 1, "unknown", "wrong already",
    ),
    "amsgrad forgotten": (
        adam(1e-3), optim.Adam, {"lr": 1e-3, "amsgrad": True}, None, "options", "with amsgrad=False",
    ),
    "no bias correction": (
        adam(1e-3, bug="no bias correction"), optim.Adam, {"lr": 1e-3}, 1, "factor", "a bias correction?",
    ),
    "eps inside the root": (
        adam(1e-3, bug="eps inside"), optim.Adam, {"lr": 1e-3}, 1, "eps", "where does eps stand?",
    ),
    "eps uncorrected": (
        adam(1e-3, bug="eps uncorrected"), optim.Adam, {"lr": 1e-3}, 1, "eps", "where does eps stand?",
    ),
    "not squared": (adam(1e-3, bug="not squared"), optim.Adam, {"lr": 1e-3}, 1, "nan", "not finite"),
    "no root": (adam(1e-3, bug="no root"), optim.Adam, {"lr": 1e-3}, 1, "unknown", "first step is wrong already"),
    "counted from 0": (
        adam(1e-3, bug="counts from 0"), optim.Adam, {"lr": 1e-3}, 2, "state", "the first step is right",
    ),
    "adagrad, eps inside": (
        adagrad(0.1, bug="eps inside"), optim.Adagrad, {"lr": 0.1}, 1, "eps", "where does eps stand?",
    ),
    "adagrad, the old sum": (
        adagrad(0.1, bug="the old sum"), optim.Adagrad, {"lr": 0.1}, 1, "unknown", "first step is wrong already",
    ),
    "rmsprop, a sum": (rmsprop(0.01, bug="a sum"), optim.RMSprop, {"lr": 0.01}, 1, "factor", "0.1 times"),
}  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("title", WRONG)
def test_wrong_rules_are_rejected_and_told(title, seed):
    rule, optimizer, options, step, kind, words = WRONG[title]
    report = crosscheck_steps(rule, optimizer, seed=seed, raises=False, **options)
    assert not report.ok
    step = step or min(row.step for row in report.wrong)
    assert min(row.step for row in report.wrong) == step
    assert all(f"from step {row.step} on" in row.verdict for row in report.wrong)
    told = [row for row in report.wrong if row.step == step]
    assert any(row.diagnosis.kind == kind and words in row.verdict for row in told)
    assert {row.diagnosis.kind for row in told} <= {kind, "unknown"}


@pytest.mark.parametrize(
    "bug, name", [("in place", "params"), ("state in place", "state"), ("gradients in place", "grads")]
)
def test_rules_that_write_into_what_they_are_given(bug, name):
    report = crosscheck_steps(sgd(**MOMENTUM, bug=bug), optim.SGD, raises=False, **MOMENTUM)
    assert [row.name for row in report.wrong] == [name]
    assert "was written into" in report[name].verdict


def test_the_worst_parameter_is_marked():
    def step(params, grads, state):
        return {
            "a": params["a"] - 0.1 * grads["a"],
            "b": params["b"] + 0.1 * grads["b"],
            "c": params["c"],
        }, state

    rule = SimpleNamespace(init=lambda params: None, step=step)
    params = {name: np.ones(3) for name in "abc"}
    report = crosscheck_steps(rule, optim.SGD, params, lr=0.1, raises=False)
    assert [row.name for row in report.wrong] == ["b", "c"]
    assert report["b"].verdict.endswith("(this one first, or most)")
    assert "does not move" in report["c"].verdict and "(this" not in report["c"].verdict


def test_trees_single_arrays_and_modules_of_functions():
    params = ({"weight": np.ones((2, 3))}, None, [np.zeros(3), np.ones(2)])
    with pytest.raises(ValueError, match=r"params\[1\] must be an array of floats; it is None"):
        crosscheck_steps(sgd(0.1), optim.SGD, params, lr=0.1)
    report = crosscheck_steps(sgd(0.1), optim.SGD, (params[0], params[2]), lr=0.1)
    assert len(report.rows) == 3
    assert crosscheck_steps(sgd(0.1), optim.SGD, np.ones((3, 2), np.float32), lr=0.1).ok


def test_more_steps_and_one():
    report = crosscheck_steps(adam(1e-2), optim.Adam, lr=1e-2, steps=50)
    assert report["bias"].verdict == "agrees with PyTorch over 50 steps"
    assert "over 1 step" in str(crosscheck_steps(adam(1e-2), optim.Adam, lr=1e-2, steps=1))


def test_a_mistake_that_shows_late_is_found_with_more_steps():
    def step(params, grads, state):
        new, state = adam(1e-2).step(params, grads, state)
        return (each(lambda p: 1.001 * p, new) if state[2] == 4 else new), state

    rule = SimpleNamespace(init=adam(1e-2).init, step=step)
    assert crosscheck_steps(rule, optim.Adam, lr=1e-2, steps=3).ok
    report = crosscheck_steps(rule, optim.Adam, lr=1e-2, raises=False)
    assert {row.step for row in report.wrong} == {4}
    assert "off by" in report["weight"].verdict or "first 3 steps are right" in report["weight"].verdict


@pytest.mark.parametrize(
    "returned, words",
    [
        (
            lambda new, state: new,
            "step must return two things, the new parameters and the state; it returned a dict",
        ),
        (lambda new, state: (None, state), "nothing came back for it"),
        (lambda new, state: ({"weight": new["weight"]}, state), "nothing came back for it"),
        (
            lambda new, state: ({n: p.T for n, p in new.items()}, state),
            "its shape is (3, 4); expected (4, 3)",
        ),
        (
            lambda new, state: ({n: p.astype(np.float32) for n, p in new.items()}, state),
            "differs from PyTorch",
        ),
        (lambda new, state: ({n: p.astype(int) for n, p in new.items()}, state), "its dtype is int64"),
        (lambda new, state: ({n: p * np.nan for n, p in new.items()}, state), "not finite"),
    ],
)
def test_what_comes_back_in_another_form(returned, words):
    right = sgd(0.1)
    rule = SimpleNamespace(init=right.init, step=lambda *given: returned(*right.step(*given)))
    assert words in str(crosscheck_steps(rule, optim.SGD, lr=0.1, raises=False))


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match=r"rule must have two functions, init.*got a function"):
        crosscheck_steps(np.tanh, optim.SGD, lr=0.1)
    for given in ("SGD", torch.nn.Linear, optim.SGD([torch.nn.Parameter(torch.ones(1))])):
        with pytest.raises(ValueError, match=r"optimizer must be a class of torch\.optim"):
            crosscheck_steps(sgd(0.1), given, lr=0.1)
    for given in (0, 2.5, True):
        with pytest.raises(ValueError, match="steps must be a whole number, 1 or more"):
            crosscheck_steps(sgd(0.1), optim.SGD, lr=0.1, steps=given)
    with pytest.raises(ValueError, match="seed must be a whole number"):
        crosscheck_steps(sgd(0.1), optim.SGD, lr=0.1, seed=-1)
    with pytest.raises(ValueError, match="params is a torch tensor"):
        crosscheck_steps(sgd(0.1), optim.SGD, torch.ones(3), lr=0.1)
    with pytest.raises(
        ValueError, match=r"params.w must be an array of floats; it is an array of shape \(3,\) of int64"
    ):
        crosscheck_steps(sgd(0.1), optim.SGD, {"w": np.arange(3)}, lr=0.1)


def test_who_raised_is_named():
    with pytest.raises(
        ValueError, match=r"optimizer, SGD\(lr=-1\), raised ValueError: Invalid learning rate"
    ) as caught:
        crosscheck_steps(sgd(0.1), optim.SGD, lr=-1)
    assert isinstance(caught.value.__cause__, ValueError)
    with pytest.raises(ValueError, match=r"optimizer, LBFGS\(\), raised TypeError"):
        crosscheck_steps(sgd(0.1), optim.LBFGS)
    broken = SimpleNamespace(init=lambda params: None, step=lambda params, grads, state: params["nothing"])
    with pytest.raises(ValueError, match=r"step of rule raised KeyError: 'nothing'.*weight: array \(4, 3\)"):
        crosscheck_steps(broken, optim.SGD, lr=0.1)


def test_a_mismatch_raises_and_nothing_of_the_callers_changes():
    params = {"w": np.ones(3)}
    with pytest.raises(CrosscheckError, match="WRONG: w"):
        crosscheck_steps(sgd(0.1, bug="sign"), optim.SGD, params, lr=0.1)
    crosscheck_steps(sgd(**MOMENTUM, bug="in place"), optim.SGD, params, raises=False, **MOMENTUM)
    np.testing.assert_array_equal(params["w"], 1)


def test_the_text_holds_no_measured_numbers():
    first, second = (crosscheck_steps(adam(1e-3), optim.Adam, lr=1e-3, seed=s) for s in (0, 1))
    assert str(first) == str(second)
    assert str(first).splitlines()[0] == "weight  (4, 3)  agrees with PyTorch over 5 steps"
