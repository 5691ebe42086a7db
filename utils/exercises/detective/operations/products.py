"""Level 2: matrix products, broadcasting and sums; the suspects transpose, forget to sum, or take the wrong path."""

import numpy as np

from utils.exercises.detective.suspects import Operation, Suspect, halves
from utils.exercises.lazy import F, torch


def linear(x, weight, bias):
    def pullback(dy):
        dx = dy @ weight
        dweight = dy.T @ x
        dbias = dy.sum(0)
        return dx, dweight, dbias

    return x @ weight.T + bias, pullback


def matrix_product(x, b):
    def pullback(dy):
        dx = dy @ b.T
        db = x.T @ dy
        return dx, db

    return x @ b, pullback


def gain(x, weight):
    def pullback(dy):
        dx = dy * weight
        dweight = (dy * x).sum(0)
        return dx, dweight

    return x * weight, pullback


def outer_product(x, b):
    def pullback(dy):
        dx = dy @ b
        db = x @ dy
        return dx, db

    return np.outer(x, b), pullback


def column_mean(x):
    rows = len(x)

    def pullback(dy):
        return np.ones((rows, 1)) * dy / rows

    return x.mean(0), pullback


def residual(x, weight):
    h = np.tanh(x @ weight)

    def pullback(dy):
        dz = dy * (1 - h**2)
        dx = dy + dz @ weight.T
        return dx, x.T @ dz

    return x + h, pullback


