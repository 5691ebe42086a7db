"""Exercises and predictions of chapter 04, normalization."""

import numpy as np

from utils.exercises.checkers import Choice, Function, Gradient, Ordering, Values
from utils.exercises.engine import Edit, Exercise
from utils.exercises.lazy import torch
from utils.exercises.quizzes import Quiz

QUIZZES = [
    Quiz(
        "04.a",
        ["4", "20", "30", "120"],
        right="b",
        ask="How many of the 4 x 6 x 5 numbers share a mean with one of them, in batch norm?",
        traps={
            "a": "Positions count too",
            "c": "That is one example with all its channels: layer norm",
        },
        why="One channel, with all its examples and positions: 4 times 5. The six channels are kept apart.",
    ),
    Quiz(
        "04.b",
        ["the numbers next to it in its row", "all numbers of its group", "only itself"],
        right="b",
        ask="Which inputs can move one normalized output?",
        traps={"c": "The mean is made of all numbers of the group, and it is subtracted from each"},
        why="Every number of the group acts on the mean and on the standard deviation, and through them on every output of the group. Outside the group nothing does.",
    ),
    Quiz(
        "04.c",
        ["a third of it", "more than a third", "less than a third"],
        right="c",
        ask="The first output is asked to grow, by 1. The direct path carries 1/3 back to the first input. What arrives in the end?",
        why="Raising the first input also moves the mean towards it (which costs 1/12), and it changes the spread by which we divide (another 1/12). 1/6 is left.",
    ),
    Quiz(
        "04.d",
        ["yes, always", "only with equal weights (gamma)", "never"],
        right="b",
        ask="The variance path is missing, and ones come from above. Does a check with finite differences pass?",
        why="With equal weights the gradient at x_hat is constant, its product with x_hat averages to zero, and so the missing path carries nothing. With different weights it would be noticed. A random gradient notices it in both cases.",
    ),
    Quiz(
        "04.e",
        ["its gradient is exactly zero", "its gradient is small, not zero", "it learns as usual"],
        right="a",
        ask="What happens to a bias that is added before batch norm?",
        why="It shifts all examples of its channel alike, and their mean takes it away again. No loss can depend on it.",
    ),
    Quiz(
        "04.f",
        ["half", "a quarter", "it stays"],
        right="a",
        ask="The batch becomes four times larger. What becomes of the spread of the batch mean?",
        why="The mean of m independent numbers spreads like sigma / sqrt(m): four times as many, half the spread.",
    ),
    Quiz(
        "04.g",
        ["100 times larger", "as large as before", "100 times smaller", "10 times smaller"],
        right="c",
        ask="The weights in front of batch norm are 10 times larger. How large is one step of gradient descent, compared with the weights?",
        traps={"d": "That is the gradient; the weights are larger too"},
        why="The gradient is 10 times smaller, and it is measured against weights 10 times larger: 1/100.",
    ),
    Quiz(
        "04.h",
        ["none", "batch norm only", "layer norm only", "all three normalizations"],
        right="b",
        ask="Ten layers of sigmoids: what makes them learn?",
        traps={"d": "All three set the size of every layer. It was not the size that died in chapter 01"},
        why="What dies with depth is the difference between examples. Batch norm subtracts what all examples have in common, and divides by what is left: it makes that difference large again in every layer. Layer and group norm never compare two examples.",
    ),
    Quiz(
        "04.i",
        ["hardly", "by more than ten points in the worst run"],
        right="b",
        ask="One step with three examples at the end of each epoch: does the accuracy after the epoch suffer?",
        why="Nine layers divide by a standard deviation that was measured on three examples. That one step is enough to spoil much of what 42 steps had learned, and the running statistics with it.",
    ),
]


def rms_norm(x):
    inv_rms = 1 / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5)
    y = x * inv_rms

    def pullback(dy):
        return inv_rms * (dy - y * (dy * y).mean(-1, keepdims=True))

    return y, pullback


def with_a_mean_path(x):
    y, pullback = rms_norm(x)
    inv_rms = 1 / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5)
    return y, lambda dy: pullback(dy) - inv_rms * dy.mean(-1, keepdims=True)


def with_a_sum(x):
    y, _ = rms_norm(x)
    inv_rms = 1 / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5)
    return y, lambda dy: inv_rms * (dy - y * (dy * y).sum(-1, keepdims=True))


