"""Exercises of chapter 02 whose answers are functions: values, pullbacks, a count of dead units."""

import numpy as np

from utils.exercises.checkers import Function, Gradient
from utils.exercises.engine import Edit, Exercise
from utils.exercises.lazy import F, torch


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


def scores_forgotten(x, T):
    p, back = with_temperature(x, T)
    return p, lambda dp: (back(dp)[0], -back(dp)[0].sum() / T)


def random(seed, *shapes):
    rng = np.random.default_rng(seed)
    return tuple(rng.normal(size=shape) for shape in shapes)


def logits_and_shares(seed, n, classes):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, classes)), rng.dirichlet(np.ones(classes), size=n)


UNITS = np.array([[0.0, 1.0, 0.0, 0.0, 0.2], [0.0, 0.0, 0.0, 0.0, 0.0], [0.0, 2.0, 0.0, 0.0, 0.1]])

EXERCISES = [
    Exercise(
        "02.2",
        "A softplus that does not overflow",
        Gradient(
            lambda x: F.softplus(x),
            (np.array([-800.0, -1.2, -0.3, 0.5, 2.0, 800.0]),),
            traps={
                clipped: "At 800 the value is 800: do not clip x",
                slope_of_sigmoid: "That is the slope of the sigmoid. One derivative too many?",
            },
            explain={
                "named factor": "Which function is the slope of softplus, by (2.8)?",
                "nan": "exp of a large number overflows. Which numbers are safe to take it of?",
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
                negative_part_forgotten: "Which part of x does alpha meet, in the value?",
                ones_for_slopes: "By how much does an element change when alpha does? Not each by 1",
                mean_of_slopes: "Every element uses alpha. Does the loss see their average?",
            },
            explain={
                "broadcast": "alpha is one number, used for every element",
                "shape": "alpha is one number, used for every element",
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
            cases=[
                (UNITS,),
                (np.maximum(random(3, (50, 8))[0], 0),),
                (np.zeros((4, 3)),),
                (np.array([[1e-3, 0.0], [0.0, 0.0]]),),
            ],
            traps={
                lambda values: (
                    values == 0
                ).mean(): "That is the share of silent outputs. When is a unit dead?",
                lambda values: (values == 0).any(axis=0).mean(): "One silent example does not kill a unit",
                lambda values: (
                    (values == 0).all(axis=1).mean()
                ): "The axes: rows are examples, columns are units",
                lambda values: (values == 0).all(axis=0).sum(): "That is their number; a share is asked for",
                lambda values: (values != 0).any(axis=0).mean(): "Those are the ones that live",
                lambda values: (
                    (values == 0).all(axis=0).sum() / values.size
                ): "A share of what? Not of all numbers",
                lambda values: (
                    (values == 0).all(axis=0).sum() / len(values)
                ): "A share of what? `len` counts the examples",
            },
        ),
        hints=(
            "A unit is a column. Which NumPy function says whether something holds for all rows?",
            "`(values == 0).all(axis=0)` is True for a dead unit. The mean of Trues and Falses is a share.",
        ),
        solution=dead_share,
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
                overflowing: "exp overflows. Which number may be subtracted from all scores, so that it cannot?",
                first_subtracted: "exp overflows. Which number may be subtracted from all scores, so that it cannot?",
                mean_subtracted: "exp overflows when a score is far above the mean. Which number is safe to subtract?",
                lambda x: np.log(np.exp(x - x.max()).sum()): "What you subtracted has to come back",
                lambda x: x.max(): "That is the hard maximum; the soft one is a little larger",
                lambda x: x.max() + np.exp(x - x.max()).sum(): "The logarithm is missing",
                lambda x: (
                    x.max() + np.log(np.exp(x - x.max()).mean())
                ): "Does (2.20) average the exponentials?",
                lambda x: (
                    np.log(np.exp(x - x.max()).sum()) - x.max()
                ): "What you subtracted has to come back, with which sign?",
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
                "broadcast": "The loss is one number, made of all classes and rows",
                "shape": "The loss is one number, made of all classes and rows",
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
            Edit(
                "dloss * (np.exp(log_p) - wanted) / n",
                "(np.exp(log_p) - wanted) / n",
                "from above is ignored",
            ),
            Edit("-dloss * log_p / n", "-dloss * log_p", "a mean over the rows"),
            Edit("-dloss * log_p / n", "-dloss * wanted * log_p / n"),
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
                without_softmax: "What does the gradient pass first, on its way back to T?",
                sign_of_T: "Does x / T grow with T?",
                scores_forgotten: "When T grows, does every x_j / T shrink by the same amount?",
            },
            explain={
                "factor": "x and T enter as x / T. What is its slope for each of them?",
                "broadcast": "T is one number, used by every score",
                "shape": "T is one number, used by every score",
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
            Edit("-(dz * x).sum() / T**2", "-dz.sum() / T**2", "by the same amount"),
        ),
    ),
]
