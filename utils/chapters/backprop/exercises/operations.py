"""Exercises of chapter 01 whose answers are functions: values, pullbacks, a penalty, a finite difference."""

import numpy as np

from utils.exercises.checkers import Function, Gradient
from utils.exercises.engine import Edit, Exercise
from utils.exercises.lazy import torch


def swish(x):
    s = 1 / (1 + np.exp(-x))

    def pullback(dy):
        return dy * (s + x * s * (1 - s))

    return x * s, pullback


def swish_with(slope):
    """Swish with a wrong local slope, of x and the sigmoid s of it."""

    def operation(x):
        s = 1 / (1 + np.exp(-x))
        return x * s, lambda dy: dy * slope(x, s)

    return operation


ONE_TERM = "You let one factor only depend on x. What does the other one do when x grows?"


def half_squared_error(prediction, target):
    difference = prediction - target

    def pullback(dL):
        return dL * difference, -dL * difference

    return 0.5 * (difference**2).sum(), pullback


def layer(x, W, b):
    z = x @ W.T + b

    def pullback(dz):
        return dz @ W, dz.T @ x, dz.sum(axis=0)

    return z, pullback


def two_layers(x, V, W):
    h = np.tanh(x @ V.T)

    def pullback(dy):
        dh = dy @ W
        dz = dh * (1 - h**2)
        return dz @ V, dz.T @ x, dy.T @ h

    return h @ W.T, pullback


def two_layers_with(slope, factor=lambda z, h: h):
    """Two layers with a wrong slope of tanh, or with something else than h beside dy in dW."""

    def operation(x, V, W):
        z = x @ V.T
        h = np.tanh(z)

        def pullback(dy):
            dz = dy @ W * slope(z, h)
            return dz @ V, dz.T @ x, dy.T @ factor(z, h)

        return h @ W.T, pullback

    return operation


def used_twice(x, w):
    t = np.tanh(w * x)

    def pullback(dy):
        inner = dy * w * (1 - t**2)
        return inner * w, (dy * t).sum() + (inner * x).sum()

    return w * t, pullback


def inner_weight_forgotten(x, w):
    value, pullback = used_twice(x, w)
    return value, lambda dy: (pullback(dy)[0] / w, pullback(dy)[1])


def penalised(dW, W, lam):
    return dW + lam * W


def central(f, x, h):
    return (f(x + h) - f(x - h)) / (2 * h)


def random(seed, *shapes):
    rng = np.random.default_rng(seed)
    return tuple(rng.normal(size=shape) for shape in shapes)


