"""Exercises and predictions of chapter 02, activations and losses."""

import numpy as np

from utils.exercises.checkers import Choice, Function, Gradient, Values
from utils.exercises.engine import Edit, Exercise
from utils.exercises.lazy import F, torch
from utils.exercises.quizzes import Quiz

QUIZZES = [
    Quiz(
        "02.a",
        ["about 0.21, as before", "about 0.12", "below 0.01"],
        right="b",
        ask="Inputs of spread 4 into a sigmoid: how large is the spread of the gradients that arrive?",
        traps={
            "a": "Look at the picture: how many inputs now land where the slope is small",
            "c": "A gradient stops only where its own input is far out. Many still land near zero",
        },
        why="Nearly half of the inputs land where the slope is below 0.05, and their gradients are lost. The others still find slopes up to a quarter.",
    ),
    Quiz(
        "02.b",
        ["ReLU", "leaky ReLU", "ELU", "none of them"],
        right="c",
        ask="First bias -2, learning rate 0.3: which network learns within eight epochs?",
        traps={
            "a": "Count its dead units before the first step",
            "d": "One of them has a slope that is far from zero at -2",
            "b": "It is not dead, but each layer leaves a tenth of the gradient. Look at its accuracy",
        },
        why="The ReLUs of two layers are dead from the start. The leak lets a tenth pass in each layer. ELU's slope at -2 is 0.14, and its outputs there differ from example to example.",
    ),
    Quiz(
        "02.c",
        ["it grows", "it shrinks", "neither: it grows, then shrinks"],
        right="c",
        why="Two factors: 1/T grows, p (1 - p) shrinks as one share takes everything. In between lies the best.",
    ),
    Quiz(
        "02.d",
        ["2 for both", "20 for squares, 2 for absolute errors", "2 for squares, 20 for absolute errors"],
        right="b",
        why="Squares are smallest at the mean, absolute errors at the median. The house at 92 pulls the mean.",
    ),
    Quiz(
        "02.e",
        [
            "from both, about the same",
            "from cross-entropy only",
            "from the squared error only",
            "from neither",
        ],
        right="b",
        why="The squared error passes the slope of the sigmoid, 0.00005 at -10. In cross-entropy that slope cancels against the one of the logarithm.",
    ),
    Quiz(
        "02.f",
        ["ReLU", "tanh", "SiLU", "all of these"],
        right="b",
        ask="Which of these brings all five seeds to 85 % in ten epochs?",
        traps={
            "a": "It loses a factor of 1.4 a layer; three of its five seeds are still at 80 to 84 %",
            "c": "Look at its forecast",
        },
        why="Its slope is 1 at zero, and the net inputs shrink towards zero with depth: more of the gradient is left than forecast.",
    ),
]


def my_softplus(x):
    y = np.maximum(x, 0) + np.log(1 + np.exp(-np.abs(x)))

    def pullback(dy):
        e = np.exp(-np.abs(x))
        return dy * np.where(x >= 0, 1, e) / (1 + e)

    return y, pullback


def clipped(x):
    return my_softplus(np.clip(x, -700, 700))


def slope_of_sigmoid(x):
    y, back = my_softplus(x)

    def pullback(dy):
        s = back(np.ones_like(x))
        return dy * s * (1 - s)

    return y, pullback


def my_prelu(x, alpha):
    y = np.maximum(x, 0) + alpha * np.minimum(x, 0)

    def pullback(dy):
        dx = dy * np.where(x > 0, 1, alpha)
        dalpha = (dy * np.minimum(x, 0)).sum()
        return dx, dalpha

    return y, pullback


def negative_part_forgotten(x, alpha):
    return my_prelu(x, alpha)[0], lambda dy: (dy * np.where(x > 0, 1, alpha), (dy * x).sum())


def ones_for_slopes(x, alpha):
    return my_prelu(x, alpha)[0], lambda dy: (dy * np.where(x > 0, 1, alpha), (dy * (x < 0)).sum())


def mean_of_slopes(x, alpha):
    return my_prelu(x, alpha)[0], lambda dy: (
        dy * np.where(x > 0, 1, alpha),
        (dy * np.minimum(x, 0)).mean(),
    )


def dead_share(values):
    return (values == 0).all(axis=0).mean()


def log_sum_exp(x):
    top = x.max()
    return top + np.log(np.exp(x - top).sum())


@np.errstate(over="ignore", divide="ignore")
def overflowing(x):
    return np.log(np.exp(x).sum())


