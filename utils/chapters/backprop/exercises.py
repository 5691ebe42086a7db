"""Exercises and predictions of chapter 01, back-propagation."""

import numpy as np

from utils.exercises.checkers import Function, Gradient, Values
from utils.exercises.engine import Edit, Exercise
from utils.exercises.lazy import torch
from utils.exercises.quizzes import Quiz

QUIZZES = [
    Quiz(
        "01.a",
        ["w1, next to the inputs", "w7, next to the outputs", "about the same"],
        right="b",
        why="The slope of w7 is about 39 times that of w1: on its way back to w1 the gradient passes a hidden unit on the flat part of the sigmoid.",
    ),
    Quiz(
        "01.b",
        ["the path through o1", "the path through o2", "both the same"],
        right="b",
        why="The error at `o1` is a little larger, but it lies where the sigmoid is flatter: 0.098 against 0.160. Through o2 comes nearly two thirds.",
    ),
    Quiz(
        "01.c",
        ["the cost of both modes", "the number of paths", "neither"],
        right="b",
        ask="What does one more layer of 16 units multiply by 16?",
        why="A layer adds its edges to both modes, once a sweep. The paths fork at every unit of it, so their number is multiplied by 16.",
    ),
    Quiz(
        "01.d",
        ["the forward difference", "the central difference", "the complex step"],
        right="c",
        ask="The error of which one never grows again as the step shrinks?",
        why="The other two divide a difference of rounded numbers by the step. The complex step subtracts nothing.",
    ),
    Quiz(
        "01.e",
        ["yes, they get as small as the gradients", "no, they stay near 0.5"],
        right="b",
        why="A sigmoid of anything near 0 is near 0.5, in every layer. What fades with depth is how much an activation differs from example to example: the last line of the read-out.",
    ),
    Quiz(
        "01.f",
        ["2 or 3 layers", "5 layers", "10 layers"],
        right="a",
        traps={"c": "More layers can express more, if they learn at all. These do not"},
        ask="Which network has the best accuracy on held-out digits?",
        why="Two and three layers are too close to tell apart. Five layers spend the first half on a plateau, ten never leave it.",
    ),
    Quiz(
        "01.g",
        ["all gradients grow by 100", "all gradients are multiplied", "no gradient changes"],
        right="c",
        ask="We add 100 to the loss. What happens to the gradients?",
        why="A constant has slope 0, and only slopes travel back: the height of the loss does not matter. Multiplying the loss by 100 would multiply every gradient.",
    ),
]


def swish(x):
    s = 1 / (1 + np.exp(-x))

    def pullback(dy):
        return dy * (s + x * s * (1 - s))

    return x * s, pullback


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


def tanh_slope_forgotten(x, V, W):
    h = np.tanh(x @ V.T)
    return h @ W.T, lambda dy: (dy @ W @ V, (dy @ W).T @ x, dy.T @ h)


def tanh_twice(x, V, W):
    h = np.tanh(x @ V.T)

    def pullback(dy):
        dz = dy @ W * (1 - np.tanh(h) ** 2)
        return dz @ V, dz.T @ x, dy.T @ h

    return h @ W.T, pullback


def used_twice(x, w):
    t = np.tanh(w * x)

    def pullback(dy):
        inner = dy * w * (1 - t**2)
        return inner * w, (dy * t).sum() + (inner * x).sum()

    return w * t, pullback


def penalised(dW, W, lam):
    return dW + lam * W


def central(f, x, h):
    return (f(x + h) - f(x - h)) / (2 * h)


def random(seed, *shapes):
    rng = np.random.default_rng(seed)
    return tuple(rng.normal(size=shape) for shape in shapes)


