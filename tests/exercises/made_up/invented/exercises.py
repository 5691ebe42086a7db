"""A made-up chapter, 99, with one exercise of every kind, for the tests of the engine."""

import numpy as np

from utils.exercises import Choice, Edit, Exercise, Function, Gradient, Ordering, Quiz, Subset, Values
from utils.exercises.lazy import F, torch

rng = np.random.default_rng(0)


def my_tanh(x):
    y = np.tanh(x)

    def pullback(dy):
        return dy * (1 - y**2)

    return y, pullback


def linear(x, weight, bias):
    def pullback(dy):
        return dy @ weight, dy.T @ x, dy.sum(0)

    return x @ weight.T + bias, pullback


def lookup(ids, params):
    def pullback(dy):
        dtable = np.zeros_like(params["table"])
        np.add.at(dtable, ids, dy * params["scale"])
        return None, {"table": dtable, "scale": (dy * params["table"][ids]).sum()}

    return params["table"][ids] * params["scale"], pullback


def forgets_the_square(x):
    y = np.tanh(x)
    return y, lambda dy: dy * (1 - y)


def product(numbers):
    result = 1
    for number in numbers:
        result = result * number
    return result


def no_start(numbers):
    result = 0
    for number in numbers:
        result = result * number
    return result


EXERCISES = [
    Exercise(
        "99.1",
        "A number",
        Values(0.25, traps={0.5: "that is the slope, not its half", lambda a: a > 100: "far too steep"}),
        hints=["look at the middle", "one half times one half"],
        solution="slope = 0.5 * 0.5",
        wrong=[-0.25, 1.0],
        after="So the gradient shrinks by four in every layer.",
    ),
    Exercise(
        "99.2",
        "Several",
        Values(
            lambda: {"dw": np.array([[1.0, 2.0, 4.0], [3.0, 5.0, 6.0]]), "db": 0.7, "steps": 12},
            traps={"db": {0.35: "the mean was taken"}, "steps": {13: "count the gaps, not the posts"}},
        ),
        hints=["one by one"],
        solution="dw = [[1, 2, 4], [3, 5, 6]]\ndb = 0.7\nsteps = 12",
        wrong=[(np.zeros((2, 3)), 0.7, 12)],
    ),
    Exercise(
        "99.3",
        "Tanh by hand",
        Gradient(
            lambda x: torch.tanh(x),
            [(rng.normal(size=(2, 3)),), (rng.normal(size=4),)],
            explain={"sign": "tanh rises everywhere"},
            traps={forgets_the_square: "1 - y is the slope of nothing; square the y"},
        ),
        hints=["by the output", "1 - y squared"],
        solution=my_tanh,
        wrong=[Edit("(1 - y**2)", "y"), Edit("dy * ", "-dy * ", says="tanh rises"), Edit("dy * ", "")],
    ),
    Exercise(
        "99.4",
        "Three slots",
        Gradient(
            lambda x, weight, bias: F.linear(x, weight, bias),
            (rng.normal(size=(4, 3)), rng.normal(size=(2, 3)), rng.normal(size=2)),
        ),
        hints=["which shapes"],
        solution=linear,
        wrong=[Edit("dy @ weight", "dy @ weight * 2"), Edit(".sum(0)", ""), Edit("dy.T @ x", "x.T @ dy")],
    ),
    Exercise(
        "99.5",
        "A product",
        Function(product, [[2, 3], [], [1.5, 2.0, -1.0]], traps={no_start: "zero times anything stays zero"}),
        hints=["where does it start"],
        solution="def times(numbers):\n    result = 1\n    for number in numbers:\n        result *= number\n    return result",
        wrong=[Edit("result *= number", "result += number"), Edit("return result", "pass")],
    ),
    Exercise(
        "99.6",
        "Choose",
        Choice({"a": "grows", "b": "shrinks", "c": "stays"}, "b", traps={"a": "it is multiplied by less than one"}),
        hints=["less than one"],
        solution='"b"',
        wrong=["c", "a"],
    ),
    Exercise(
        "99.7",
        "In order",
        Ordering(
            ("forward", "loss", "backward", "step"),
            traps={("backward", "step"): "the step needs the gradients"},
        ),
        hints=["what needs what"],
        solution='order = ["forward", "loss", "backward", "step"]',
        wrong=[["loss", "forward", "backward", "step"], ["forward", "loss", "step"]],
    ),
    Exercise(
        "99.8",
        "Which ones",
        Subset(("tanh", "sigmoid"), ("tanh", "sigmoid", "relu"), traps={"relu": "it never saturates on the right"}),
        hints=["draw them"],
        solution='saturate = {"tanh", "sigmoid"}',
        wrong=[{"tanh"}, set()],
    ),
    Exercise(
        "99.9",
        "Ids and a dict",
        Gradient(
            lambda ids, params: params["table"][ids] * params["scale"],
            (np.array([0, 2, 2]), {"table": rng.normal(size=(3, 2)), "scale": np.array(1.5)}),
        ),
        hints=["add up"],
        solution=lookup,
        wrong=[
            Edit("np.add.at(dtable, ids, dy * params[\"scale\"])", "dtable[ids] = dy * params[\"scale\"]", says="more than once"),
            Edit(' * params["scale"])', ")"),
            Edit('"scale": (dy', '"scale": -(dy'),
        ],
    ),
]  # fmt: skip

QUIZZES = [
    Quiz(
        "99.1",
        options=["it grows", "it shrinks", "`neither`"],
        right="b",
        why="Each layer multiplies by at most one quarter.",
        traps={"a": "That needs slopes above one", "c": "Each slope is below one"},
    ),
    Quiz(
        "99.2", value=0.25, atol=0.01, why="The slope in the middle.", traps={0.5: "That is the value there"}
    ),
]
