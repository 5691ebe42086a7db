"""Level 1: one number in, one number out; the suspects are signs, factors and slopes half remembered."""

import numpy as np

from utils.exercises.detective.suspects import Operation, Suspect, halves
from utils.exercises.lazy import F, torch

IGNORED = (
    "A pullback multiplies what comes from above by the slope. This one returns the slope alone, which looks right "
    "as long as you send ones. Send anything else, or send it twice as large."
)


def square(x):
    def pullback(dy):
        return dy * 2 * x

    return x**2, pullback


def reciprocal(x):
    y = 1 / x

    def pullback(dy):
        return -dy * y**2

    return y, pullback


def tanh(x):
    y = np.tanh(x)

    def pullback(dy):
        return dy * (1 - y**2)

    return y, pullback


def sigmoid(x):
    y = 1 / (1 + np.exp(-x))

    def pullback(dy):
        return dy * y * (1 - y)

    return y, pullback


def relu(x):
    def pullback(dy):
        return dy * (x > 0)

    return np.maximum(x, 0), pullback


def leaky_relu(x):
    def pullback(dy):
        return dy * np.where(x > 0, 1, 0.1)

    return np.where(x > 0, x, 0.1 * x), pullback


def mean_square(x, target):
    d = x - target

    def pullback(dloss):
        dx = dloss * 2 * d / d.size
        return dx, -dx

    return (d**2).mean(), pullback


def matrix(rng):
    return (halves(rng, 2, 3),)