@np.errstate(over="ignore", divide="ignore")
def first_subtracted(x):
    return x[0] + np.log(np.exp(x - x[0]).sum())


@np.errstate(over="ignore", divide="ignore")
def mean_subtracted(x):
    return x.mean() + np.log(np.exp(x - x.mean()).sum())


def soft_cross_entropy(logits, wanted):
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    n = len(logits)
    loss = -(wanted * log_p).sum() / n

    def pullback(dloss):
        dlogits = dloss * (np.exp(log_p) - wanted) / n
        dwanted = -dloss * log_p / n
        return dlogits, dwanted

    return loss, pullback


def with_temperature(x, T):
    e = np.exp(x / T - (x / T).max())
    p = e / e.sum()

    def pullback(dp):
        dz = p * (dp - (dp * p).sum())
        return dz / T, -(dz * x).sum() / T**2

    return p, pullback


def without_softmax(x, T):
    p, back = with_temperature(x, T)
    return p, lambda dp: (back(dp)[0], -(dp * x).sum() / T**2)


def sign_of_T(x, T):
    p, back = with_temperature(x, T)
    return p, lambda dp: (back(dp)[0], -back(dp)[1])


def random(seed, *shapes):
    rng = np.random.default_rng(seed)
    return tuple(rng.normal(size=shape) for shape in shapes)


def logits_and_shares(seed, n, classes):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, classes)), rng.dirichlet(np.ones(classes), size=n)


UNITS = np.array([[0.0, 1.0, 0.0, 0.0, 0.2], [0.0, 0.0, 0.0, 0.0, 0.0], [0.0, 2.0, 0.0, 0.0, 0.1]])

