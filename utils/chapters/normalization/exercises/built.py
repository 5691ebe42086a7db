"""The exercises of chapter 04 whose answer is a function."""

import numpy as np

from utils.chapters.normalization.exercises.hidden_bug import HiddenBug
from utils.exercises.checkers import Function, Gradient
from utils.exercises.engine import Edit, Exercise
from utils.exercises.lazy import torch


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


def within_itself(x):
    y, _ = rms_norm(x)
    inv_rms = 1 / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5)
    return y, lambda dy: inv_rms * (dy - y * (dy * y))


def layer_norm_instead(x):
    y, back = rms_norm(x - x.mean(-1, keepdims=True))
    return y, lambda dy: back(dy) - back(dy).mean(-1, keepdims=True)


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


def weight_not_scaled(weight, bias, gamma, beta, mean, var, eps):
    return weight, fold(weight, bias, gamma, beta, mean, var, eps)[1]


def gamma_forgotten(weight, bias, gamma, beta, mean, var, eps):
    return fold(weight, bias, np.ones_like(gamma), beta, mean, var, eps)


def beta_forgotten(weight, bias, gamma, beta, mean, var, eps):
    return fold(weight, bias, gamma, 0 * beta, mean, var, eps)


def multiplied_by_root(weight, bias, gamma, beta, mean, var, eps):
    scale = gamma * np.sqrt(var + eps)
    return scale[:, None] * weight, scale * (bias - mean) + beta


def mean_turned_round(weight, bias, gamma, beta, mean, var, eps):
    return fold(weight, bias, gamma, beta, -mean, var, eps)


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


def keep_the_new_alone(mean, var, batch, momentum):
    return keep_statistics(mean, var, batch, 1.0)


def keep_and_add(mean, var, batch, momentum):
    return mean + momentum * batch.mean(0), var + momentum * batch.var(0, ddof=1)


def keep_over_channels(mean, var, batch, momentum):
    return (1 - momentum) * mean + momentum * batch.mean(), (1 - momentum) * var + momentum * batch.var(
        ddof=1
    )


def keep_corrected_backwards(mean, var, batch, momentum):
    smaller = (len(batch) - 1) / len(batch) * batch.var(0)
    return keep_statistics(mean, var, batch, momentum)[0], (1 - momentum) * var + momentum * smaller


def keep_around_the_old_mean(mean, var, batch, momentum):
    around = ((batch - mean) ** 2).sum(0) / (len(batch) - 1)
    return keep_statistics(mean, var, batch, momentum)[0], (1 - momentum) * var + momentum * around


def hiding(x_hat, weight, rng):
    g = rng.normal(size=x_hat.shape)
    g = g - x_hat * (g * x_hat).mean(-1, keepdims=True)
    return g / weight


def random(seed, *shapes):
    rng = np.random.default_rng(seed)
    return tuple(rng.normal(size=shape) for shape in shapes)


def a_layer(seed, units, inputs):
    """Weights, bias, gamma, beta, running mean and variance, and an eps that shows."""
    weight, bias, gamma, beta, mean, var = random(
        seed, (units, inputs), (units,), (units,), (units,), (units,), (units,)
    )
    return weight, bias, gamma, beta, mean, var**2 + 0.1, 0.1


BUILT = [
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
                with_a_sum: "The value holds a mean of squares. Does the path through it hold a sum?",
                over_everything: "Each row is divided by its own number. Over what does your average run?",
                within_itself: "Whom does the number that divides depend on, in a row?",
                layer_norm_instead: "That is layer norm. What is left out here?",
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
            "mean and var do not depend on x. A straight line for each channel is left.",
            "x has shape (batch, channels); weight and bias are shared by the batch, so their gradients are sums over it.",
        ),
        solution=evaluate,
        wrong=(
            Edit("dy * weight * inv_std", "dy * inv_std"),
            Edit("dy * weight * inv_std", "dy * weight"),
            Edit("(dy * x_hat).sum(0)", "(dy * x).sum(0)"),
            Edit("(dy * x_hat).sum(0)", "dy * x_hat", "missing sum"),
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
                without_root: "By what does (4.12) divide, by the variance?",
                bias_not_scaled: "Sort (4.12) again: does it leave the bias of the layer as it is?",
                mean_forgotten: "Where has the running mean gone? It shifts every output",
                beta_inside: "When is beta added, before the scaling or after it?",
                bias_forgotten: "The bias of the linear layer is missing",
                weight_not_scaled: "Sort (4.12) again: does it leave the weights of the layer as they are?",
                gamma_forgotten: "Where has gamma gone?",
                beta_forgotten: "Where has beta gone?",
                multiplied_by_root: "Does (4.12) multiply by the standard deviation?",
                mean_turned_round: "Which sign has the running mean in (4.12)?",
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
                keep_biased: "Which of the two variances of the batch does (4.11) take?",
                keep_the_other_way: "Two shares are exchanged. Whose is `momentum` in PyTorch?",
                keep_both: "Two things: whose share is `momentum` in PyTorch, and which variance of the batch does (4.11) take?",
                keep_deviation: "The variance is kept, not the standard deviation",
                keep_the_new_alone: "What becomes of the old ones?",
                keep_and_add: "Two shares make a whole. What does the old one lose?",
                keep_over_channels: "Do the channels mix? Along which axis does the batch run?",
                keep_corrected_backwards: "Is the variance of a batch too large on average, or too small?",
                keep_around_the_old_mean: "From which mean are the distances taken in (4.11)?",
            },
        ),
        hints=(
            "Equation (4.11), once for the mean and once for the variance.",
            "`batch.var(0, ddof=1)` divides by m - 1.",
        ),
        solution=keep_statistics,
    ),
    Exercise(
        "04.11",
        "Build: a gradient that hides a bug",
        HiddenBug(),
        hints=(
            "Let g be what reaches `x_hat`, that is `weight * dy`. The two pullbacks differ by the variance path alone: when is that zero?",
            "It is zero where the mean of g times x_hat is, in every row. Take any g, and subtract the multiple of x_hat that is in it; the mean of x_hat squared is 1.",
            "Then go back from g to `dy`.",
        ),
        solution=hiding,
        wrong=(
            Edit("return g / weight", "return g", "is it `dy` that reaches"),
            Edit(".mean(-1, keepdims=True)", ".mean()", "each row has its own"),
            Edit("rng.normal(size=x_hat.shape)", "np.ones(x_hat.shape)", "nothing arrives"),
            Edit("return g / weight", "return np.ones(x_hat.shape)", "these weights differ"),
            Edit("return g / weight", "return 0 * g", "zero"),
            Edit("g - x_hat *", "g + x_hat *", "the variance path carries"),
            Edit("return g / weight", "return x_hat / weight", "the variance path carries"),
        ),
        after="A gradient that is drawn at random shows the bug at once; one that is chosen need not. `crosscheck` draws its own.",
    ),
]