OPERATIONS = [
    Operation(
        square, 1, "y = x², element by element", lambda x: x**2, matrix,
        (
            Suspect("the factor 2 is missing", "dy * 2 * x", "dy * x",
                    "The slope of x² is 2x. With ones sent, x itself came back, half of what it should be."),
            Suspect("the sign is wrong", "dy * 2", "-dy * 2",
                    "Where x is positive, x² grows with x: what comes back must have the sign of dy there."),
            Suspect("the output stands in for the input", "2 * x", "2 * x**2",
                    "The slope is 2x, not 2y. The sign tells: 2y is never negative, so a negative x gives it away."),
            Suspect("the input is missing", "dy * 2 * x", "dy * 2",
                    "A slope of 2 everywhere belongs to a straight line. Elements with different x must differ."),
            Suspect("the gradient from above is ignored", "dy * 2 * x", "2 * x", IGNORED),
        ),
    ),
    Operation(
        reciprocal, 1, "y = 1 / x, element by element", lambda x: 1 / x, matrix,
        (
            Suspect("the sign is wrong", "-dy", "dy",
                    "A larger x makes 1/x smaller, on either side of zero: the slope is always negative."),
            Suspect("the output is not squared", "y**2", "y",
                    "The slope is -1/x² = -y². With -y the sign would change with that of x; the true one never does."),
            Suspect("the input stands in for the output", "y**2", "x**2",
                    "It should shrink where x is large; here it grows. Compare x = 2 with x = 0.5."),
            Suspect("there is a factor 2 too many", "-dy", "-2 * dy",
                    "The power rule gives -1 times x to the power -2: the factor is the old power, -1, not the new one."),
            Suspect("the gradient from above is ignored", "-dy * y**2", "-(y**2)", IGNORED),
        ),
    ),
    Operation(
        tanh, 1, "y = tanh(x), element by element", lambda x: torch.tanh(x), matrix,
        (
            Suspect("the output is not squared", "y**2", "y",
                    "1 - y exceeds 1 where y is negative; the slope of tanh never does. Send ones and look there."),
            Suspect("the input stands in for the output", "y**2", "x**2",
                    "1 - x² is negative where |x| > 1, but tanh rises everywhere."),
            Suspect("the slope of the sigmoid is used", "(1 - y**2)", "y * (1 - y)",
                    "y(1 - y) is the sigmoid's slope. For tanh it even turns negative where y is."),
            Suspect("the sign is wrong", "dy *", "-dy *",
                    "tanh rises everywhere, so what comes back has the sign of dy."),
            Suspect("the gradient from above is squared", "dy *", "dy * dy *",
                    "With ones nobody notices. Send -1 or 2: a pullback is linear in what it is sent."),
            Suspect("the gradient from above is ignored", "dy * (1 - y**2)", "1 - y**2", IGNORED),
        ),
    ),
    Operation(
        sigmoid, 1, "y = 1 / (1 + exp(-x)), element by element", lambda x: torch.sigmoid(x), matrix,
        (
            Suspect("the input stands in for the output", "y * (1 - y)", "x * (1 - x)",
                    "y(1 - y) lies between 0 and 1/4. x(1 - x) goes anywhere."),
            Suspect("only one of the two factors is there", "y * (1 - y)", "y",
                    "The slope is largest, 1/4, in the middle and falls to both sides; y alone keeps rising."),
            Suspect("the slope of tanh is used", "y * (1 - y)", "(1 - y**2)",
                    "1 - y² belongs to tanh. For the sigmoid no slope exceeds 1/4."),
            Suspect("it is divided by 4", "dy * y", "dy / 4 * y",
                    "1/4 is the largest slope, already inside y(1 - y). With ones nothing larger than 1/16 came back."),
            Suspect("the gradient from above is ignored", "dy * y * (1 - y)", "y * (1 - y)", IGNORED),
        ),
    ),
    Operation(
        relu, 1, "y = max(x, 0), element by element", lambda x: torch.relu(x), matrix,
        (
            Suspect("the mask is inverted", "x > 0", "x <= 0",
                    "What was cut to zero cannot matter, so nothing comes back there. Here it came back only there."),
            Suspect("negative inputs leak", "(x > 0)", "np.where(x > 0, 1, 0.1)",
                    "That is a leaky ReLU's pullback: look at the negative inputs, exactly zero has to come back."),
            Suspect("everything passes", "dy * (x > 0)", "dy",
                    "The mask is missing. What came back equals what was sent, even where the output was cut to zero."),
            Suspect("the output stands in for the mask", "(x > 0)", "np.maximum(x, 0)",
                    "The slope is 1 where x is positive, however large x is. Here it was x."),
            Suspect("the mask is taken of the gradient", "x > 0", "dy > 0",
                    "Whether something passes is decided by the input going forward. Send a negative gradient to a positive x."),
        ),
    ),
    Operation(
        leaky_relu, 1, "y = x where x > 0, else 0.1 x", lambda x: F.leaky_relu(x, 0.1), matrix,
        (
            Suspect("the negative side is dead", "1, 0.1", "1, 0",
                    "That is a plain ReLU's pullback. Below zero a tenth must come back."),
            Suspect("the sides are exchanged", "1, 0.1", "0.1, 1",
                    "The whole gradient belongs to the positive inputs, a tenth to the negative ones."),
            Suspect("the negative side has the wrong sign", "1, 0.1", "1, -0.1",
                    "The line 0.1 x rises on both sides of zero."),
            Suspect("everything passes", "dy * np.where(x > 0, 1, 0.1)", "dy",
                    "What came back equals what was sent; a tenth was due at the negative inputs."),
            Suspect("the gradient from above is ignored", "dy * np.where", "np.where", IGNORED),
        ),
    ),
    Operation(
        mean_square, 1, "loss = mean of (x - target)²", lambda x, target: F.mse_loss(x, target),
        lambda rng: (halves(rng, 2, 3), halves(rng, 2, 3)),
        (
            Suspect("the factor 2 is missing", "dloss * 2", "dloss",
                    "The square brings a 2 down. Of 2 (x - target) / 6 only half came back."),
            Suspect("it is a sum, not a mean", " / d.size", "",
                    "A mean over 6 elements gives each of them a sixth of the slope."),
            Suspect("it is averaged over the rows only", "d.size", "len(d)",
                    "There are 2 rows, but the mean runs over all 6 elements."),
            Suspect("the sign is wrong for both", "dx = dloss", "dx = -dloss",
                    "Where x is above its target, more x means more loss: positive there."),
            Suspect("the target gets the same sign", "dx, -dx", "dx, dx",
                    "Raising x and raising the target by the same amount changes nothing, so the two must cancel."),
            Suspect("the gradient from above is ignored", "dloss * 2", "2",
                    "Send 2 in place of 1: everything that comes back must double."),
        ),
    ),
]  # fmt: skip