EXERCISES = [
    Exercise(
        "01.3",
        "A pullback from nothing: swish",
        Gradient(
            lambda x: x * torch.sigmoid(x),
            random(1, (2, 3)),
            traps={
                swish_with(lambda x, s: s): ONE_TERM,
                swish_with(lambda x, s: x * s * (1 - s)): ONE_TERM,
                swish_with(
                    lambda x, s: s * (1 - s)
                ): "The slope of a product is not the product of the slopes",
                swish_with(lambda x, s: s + x * (x * s) * (1 - x * s)): (
                    "One of your terms takes the slope of the sigmoid at `y`. Which number is the output of the sigmoid?"
                ),
            },
            explain={"local derivative": "Which two things depend on x here, and what is the slope of each?"},
        ),
        hints=(
            "Two factors depend on x. Which rule of school is for the slope of a product?",
            "That rule needs the slope of each factor. One of them is 1; the other one is (1.5).",
            "It has two terms. In each, one factor is replaced by its slope. Then comes the gradient from above.",
        ),
        solution=swish,
        wrong=(
            Edit("s + x * s * (1 - s)", "s", "one factor only"),
            Edit("s + x * s * (1 - s)", "x * s * (1 - s)", "one factor only"),
            Edit("s + x * s * (1 - s)", "s + s * (1 - s)", "the factor x is forgotten"),
            Edit("dy * (s", "(s"),
            Edit("dy * (s", "-dy * (s", "sign"),
        ),
        after="This function is also called SiLU; chapter 02 meets it again.",
    ),
    Exercise(
        "01.4",
        "A loss and its two slots",
        Gradient(
            lambda prediction, target: 0.5 * ((prediction - target) ** 2).sum(),
            random(2, (2, 3), (2, 3)),
            names=("prediction", "target"),
            explain={
                "factor": "The 2 from the square and the one half cancel",
                "broadcast": "The loss is one number: add up all the squared differences",
                "shape": "The loss is one number: add up all the squared differences",
            },
        ),
        hints=(
            "Name the difference d = prediction - target. The loss is half the sum of d squared; its slope with respect to d is d.",
            "The difference grows with prediction and falls with target: the second slot is the first with a minus. Both times the gradient from above, one number.",
        ),
        solution=half_squared_error,
        wrong=(
            Edit("dL * difference, -", "2 * dL * difference, -"),
            Edit("-dL * difference", "dL * difference"),
            Edit("dL * difference, -dL * difference", "dL * difference"),
            Edit("return dL * difference, -dL", "return difference, -1"),
            Edit("0.5 * (difference**2).sum()", "0.5 * difference**2", "add up all the squared differences"),
        ),
    ),
    Exercise(
        "01.5",
        "A layer for a batch",
        Gradient(
            lambda x, W, b: x @ W.T + b,
            [random(3, (5, 3), (4, 3), (4,)), random(4, (1, 2), (2, 2), (2,))],
            names=("x", "W", "b"),
        ),
        hints=(
            "Shapes first: x is (batch, in), W (out, in), dz (batch, out). Which products of two of them have the shape of x, and of W?",
            "By (1.13): dx = dz W, dW = dz^T x. The bias is added to every row, so its gradient is a sum over the rows.",
        ),
        solution=layer,
        wrong=(
            Edit("dz @ W,", "dz @ W.T,"),
            Edit("dz.T @ x", "x.T @ dz"),
            Edit("dz.sum(axis=0)", "dz"),
            Edit("dz.sum(axis=0)", "dz.mean(axis=0)"),
        ),
    ),
    Exercise(
        "01.6",
        "Two layers in a row",
        Gradient(
            lambda x, V, W: torch.tanh(x @ V.T) @ W.T,
            random(5, (4, 3), (5, 3), (2, 5)),
            names=("x", "V", "W"),
            traps={
                two_layers_with(lambda z, h: 1): "On the way back from h to z the slope of tanh is missing",
                two_layers_with(lambda z, h: 1 - np.tanh(h) ** 2): "`h` is a tanh already: no second one",
                two_layers_with(
                    lambda z, h: 1 - h
                ): "The slope of tanh has a square in it: look at the question again",
                two_layers_with(lambda z, h: 1 - z**2): (
                    "You took the slope of tanh with its input z. The formula is written with its output. Which is `h`?"
                ),
                two_layers_with(lambda z, h: 1 - h**2, factor=lambda z, h: z): (
                    "`W` never met the net input z. What was it multiplied by on the way forward?"
                ),
            },
        ),
        hints=(
            "Go back one step at a time: from dy to the hidden h (a linear layer), from h to its net input z (tanh), from z to x and V (a linear layer).",
            "In turn: `dh = dy W`, `dz = dh (1 - h^2)`, then `dx = dz V` and `dV = dz^T x`. And `dW` needs what `W` was multiplied by.",
        ),
        solution=two_layers,
        wrong=(
            Edit("dh * (1 - h**2)", "dh", "slope of tanh is missing"),
            Edit("dy.T @ h", "dy.T @ x"),
            Edit("dy.T @ h", "dy.T @ (x @ V.T)", "never met the net input"),
            Edit("1 - h**2", "1 - h", "has a square in it"),
            Edit("1 - h**2", "1 - (x @ V.T) ** 2", "with its input z"),
            Edit("dz @ V,", "dh @ V,"),
        ),
    ),
    Exercise(
        "01.7",
        "A weight used twice",
        Gradient(
            lambda x, w: w * torch.tanh(w * x),
            (random(6, (4,))[0], np.array(0.8)),
            names=("x", "w"),
            traps={
                inner_weight_forgotten: "On its way to x the gradient passes the outer weight, tanh, and one thing more"
            },
            explain={
                "factor": "The weight acts in two places, and both contribute",
                "unknown": "The weight acts in two places; add what comes from each",
            },
        ),
        hints=(
            "Pretend that there are two weights, u * tanh(v * x). Work out both gradients, then add them: that is (1.4).",
            "The outer one gets sum(dy t). The inner one: dy passes the outer weight, then tanh, then meets x.",
        ),
        solution=used_twice,
        wrong=(
            Edit("(dy * t).sum() + (inner * x).sum()", "(dy * t).sum()"),
            Edit("(dy * t).sum() + (inner * x).sum()", "(inner * x).sum()"),
            Edit("(dy * t).sum() + (inner * x).sum()", "dy * t + inner * x"),
            Edit("inner * w,", "inner,", "one thing more"),
        ),
        after="Layers that share weights (recurrent and convolutional networks) rest on this.",
    ),
    Exercise(
        "01.8",
        "A penalty on the weights",
        Function(
            penalised,
            cases=[(*random(7, (2,), (2,)), 0.1), (*random(8, (2, 3), (2, 3)), 0.5)],
            traps={
                lambda dW, W, lam: (
                    dW + 2 * lam * W
                ): "A factor 2 too many: the penalty has a one half, which the 2 of the square cancels",
                lambda dW, W, lam: (
                    dW + lam / 2 * W
                ): "The slope of the square brings a 2, which cancels the one half",
                lambda dW, W, lam: dW - lam * W: "The sign: the penalty is added, and so is its gradient",
                lambda dW, W, lam: dW + lam: "The slope of lam/2 W^2 is not a constant",
                lambda dW, W, lam: lam * W: "That is the penalty's part; the loss has its own gradient too",
            },
        ),
        hints=("Slopes of sums add. What is the slope of lam/2 times w squared?",),
        solution=penalised,
    ),
    Exercise(
        "01.9",
        "Your own witness",
        Function(
            central,
            cases=[(np.exp, 0.0, 0.5), (np.sin, 1.0, 1e-3), (lambda x: x**3, 2.0, 1e-2)],
            rtol=1e-9,
            traps={
                lambda f, x, h: (f(x + h) - f(x)) / h: "That is the forward difference (1.15)",
                lambda f, x, h: (f(x + h) - f(x - h)) / h: "From x - h to x + h is a way of 2 h",
                lambda f, x, h: (f(x + h) - f(x - h)) / 2 * h: (
                    "`a / 2 * h` divides by 2 and then multiplies by h. Python goes from left to right: use parentheses"
                ),
                lambda f, x, h: (
                    (f(x - h) - f(x + h)) / (2 * h)
                ): "The sign: what comes later, minus what comes before",
            },
        ),
        hints=("Equation (1.16).",),
        solution=central,
        wrong=(Edit("/ (2 * h)", "/ 2 * h", "use parentheses"),),
    ),
]