def over_everything(x):
    y, _ = rms_norm(x)
    inv_rms = 1 / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5)
    return y, lambda dy: inv_rms * (dy - y * (dy * y).mean())


def evaluate(x, weight, bias, *, mean, var):
    inv_std = 1 / np.sqrt(var + 1e-5)
    x_hat = (x - mean) * inv_std

    def pullback(dy):
        return dy * weight * inv_std, (dy * x_hat).sum(0), dy.sum(0)

    return x_hat * weight + bias, pullback


def as_in_training(x, weight, bias, *, mean, var):
    y, pullback = evaluate(x, weight, bias, mean=mean, var=var)
    inv_std = 1 / np.sqrt(var + 1e-5)
    x_hat = (x - mean) * inv_std

    def backward(dy):
        _, dweight, dbias = pullback(dy)
        g = dy * weight
        return inv_std * (g - g.mean(0) - x_hat * (g * x_hat).mean(0)), dweight, dbias

    return y, backward


def fold(weight, bias, gamma, beta, mean, var, eps):
    scale = gamma / np.sqrt(var + eps)
    return scale[:, None] * weight, scale * (bias - mean) + beta


def without_root(weight, bias, gamma, beta, mean, var, eps):
    scale = gamma / (var + eps)
    return scale[:, None] * weight, scale * (bias - mean) + beta


def bias_not_scaled(weight, bias, gamma, beta, mean, var, eps):
    scale = gamma / np.sqrt(var + eps)
    return scale[:, None] * weight, bias - scale * mean + beta


def mean_forgotten(weight, bias, gamma, beta, mean, var, eps):
    scale = gamma / np.sqrt(var + eps)
    return scale[:, None] * weight, scale * bias + beta


def beta_inside(weight, bias, gamma, beta, mean, var, eps):
    scale = gamma / np.sqrt(var + eps)
    return scale[:, None] * weight, scale * (bias - mean + beta)


def bias_forgotten(weight, bias, gamma, beta, mean, var, eps):
    return fold(weight, 0 * bias, gamma, beta, mean, var, eps)


def eps_forgotten(weight, bias, gamma, beta, mean, var, eps):
    return fold(weight, bias, gamma, beta, mean, var, 0.0)


def keep_statistics(mean, var, batch, momentum):
    new_mean = (1 - momentum) * mean + momentum * batch.mean(0)
    new_var = (1 - momentum) * var + momentum * batch.var(0, ddof=1)
    return new_mean, new_var


def keep_biased(mean, var, batch, momentum):
    return keep_statistics(mean, var, batch, momentum)[0], (1 - momentum) * var + momentum * batch.var(0)


def keep_the_other_way(mean, var, batch, momentum):
    return keep_statistics(mean, var, batch, 1 - momentum)


def keep_both(mean, var, batch, momentum):
    return keep_biased(mean, var, batch, 1 - momentum)


def keep_deviation(mean, var, batch, momentum):
    return keep_statistics(mean, var, batch, momentum)[0], (1 - momentum) * var + momentum * batch.std(
        0, ddof=1
    )


def random(seed, *shapes):
    rng = np.random.default_rng(seed)
    return tuple(rng.normal(size=shape) for shape in shapes)


def a_layer(seed, units, inputs):
    """Weights, bias, gamma, beta, running mean and variance, and an eps that shows."""
    weight, bias, gamma, beta, mean, var = random(
        seed, (units, inputs), (units,), (units,), (units,), (units,), (units,)
    )
    return weight, bias, gamma, beta, mean, var**2 + 0.1, 0.1