EXERCISES = [
    Exercise(
        "02.1",
        "Back through a tanh",
        Values(
            1.28,
            traps={
                0.32: "That is with (1 - t)^2. The slope is 1 - t^2",
                0.16: "That is (1 - t)^2. The slope is 1 - t^2, and the gradient from above multiplies it",
                0.48: "That is with the slope of a sigmoid, y (1 - y)",
                0.72: "That is with t^2. The slope is 1 - t^2",
                1.42312: "0.6 is tanh z already, not z: no second tanh",
                0.64: "That is the slope; what arrives from above multiplies it",
                1.2: "The slope of tanh is not its value",
            },
        ),
        hints=(
            "The output is all you need: (2.3) has no z in it.",
            "The slope is 1 - 0.6^2; the gradient from above multiplies it.",
        ),
        solution="2 * (1 - 0.6**2)",
    ),
    Exercise(
        "02.2",
        "A softplus that does not overflow",
        Gradient(
            lambda x: F.softplus(x),
            (np.array([-800.0, -1.2, -0.3, 0.5, 2.0, 800.0]),),
            traps={
                clipped: "At 800 the value is 800: do not clip x",
                slope_of_sigmoid: "That is the slope of the sigmoid; the slope of softplus is the sigmoid itself",
            },
            explain={
                "named factor": "The slope of softplus is the sigmoid of x, by (2.8)",
                "nan": "exp of a large number overflows. Only take exp of what is not positive",
            },
        ),
        hints=(
            "For x above 0 write log(1 + e^x) = x + log(1 + e^-x). One formula for both: max(x, 0) + log(1 + e^-|x|).",
            "The slope is the sigmoid. With e = exp(-|x|) it is 1 / (1 + e) for x above 0, and e / (1 + e) below.",
        ),
        solution=my_softplus,
        wrong=(
            Edit(
                "np.maximum(x, 0) + np.log(1 + np.exp(-np.abs(x)))",
                "np.maximum(x, 0) - np.log(1 + np.exp(-np.abs(x)))",
            ),
            Edit("np.where(x >= 0, 1, e)", "e"),
            Edit("dy * np.where", "np.where"),
            Edit("(1 + e)", "(1 + e) ** 2"),
        ),
        after="It is the negative log of a sigmoid: softplus(-z) = -log sigmoid(z).",
    ),
    Exercise(
        "02.3",
        "A slope that learns",
        Gradient(
            lambda x, alpha: torch.clamp(x, min=0) + alpha * torch.clamp(x, max=0),
            (random(2, (3, 4))[0], np.array(0.25)),
            names=("x", "alpha"),
            traps={
                negative_part_forgotten: "alpha meets only the negative part of x: min(x, 0)",
                ones_for_slopes: "Each element's slope for alpha is min(x, 0), not 1",
                mean_of_slopes: "Every element uses alpha, and all contribute: a sum, not a mean",
            },
            explain={
                "broadcast": "alpha is one number used for every element: add up what comes from each",
                "shape": "alpha is one number used for every element: add up what comes from each",
            },
        ),
        hints=(
            "Equation (2.5) has both slopes. For alpha: min(x, 0), times the gradient from above.",
            "One alpha serves all elements, so its gradient is a sum over all of them.",
        ),
        solution=my_prelu,
        wrong=(
            Edit("(dy * np.minimum(x, 0)).sum()", "dy * np.minimum(x, 0)"),
            Edit("(dy * np.minimum(x, 0)).sum()", "(dy * np.minimum(x, 0)).mean()"),
            Edit("(dy * np.minimum(x, 0)).sum()", "(dy * x).sum()"),
            Edit("np.where(x > 0, 1, alpha)", "np.where(x > 0, 1, 0)"),
        ),
        after="He et al. 2015, who introduced it, leave the slope out of weight decay, which would push it towards a plain ReLU.",
    ),
    Exercise(
        "02.4",
        "Dead or silent?",
        Function(
            dead_share,
            cases=[(UNITS,), (np.maximum(random(3, (50, 8))[0], 0),), (np.zeros((4, 3)),)],
            traps={
                lambda values: (
                    values == 0
                ).mean(): "That is the share of silent outputs. A unit is dead when it is silent for every example",
                lambda values: (
                    (values == 0).any(axis=0).mean()
                ): "One silent example does not kill a unit: it must be silent for all of them",
                lambda values: (
                    (values == 0).all(axis=1).mean()
                ): "The axes: rows are examples, columns are units",
                lambda values: (values == 0).all(axis=0).sum(): "That is their number; a share is asked for",
                lambda values: (values != 0).any(axis=0).mean(): "Those are the ones that live",
            },
        ),
        hints=(
            "A unit is a column. Which NumPy function says whether something holds for all rows?",
            "`(values == 0).all(axis=0)` is True for a dead unit. The mean of Trues and Falses is a share.",
        ),
        solution=dead_share,
    ),
    Exercise(
        "02.5",
        "A Jacobian by hand",
        Values(
            {"p1": 0.25, "own": 0.1875, "other": -0.1875},
            traps={
                "p1": {0.75: "That is the share of the other class", 1 / 3: "That is the odds, 1 to 3"},
                "own": {
                    0.25: "That is p1 itself; the total grows too",
                    0.75: "That is the other share; p1 multiplies it",
                    -0.1875: "Its own score helps a share",
                },
                "other": {
                    0.1875: "The total grows, so the share falls",
                    -0.0625: "That is -p1 squared; both shares belong in it",
                    -0.5625: "That is -p2 squared; both shares belong in it",
                },
            },
        ),
        hints=(
            "e^0 = 1 and e^(log 3) = 3, so the total is 4.",
            "Then (2.12), once with j = i, once without.",
        ),
        solution='{"p1": 1 / 4, "own": 1 / 4 * 3 / 4, "other": -1 / 4 * 3 / 4}',
    ),
    Exercise(
        "02.6",
        "Cross-entropy by hand",
        Values(
            lambda: np.array([[-0.375, 0.375], [0.25, -0.25]]),
            traps={
                ((-0.75, 0.75), (0.5, -0.5)): "The loss is a mean over two examples: halve each gradient",
                (
                    (-2.0, 0.0),
                    (0.0, -1.0),
                ): "That is the gradient at the shares; take it back through softmax",
                ((-0.1875, 0.1875), (0.125, -0.125)): "The mean is over two examples, not over four numbers",
                (
                    (0.125, -0.125),
                    (-0.25, 0.25),
                ): "The 1 stands at the wrong class; classes are counted from 0",
                ((-0.375, 0.25), (0.375, -0.25)): "One row for each example, one column for each class",
                ((0.125, 0.375), (0.25, 0.25)): "Subtract 1 at the right class",
                ((0.375, -0.375), (-0.25, 0.25)): "The sign: p - y, not y - p",
            },
        ),
        hints=(
            "Shares first: (1/4, 3/4) for the first row, (1/2, 1/2) for the second.",
            "Then (2.21) for each row, divided by the number of rows.",
        ),
        solution="np.array([[1 / 4 - 1, 3 / 4], [1 / 2, 1 / 2 - 1]]) / 2",
    ),
    Exercise(
        "02.7",
        "The soft maximum",
        Function(
            log_sum_exp,
            cases=[
                (np.array([1.0, 2.0, 3.0]),),
                (np.array([0.0, -1000.0]),),
                (np.array([0.0, 1000.0]),),
                (np.array([-1000.0, 0.0, 1000.0, 1000.0]),),
                (random(4, (6,))[0],),
            ],
            rtol=1e-9,
            traps={
                overflowing: "exp overflows: subtract the largest score (no other one), and add it back at the end",
                first_subtracted: "exp overflows: subtract the largest score (no other one), and add it back at the end",
                mean_subtracted: "exp overflows: subtract the largest score (no other one), and add it back at the end",
                lambda x: np.log(np.exp(x - x.max()).sum()): "What you subtracted has to come back",
                lambda x: x.max(): "That is the hard maximum; the soft one is a little larger",
                lambda x: (
                    x.max() + np.exp(x - x.max()).sum()
                ): "The logarithm is missing: log of the sum of exponentials",
                lambda x: x.max() + np.log(np.exp(x - x.max()).mean()): "A sum, not a mean",
            },
        ),
        hints=(
            "log(sum e^x) = m + log(sum e^(x - m)) for any m. Which m keeps every exponential at 1 or below?",
        ),
        solution=log_sum_exp,
        after="Its gradient is softmax.",
    ),
    Exercise(
        "02.8",
        "Cross-entropy with soft targets",
        Gradient(
            lambda logits, wanted: F.cross_entropy(logits, wanted),
            [logits_and_shares(5, 4, 3), logits_and_shares(6, 1, 5)],
            names=("logits", "wanted"),
            explain={
                "factor": "The loss is a mean over the rows",
                "broadcast": "The loss is one number: add up over classes, take the mean over rows",
                "shape": "The loss is one number: add up over classes, take the mean over rows",
            },
        ),
        hints=(
            "The loss is linear in `wanted`: its slope for wanted_ij is -log p_ij / n.",
            "For the logits (2.22) says p - wanted, divided by n.",
        ),
        solution=soft_cross_entropy,
        wrong=(
            Edit("(np.exp(log_p) - wanted) / n", "(np.exp(log_p) - wanted)"),
            Edit("(np.exp(log_p) - wanted) / n", "(wanted - np.exp(log_p)) / n"),
            Edit("-dloss * log_p / n", "dloss * log_p / n"),
            Edit("(np.exp(log_p) - wanted) / n", "(log_p - wanted) / n"),
        ),
        after="Distillation, where a small network learns from a large one, uses this loss.",
    ),
    Exercise(
        "02.9",
        "A temperature that learns",
        Gradient(
            lambda x, T: torch.softmax(x / T, dim=0),
            (random(7, (5,))[0], np.array(0.7)),
            names=("x", "T"),
            traps={
                without_softmax: "On the way back to T the gradient passes the softmax first: use dz, not dp",
                sign_of_T: "The sign: as T grows, x / T shrinks",
            },
            explain={
                "factor": "x enters as x / T: the slope of that is 1 / T for x, and -x / T^2 for T",
                "broadcast": "T is one number used by every score: add up",
                "shape": "T is one number used by every score: add up",
            },
        ),
        hints=(
            "Name z = x / T. Softmax's pullback (2.13) gives dz. Then one more step back, from z to x and T.",
            "dx = dz / T. For T: each z_j = x_j / T has slope -x_j / T^2, and all of them add up.",
        ),
        solution=with_temperature,
        wrong=(
            Edit("dz / T,", "dz,"),
            Edit("-(dz * x).sum() / T**2", "(dz * x).sum() / T**2"),
            Edit("-(dz * x).sum() / T**2", "-(dz * x) / T**2"),
            Edit("-(dz * x).sum() / T**2", "-dz.sum() / T**2"),
        ),
    ),
    Exercise(
        "02.10",
        "Which output, which loss?",
        Choice(
            {
                "a": "softmax over the 20 tags, cross-entropy",
                "b": "one sigmoid a tag, binary cross-entropy",
                "c": "20 plain numbers, squared error",
                "d": "one softmax, but take all tags whose share is above 1/20",
            },
            right="b",
            traps={
                "a": "Shares compete: a photograph that shows a cat and a dog could give each at most a half",
                "c": "That is normal noise around a number; a tag is there or not",
                "d": "The shares still add up to one: the more tags are right, the smaller each share",
            },
        ),
        hints=("How many tags can be right at once, and what does softmax say about that?",),
        solution='"b"',
    ),
]