EXERCISES = [
    Exercise(
        "01.1",
        "One weight by hand",
        Values(
            0.11827902,
            traps={
                0.1198839: "That is the gradient at z_o2; one slope is still missing: how does w8 act on z_o2",
                0.0765351: "That is the gradient of w7. Which output does w8 lead to",
                0.7403544: "The slope of the sigmoid at o2 is missing",
                0.0959071: "You multiplied by the weight itself. How fast does z_o2 grow when w8 grows",
            },
            rtol=5e-3,
        ),
        hints=(
            "One path: `w8`, `z_o2`, `o2`, `L`. Three slopes, multiplied.",
            "The slopes are o2 - y2, then o2 (1 - o2), then what w8 is multiplied by in (1.1).",
        ),
        solution="(0.80039961 - 0.05) * 0.80039961 * (1 - 0.80039961) * 0.98661308",
    ),
    Exercise(
        "01.2",
        "One step downhill",
        Values(
            0.04035577,
            traps={
                0.15964423: "That step goes uphill: the loss grows. Look at the sign in (1.18)",
                -0.01928846: "The learning rate is missing",
                0.11928846: "That is the gradient, not the new weight",
                0.0614058: "That is a step with the gradient of w9",
            },
            rtol=5e-3,
        ),
        hints=(
            "Equation (1.18), with w = 0.1, a learning rate of 0.5 and the gradient of the list in section 1.3.",
        ),
        solution="0.1 - 0.5 * 0.11928846",
    ),
    Exercise(
        "01.3",
        "A pullback from nothing: swish",
        Gradient(
            lambda x: x * torch.sigmoid(x),
            random(1, (2, 3)),
            explain={
                "named factor": "Two things depend on x: the factor x, and the sigmoid. Both contribute",
                "local derivative": "The product rule has two terms, `s + x s'`; and `s' = s (1 - s)`, with `s` the sigmoid, not `y`",
            },
        ),
        hints=(
            "The product rule: (x s)' = x' s + x s', with s the sigmoid of x.",
            "Use `x' = 1` and `s' = s (1 - s)`, by (1.5). Then multiply by the gradient from above.",
        ),
        solution=swish,
        wrong=(
            Edit("s + x * s * (1 - s)", "s"),
            Edit("s + x * s * (1 - s)", "x * s * (1 - s)"),
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
            "By (1.11): dx = dz W, dW = dz^T x. The bias is added to every row, so its gradient is a sum over the rows.",
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
                tanh_slope_forgotten: "On the way back from h to z the slope of tanh, 1 - h^2, is missing",
                tanh_twice: "The slope of tanh is 1 - h^2, and `h` is a tanh already: no second one",
            },
        ),
        hints=(
            "Go back one step at a time: from dy to the hidden h (a linear layer), from h to its net input z (tanh), from z to x and V (a linear layer).",
            "In turn: `dh = dy W`, `dz = dh (1 - h^2)`, then `dx = dz V` and `dV = dz^T x`. And `dW` needs what `W` was multiplied by.",
        ),
        solution=two_layers,
        wrong=(
            Edit("dh * (1 - h**2)", "dh"),
            Edit("dy.T @ h", "dy.T @ x"),
            Edit("1 - h**2", "1 - h"),
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
            Edit("inner * w,", "inner,"),
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
                lambda f, x, h: (f(x + h) - f(x)) / h: "That is the forward difference (1.13)",
                lambda f, x, h: (f(x + h) - f(x - h)) / h: "From x - h to x + h is a way of 2 h",
                lambda f, x, h: (
                    (f(x - h) - f(x + h)) / (2 * h)
                ): "The sign: what comes later, minus what comes before",
            },
        ),
        hints=("Equation (1.14).",),
        solution=central,
    ),
    Exercise(
        "01.10",
        "The price of both modes",
        Values(
            {"paths": 200, "forward": 220, "reverse": 110},
            traps={
                "paths": {
                    55: "Those are the edges; paths multiply, edges add",
                    110: "That is edges times outputs",
                    25: "That is from one input to one output; there are 4 inputs and 2 outputs",
                    600: "Those are multiplications; count the paths themselves",
                },
                "forward": {55: "That is one sweep; how many are needed", 110: "That is one sweep an output"},
                "reverse": {
                    55: "One sweep is for one output. There are two",
                    220: "That is one sweep an input",
                },
            },
        ),
        hints=("Edges: 4 times 5, plus 5 times 5, plus 5 times 2. Then (1.9).",),
        solution='{"paths": 4 * 5 * 5 * 2, "forward": 4 * (20 + 25 + 10), "reverse": 2 * (20 + 25 + 10)}',
    ),
    Exercise(
        "01.11",
        "How many parameters?",
        Values(
            2778,
            traps={
                2720: "Those are the weights; every unit of a layer has a bias too",
                2842: "The 64 inputs have no bias",
                58: "Those are the biases",
            },
        ),
        hints=("A layer from n to m units has m n weights and m biases.",),
        solution="(64 * 32 + 32) + (32 * 16 + 16) + (16 * 10 + 10)",
    ),
]