OPERATIONS = [
    Operation(
        linear, 2, "y = x Wᵀ + b", lambda x, weight, bias: F.linear(x, weight, bias),
        lambda rng: (halves(rng, 2, 3), halves(rng, 3, 3), halves(rng, 3)),
        (
            Suspect("x gets the transposed weight", "dy @ weight", "dy @ weight.T",
                    "Forward the weight was transposed, so backward it is not. Send a one in the first place of a row: "
                    "the first row of W must come back, and its first column came."),
            Suspect("the gradient of the weight is transposed", "dy.T @ x", "x.T @ dy",
                    "Entry (i, j) of W joins input j to output i. Send a one to output 0 alone: "
                    "only row 0 may be touched, and it was column 0."),
            Suspect("the gradient of the weight is averaged over the rows", "dy.T @ x", "dy.T @ x / len(x)",
                    "Each example adds its own share; an average, if there is one, is the loss's business."),
            Suspect("the gradient of the bias is averaged over the rows", "dy.sum(0)", "dy.mean(0)",
                    "The bias is added to every row, so every row's gradient adds up. With ones 2 must come back, not 1."),
            Suspect("the gradient of the bias is not summed", "dy.sum(0)", "dy",
                    "The bias has 3 numbers and its gradient must have 3. It was broadcast over the rows: sum over them."),
            Suspect("the weight is left out on the way to x", "dy @ weight", "dy",
                    "dy came back unchanged for x. It has to pass through the weight."),
        ),
    ),
    Operation(
        matrix_product, 2, "y = x B", lambda x, b: x @ b,
        lambda rng: (halves(rng, 2, 3), halves(rng, 3, 3)),
        (
            Suspect("x gets B untransposed", "dy @ b.T", "dy @ b",
                    "Send a one in place (0, 0). It was made from row 0 of x and column 0 of B, so column 0 must come back."),
            Suspect("the gradient of B is transposed", "x.T @ dy", "dy.T @ x",
                    "A one in place (0, 0) concerns column 0 of B only; here row 0 answered. B is square, so the shape is silent."),
            Suspect("the gradient of B is averaged over the rows", "x.T @ dy", "x.T @ dy / len(x)",
                    "Each row of x adds its share. With a one in a single row exactly that row of x must come back."),
            Suspect("x gets the wrong sign", "dy @ b.T", "-dy @ b.T",
                    "A unit vector must bring back a column of B as it is."),
            Suspect("B is left out on the way to x", "dy @ b.T", "dy",
                    "What you sent came back unchanged for x."),
        ),
    ),
    Operation(
        gain, 2, "y = x ⊙ w, w broadcast over the rows", lambda x, weight: x * weight,
        lambda rng: (halves(rng, 2, 3), halves(rng, 3)),
        (
            Suspect("the gradient of w is averaged over the rows", "(dy * x).sum(0)", "(dy * x).mean(0)",
                    "w was used once for each row, and uses add up."),
            Suspect("the gradient of w is not summed", "(dy * x).sum(0)", "dy * x",
                    "w has 3 numbers, its gradient came back with 6: the sum over the rows is missing."),
            Suspect("the gradient of w forgets x", "(dy * x).sum(0)", "dy.sum(0)",
                    "The slope of x w in w is x. Without it this would be a bias."),
            Suspect("x gets its own value in place of w", "dy * weight", "dy * x",
                    "The slope of x w in x is w: with ones, every row that comes back must be w."),
            Suspect("w is left out on the way to x", "dy * weight", "dy",
                    "What you sent came back unchanged for x; each column has to be scaled by its w."),
            Suspect("it is summed along the wrong axis", "sum(0)", "sum(1)",
                    "w runs along the columns and was copied down the rows: the rows are summed over."),
        ),
    ),
    Operation(
        outer_product, 2, "yᵢⱼ = xᵢ bⱼ", lambda x, b: torch.outer(x, b),
        lambda rng: (halves(rng, 2), halves(rng, 3)),
        (
            Suspect("x forgets b", "dy @ b", "dy.sum(1)",
                    "Raising x by one raises row i by b, so dy is weighted by b before it is summed."),
            Suspect("b forgets x", "x @ dy", "dy.sum(0)",
                    "Raising b by one raises column j by x, so dy is weighted by x before it is summed."),
            Suspect("x gets an average", "dy @ b", "dy @ b / len(b)",
                    "A sum over the 3 columns is due, not their mean. A unit vector shows a third of b's entry."),
            Suspect("b gets an average", "x @ dy", "x @ dy / len(x)",
                    "A sum over the 2 rows is due, not their mean. A unit vector shows half of x's entry."),
            Suspect("b has the wrong sign", "x @ dy", "-x @ dy",
                    "Where x is positive, raising b raises the product."),
        ),
    ),
    Operation(
        column_mean, 2, "y = mean of x over its rows", lambda x: x.mean(0), lambda rng: (halves(rng, 2, 3),),
        (
            Suspect("it is not divided", "* dy / rows", "* dy",
                    "One of 2 rows moves the mean by half as much."),
            Suspect("it is divided by the other length", "/ rows", "/ x.shape[1]",
                    "The mean runs over 2 rows. 3 is the number of columns."),
            Suspect("only the first row gets it", "np.ones((rows, 1))", "np.eye(rows)[:, :1]",
                    "Both rows have the same part in the mean, so both rows must get the same."),
            Suspect("the gradient from above is averaged too", "* dy /", "* dy.mean() /",
                    "The columns never meet in this operation. Send a one to one column: the others must stay at zero."),
            Suspect("the sign is wrong", "* dy", "* -dy",
                    "Raising an element raises the mean."),
        ),
    ),
    Operation(
        residual, 2, "y = x + tanh(x W)", lambda x, weight: x + torch.tanh(x @ weight),
        lambda rng: (halves(rng, 2, 2), halves(rng, 2, 2) / 2),
        (
            Suspect("the direct path is lost", "dy + dz @ weight.T", "dz @ weight.T",
                    "x is added to the output as it is, so dy itself is one part of what comes back."),
            Suspect("the branch is lost", "dy + dz @ weight.T", "dy",
                    "x also acts through tanh(x W). dy came back for x as if that branch were not there."),
            Suspect("the direct path is counted twice", "dy + dz", "2 * dy + dz",
                    "There is one direct path. What came back is too large by exactly what you sent."),
            Suspect("the branch's weight is not transposed", "weight.T", "weight",
                    "Forward x W, backward dz Wᵀ. W is square, so the shape is silent; a unit vector is not."),
            Suspect("the slope of tanh is missing", "dy * (1 - h**2)", "dy",
                    "Between y and x W lies a tanh, whose slope is below 1. Both gradients came back too large."),
        ),
    ),
]  # fmt: skip
