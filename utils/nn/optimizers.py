"""Update rules: what makes new parameters of the old ones and their gradients."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from utils.nn.guard import guarded
from utils.nn.kinds import betas, told
from utils.nn.trees import map_trees


@dataclass(frozen=True)
class Rule:
    """init(params) -> state, and step(params, grads, state) -> (params, state); nothing is changed in place.

    params: a tree of arrays, tuples and dicts with None where there is nothing; grads: built like
    it; state: what the rule has to remember.  step raises ValueError when params and grads differ
    in structure or shape.
    """

    init: Callable
    step: Callable


@guarded
def sgd(lr=1e-3):
    """Gradient descent: every parameter goes against its gradient, lr times as far.

    Returns a Rule without state.  As torch.optim.SGD.
    """

    def step(params, grads, state):
        return map_trees(lambda p, g: p - lr * g, params=params, grads=grads), state

    return Rule(lambda params: None, step)


@guarded
def momentum(lr=1e-3, momentum=0.9, nesterov=False):
    """Gradient descent with a velocity: the sum of all gradients so far, faded by `momentum` a step.

    nesterov: take the gradient's share once more ahead of the velocity.  Returns a Rule; its state is
    the velocity.  As torch.optim.SGD with this momentum and no dampening.
    Polyak 1964; Sutskever, Martens, Dahl & Hinton 2013.
    """

    def step(params, grads, velocity):
        velocity = map_trees(lambda p, g, v: momentum * v + g, params=params, grads=grads, state=velocity)
        way = (lambda g, v: g + momentum * v) if nesterov else (lambda g, v: v)
        params = map_trees(lambda p, g, v: p - lr * way(g, v), params=params, grads=grads, state=velocity)
        return params, velocity

    return Rule(zeros, step)


@guarded(betas=betas)
def adam(lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
    """Steps of about lr for every parameter: the mean gradient over the root of the mean squared one.

    betas: how slowly the two means forget.  Both start at zero, and are divided by the share of
    weights that has come together so far.  Returns a Rule; its state is a dict with PyTorch's names,
    step, exp_avg and exp_avg_sq.  As torch.optim.Adam.  Kingma & Ba 2015.
    """
    beta1, beta2 = betas

    def init(params):
        return {"step": 0, "exp_avg": zeros(params), "exp_avg_sq": zeros(params)}

    def step(params, grads, state):
        if not isinstance(state, dict) or state.keys() != {"step", "exp_avg", "exp_avg_sq"}:
            raise ValueError(f"state is {told(state)}; expected what init or the last step gave")
        t, trees = state["step"] + 1, {"params": params, "grads": grads}
        m = map_trees(lambda p, g, m: beta1 * m + (1 - beta1) * g, **trees, exp_avg=state["exp_avg"])
        v = map_trees(lambda p, g, v: beta2 * v + (1 - beta2) * g**2, **trees, exp_avg_sq=state["exp_avg_sq"])

        def moved(p, m, v):
            return p - lr * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps)

        params = map_trees(moved, params=params, exp_avg=m, exp_avg_sq=v)
        return params, {"step": t, "exp_avg": m, "exp_avg_sq": v}

    return Rule(init, step)


def zeros(params):
    """A tree like params, all zero."""
    return map_trees(np.zeros_like, params=params)