EXERCISES = [
    Exercise(
        "04.1",
        "How many share a mean?",
        Values(
            {"batch": 200, "layer": 150, "instance": 25, "three_groups": 50},
            traps={
                "batch": {
                    8: "Those are the examples; the positions of an image count too",
                    150: "That is layer norm: one example with all its channels",
                    1200: "That is the whole tensor; each channel is kept for itself",
                    48: "The channels are kept apart, and the positions are not",
                },
                "layer": {
                    6: "That is one position; here layer norm takes all channels and positions of an example",
                    25: "That is one channel of one example: instance norm",
                    200: "That is batch norm: one channel of all examples",
                },
                "instance": {
                    200: "That is a channel over the whole batch; an instance is one example",
                    1: "One number would be its own mean; the positions are averaged",
                },
                "three_groups": {
                    75: "Six channels in three groups are two channels a group, not three",
                    2: "Those are the channels of a group; each has 25 positions",
                },
            },
        ),
        hints=(
            "Axes: 8 examples, 6 channels, 5 times 5 positions. Cross out those along which a group does not extend, multiply the rest.",
            "Batch norm extends over examples and positions; the other three stay within one example.",
        ),
        solution='{"batch": 8 * 25, "layer": 6 * 25, "instance": 25, "three_groups": 2 * 25}',
    ),
    Exercise(
        "04.2",
        "One gradient by hand",
        Values(
            1 / 54,
            traps={
                1 / 3: "That is the direct path alone: mean and standard deviation move too",
                0.25: "The direct path and the mean; the variance is still missing",
                11 / 108: "The direct path and the variance; the mean is still missing",
                1 / 18: "Not yet divided by the standard deviation, 3",
                1 / 27: "A factor 2 too many",
                -25 / 27: "Both are averages: divide the sums by 4",
                -1 / 54: "The sign: raising the largest number still raises its output a little",
            },
            rtol=5e-3,
        ),
        hints=(
            "Use (4.8) with g = (0, 0, 0, 1). Two averages of four numbers.",
            "mean(g) = 1/4, mean(g x_hat) = (5/3) / 4 = 5/12, and x_hat of the last number is 5/3.",
        ),
        solution="(1 - 1 / 4 - 5 / 3 * 5 / 12) / 3",
        after="The largest of four numbers, far from the rest: nearly all of a push at it is taken back by the mean and by the spread.",
    ),
    Exercise(
        "04.3",
        "In which order?",
        Ordering(
            ("dx_hat", "dvar", "dcentred", "dx"),
            traps={
                ("dx_hat", "dvar"): "The variance acts through x_hat, so `dvar` needs `dx_hat`",
                (
                    "dvar",
                    "dcentred",
                ): "The centred numbers act on x_hat and on the variance: both must be known before `dcentred`",
                (
                    "dcentred",
                    "dx",
                ): "`dx` is `dcentred` minus its average; it comes last",
            },
        ),
        hints=("Backward is forward in the opposite order: x, centred, variance, x_hat.",),
        solution='["dx_hat", "dvar", "dcentred", "dx"]',
    ),
    Exercise(
        "04.4",
        "Without the mean: RMS norm",
        Gradient(
            lambda x: x / torch.sqrt((x**2).mean(-1, keepdim=True) + 1e-5),
            [random(1, (3, 5)), random(2, (1, 2))],
            explain={
                "named factor": "Every output depends on all inputs, through the root of the mean square",
                "direct": "Every output depends on all inputs, through the root of the mean square",
            },
            traps={
                with_a_mean_path: "No mean is subtracted here, so no path leads through it",
                with_a_sum: "The path through the root mean square holds a mean, as the value does: divide the sum",
                over_everything: "Each row is divided by its own number; average along the last axis only",
            },
        ),
        hints=(
            "Two paths: x itself, and the number by which it is divided.",
            "It is (4.8) without the mean path, and with y in the place of x_hat.",
        ),
        solution=rms_norm,
        wrong=(
            Edit("inv_rms * (dy - y * (dy * y).mean(-1, keepdims=True))", "inv_rms * dy"),
            Edit("dy - y * (dy", "dy + y * (dy"),
            Edit("(dy * y).mean", "(dy * y).sum"),
            Edit("(dy * y).mean", "(dy * x).mean"),
        ),
        after="RMS norm (Zhang & Sennrich 2019) is what several large language models use in the place of layer norm.",
    ),
    Exercise(
        "04.5",
        "Batch norm in evaluation",
        Gradient(
            lambda x, weight, bias, mean, var: (x - mean) / torch.sqrt(var + 1e-5) * weight + bias,
            random(3, (6, 3), (3,), (3,)),
            names=("x", "weight", "bias"),
            options={"mean": np.array([0.5, -1.0, 2.0]), "var": np.array([0.3, 1.0, 4.0])},
            traps={
                as_in_training: "That is the pullback of training. Here mean and variance are given numbers: x does not move them",
            },
        ),
        hints=(
            "mean and var do not depend on x. What is left is a straight line for each channel.",
            "x has shape (batch, channels); weight and bias are shared by the batch, so their gradients are sums over it.",
        ),
        solution=evaluate,
        wrong=(
            Edit("dy * weight * inv_std", "dy * inv_std"),
            Edit("dy * weight * inv_std", "dy * weight"),
            Edit("(dy * x_hat).sum(0)", "(dy * x).sum(0)"),
            Edit(", dy.sum(0)", ", dy.mean(0)"),
        ),
    ),
    Exercise(
        "04.6",
        "Fold it away",
        Function(
            fold,
            cases=[a_layer(4, 1, 2), a_layer(5, 3, 2)],
            traps={
                without_root: "Divided by the variance; (4.12) divides by its root",
                bias_not_scaled: "The bias is normalized along with the rest, so it is scaled too",
                mean_forgotten: "The running mean is subtracted before scaling; it must appear in the new bias",
                beta_inside: "beta is added after the scaling; only the layer's bias and the mean are scaled",
                bias_forgotten: "The bias of the linear layer is missing",
                eps_forgotten: "eps belongs to the variance, here too",
            },
        ),
        hints=(
            "Write (4.12) with z = W x + b, and sort: what multiplies x, what does not?",
            "One factor a unit, gamma / sqrt(var + eps); it multiplies the rows of weight.",
        ),
        solution=fold,
        after="Deployed networks do this: batch norm then costs nothing at all.",
    ),
    Exercise(
        "04.7",
        "Keep the statistics",
        Function(
            keep_statistics,
            cases=[
                (np.zeros(1), np.ones(1), np.array([[1.0], [3.0]]), 0.1),
                (np.array([1.0, -1.0]), np.array([2.0, 0.5]), *random(6, (5, 2)), 0.3),
            ],
            traps={
                keep_biased: "The running variance takes the unbiased variance of the batch, with m - 1",
                keep_the_other_way: "In PyTorch momentum is the share of the *new* batch",
                keep_both: "Two things: momentum is the share of the *new* batch, and the variance takes m - 1",
                keep_deviation: "What is kept is the variance, not the standard deviation",
            },
        ),
        hints=(
            "Equation (4.11), once for the mean and once for the variance.",
            "`batch.var(0, ddof=1)` divides by m - 1.",
        ),
        solution=keep_statistics,
    ),
    Exercise(
        "04.8",
        "Undo it",
        Values(
            {"gamma": 10**0.5, "beta": 4.0},
            traps={
                "gamma": {
                    3.0: "Nearly. The division was by the root of the variance plus eps",
                    10.0: "The root is missing",
                    4.0: "3 + 1? eps stands inside the root",
                    10**-0.5: "That divides once more; it must be undone",
                },
                "beta": {-4.0: "The mean was subtracted; add it again", 0.0: "The mean has to come back"},
            },
        ),
        hints=("Solve gamma (x - 4) / sqrt(9 + 1) + beta = x for all x.",),
        solution='{"gamma": 10**0.5, "beta": 4.0}',
        after="Some notes say gamma = sqrt(Var). With eps that is not exact; for small variances the difference is large.",
    ),
    Exercise(
        "04.9",
        "Five times larger",
        Values(
            {"gradient": 0.4, "relative_step": 0.004},
            traps={
                "gradient": {
                    10.0: "The gradient shrinks when the weights grow, (4.15)",
                    2.0: "The output stays, the gradient of the weights does not: (4.15)",
                    0.08: "1/a squared holds for the step relative to the weights",
                },
                "relative_step": {
                    0.1: "That would be without any change",
                    0.02: "The gradient is a fifth, and the weights are five times longer",
                    0.5: "It becomes smaller, not larger",
                },
            },
        ),
        hints=("(4.15) and (4.16) with a = 5.",),
        solution='{"gradient": 2.0 / 5, "relative_step": 0.1 / 25}',
        after="To move these weights as fast as before, the learning rate would have to be 25 times larger.",
    ),
    Exercise(
        "04.10",
        "Find the bug",
        Choice(
            {
                "a": "the line of dweight",
                "b": "the line of dx_hat",
                "c": "the line of mean_path",
                "d": "the line of variance_path",
                "e": "the line of dx",
            },
            right="d",
            traps={
                "a": "`dweight` is right: gamma is shared by the rows, so its gradient is a sum over them",
                "b": "`dx_hat` is right: (4.4)",
                "c": "`mean_path` is right: each row has its own mean",
                "e": "That line is right, if what it adds up is",
            },
        ),
        hints=(
            "The function normalizes the rows. Along which axis must each average go?",
            "Only one of the two averages goes along the rows.",
        ),
        solution='"d"',
        after="Nothing complains, for `keepdims` lets the wrong average broadcast. But the rows mix, which layer norm must never do.",
    ),
]
