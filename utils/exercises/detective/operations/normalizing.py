"""Level 3: softmax and its relatives, norms, means; every element acts on its neighbours, and the suspects forget it."""

import numpy as np

from utils.exercises.detective.suspects import Operation, Suspect, halves
from utils.exercises.lazy import F, torch


def centre(x):
    def pullback(dy):
        return dy - dy.mean(-1, keepdims=True)

    return x - x.mean(-1, keepdims=True), pullback


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    p = e / e.sum(-1, keepdims=True)

    def pullback(dp):
        wanted = (dp * p).sum(-1, keepdims=True)
        return p * (dp - wanted)

    return p, pullback


def log_softmax(x):
    shifted = x - x.max(-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))

    def pullback(dy):
        total = dy.sum(-1, keepdims=True)
        return dy - np.exp(log_p) * total

    return log_p, pullback


def cross_entropy(logits, target):
    n = len(logits)
    e = np.exp(logits - logits.max(1, keepdims=True))
    p = e / e.sum(1, keepdims=True)
    rows = np.arange(n)

    def pullback(dloss):
        dlogits = p.copy()
        dlogits[rows, target] -= 1
        return dlogits * dloss / n, None

    return -np.log(p[rows, target]).mean(), pullback


def layer_norm(x, weight):
    centred = x - x.mean(-1, keepdims=True)
    inv_std = 1 / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    x_hat = centred * inv_std

    def pullback(dy):
        g = dy * weight
        mean_path = g.mean(-1, keepdims=True)
        variance_path = x_hat * (g * x_hat).mean(-1, keepdims=True)
        dx = inv_std * (g - mean_path - variance_path)
        return dx, (dy * x_hat).sum(0)

    return x_hat * weight, pullback


def rms_norm(x):
    inv_rms = 1 / np.sqrt((x**2).mean(-1, keepdims=True))
    y = x * inv_rms

    def pullback(dy):
        size_path = y * (dy * y).mean(-1, keepdims=True)
        return inv_rms * (dy - size_path)

    return y, pullback


def unit_length(x):
    length = np.sqrt((x**2).sum(-1, keepdims=True))
    y = x / length

    def pullback(dy):
        along = (dy * y).sum(-1, keepdims=True)
        return (dy - y * along) / length

    return y, pullback


OPERATIONS = [
    Operation(
        centre, 3, "y = x minus the mean of its row", lambda x: x - x.mean(-1, keepdim=True),
        lambda rng: (halves(rng, 2, 3),),
        (
            Suspect("the path through the mean is missing", "dy - dy.mean(-1, keepdims=True)", "dy",
                    "Raising one element raises the mean that is taken from all of its row. Send ones: zero must come back, "
                    "because shifting a whole row changes nothing."),
            Suspect("the path through the mean is a sum", "dy.mean", "dy.sum",
                    "Each element is a third of the mean, not the whole of it."),
            Suspect("the path through the mean has the wrong sign", "dy - dy", "dy + dy",
                    "The mean is subtracted. With ones 2 came back, and it should be zero."),
            Suspect("the mean is taken over the columns", "mean(-1,", "mean(0,",
                    "Send a one: its neighbours in the row must answer, not the elements below it."),
            Suspect("the mean is taken over everything", "mean(-1, keepdims=True)", "mean()",
                    "The rows never meet. Send a one in one row, and the other row must stay at zero."),
        ),
    ),
    Operation(
        softmax, 3, "p = softmax(x) along each row", lambda x: torch.softmax(x, -1),
        lambda rng: (halves(rng, 2, 3),),
        (
            Suspect("only the diagonal of the Jacobian is there", "p * (dp - wanted)", "p * (1 - p) * dp",
                    "A unit vector is right in its own place, but the others of the row must pay, and got zero."),
            Suspect("the path through the total is missing", "dp - wanted", "dp",
                    "Send ones: asking every share for the same moves nobody, so zero must come back. p came back."),
            Suspect("the path through the total is a plain mean", "(dp * p).sum", "dp.mean",
                    "What is subtracted is the mean weighted by the shares. With ones both are the same: ones are blind here."),
            Suspect("the total is taken over the columns", "sum(-1,", "sum(0,",
                    "The shares of a row add up to one, so it is the row that shares the cost."),
            Suspect("the leading factor p is missing", "p * (dp - wanted)", "dp - wanted",
                    "A small share moves little. Without p, small and large shares answered alike."),
            Suspect("the path through the total has the wrong sign", "dp - wanted", "dp + wanted",
                    "When one share grows the others shrink: in a unit vector's answer the others are negative."),
        ),
    ),
    Operation(
        log_softmax, 3, "y = log softmax(x) along each row", lambda x: torch.log_softmax(x, -1),
        lambda rng: (halves(rng, 2, 3),),
        (
            Suspect("the path through the total is missing", "dy - np.exp(log_p) * total", "dy",
                    "log pᵢ = xᵢ - log(total), and every x is in the total. With ones 1 - 3p must come back."),
            Suspect("the total counts only itself", "* total", "* dy",
                    "A unit vector must lower the others of its row by their share; here they stayed at zero."),
            Suspect("the shares are missing", "np.exp(log_p) * total", "total",
                    "What everybody pays is divided by the shares p. Here everybody paid the whole."),
            Suspect("the total is weighted by the shares", "dy.sum", "(np.exp(log_p) * dy).sum",
                    "That weight belongs to softmax. For the logarithm of it the gradients are summed as they are."),
            Suspect("the path through the total has the wrong sign", "dy - np", "dy + np",
                    "Raising one score lowers the others' log shares. Theirs came back positive."),
            Suspect("the total is taken over the columns", "sum(-1,", "sum(0,",
                    "Shares are shared out within a row."),
        ),
    ),
    Operation(
        cross_entropy, 3, "loss = mean of -log softmax(logits)[target]", lambda x, target: F.cross_entropy(x, target),
        lambda rng: (halves(rng, 2, 3), rng.choice(3, size=2, replace=False)),
        (
            Suspect("the target is not subtracted", "dlogits[rows, target] -= 1", "pass",
                    "p alone came back. The right class must be pushed up, so its entry is negative: p - 1."),
            Suspect("it is the target minus p", "dlogits * dloss", "-dlogits * dloss",
                    "More score for a wrong class means more loss: positive there, negative at the target."),
            Suspect("it is not averaged over the rows", " / n", "",
                    "The loss is a mean over 2 rows, so each row gets half. The entries of a row still add up to zero."),
            Suspect("it is averaged over all elements", "/ n", "/ p.size",
                    "The mean runs over 2 examples, not over 6 scores."),
            Suspect("the target is off by one class", "[rows, target]", "[rows, target - 1]",
                    "The 1 was subtracted at the class before the right one; the negative entries stand in the wrong places."),
            Suspect("the gradient from above is ignored", "dlogits * dloss", "dlogits",
                    "Send 2 in place of 1: everything that comes back must double."),
        ),
    ),
    Operation(
        layer_norm, 3, "y = w ⊙ (x - mean) / standard deviation, along each row",
        lambda x, weight: F.layer_norm(x, x.shape[-1:], weight), lambda rng: (halves(rng, 2, 4), halves(rng, 4)),
        (
            Suspect("the path through the mean is missing", "g - mean_path", "g",
                    "Each row that comes back must add up to zero, since shifting a row changes nothing. These did not."),
            Suspect("the path through the variance is missing", " - variance_path", "",
                    "Stretching a row changes nothing, so what comes back has no part along x. The rows add up to zero, "
                    "but their product with x does not vanish."),
            Suspect("both paths are missing", "(g - mean_path - variance_path)", "g",
                    "A unit vector moved one element only, but it moves the mean and the spread of its whole row."),
            Suspect("the gain is forgotten on the way to x", "g = dy * weight", "g = dy",
                    "dy is multiplied by w before anything else. Unit vectors in different columns show their w."),
            Suspect("it is not divided by the standard deviation", "dx = inv_std *", "dx = 1.0 *",
                    "The direction is right, the size is not, and differently so in each row. Ask finite differences."),
            Suspect("the gain's gradient uses x unnormalised", "dy * x_hat).sum", "dy * x).sum",
                    "w multiplies the normalised x. A unit vector brings back x itself, and it should be x_hat."),
        ),
    ),
    Operation(
        rms_norm, 3, "y = x / root of the mean of x², along each row",
        lambda x: x / (x**2).mean(-1, keepdim=True).sqrt(), lambda rng: (halves(rng, 2, 3),),
        (
            Suspect("the path through the size is missing", "dy - size_path", "dy",
                    "Raising one element enlarges what its whole row is divided by. A unit vector must move its neighbours."),
            Suspect("the path through the size is a sum", "(dy * y).mean", "(dy * y).sum",
                    "The root is taken of a mean, so the path carries a mean, a third of this."),
            Suspect("a mean is subtracted as well", "dy - size_path", "dy - dy.mean(-1, keepdims=True) - size_path",
                    "That is layer norm's pullback. Here x is not centred: rows that come back need not add up to zero."),
            Suspect("it is not divided by the size", "inv_rms * (", "1.0 * (",
                    "The direction is right, the size is not, and each row has its own factor."),
            Suspect("the path through the size has the wrong sign", "dy - size_path", "dy + size_path",
                    "A larger element makes the whole row smaller."),
        ),
    ),
    Operation(
        unit_length, 3, "y = x / length of x, along each row", lambda x: F.normalize(x, dim=-1),
        lambda rng: (halves(rng, 2, 3),),
        (
            Suspect("the path through the length is missing", "(dy - y * along)", "dy",
                    "Raising one element makes the row longer, and all its elements are divided by that length."),
            Suspect("it is not divided by the length", "(dy - y * along) / length", "dy - y * along",
                    "A long row turns less when it is pushed: divide by its length."),
            Suspect("it is divided by the length squared", "/ length", "/ length**2",
                    "The direction is right. One division by the length is enough."),
            Suspect("x stands in for y in the path", "y * along", "length * y * along",
                    "What is taken away is the part along the direction y, which has length one."),
            Suspect("the path through the length has the wrong sign", "dy - y", "dy + y",
                    "Send y itself: moving along the row changes nothing but its length, so zero must come back."),
            Suspect("the rows are mixed", "sum(-1,", "sum(0,",
                    "Each row has its own length. A one in one row must leave the other at zero."),
        ),
    ),
]  # fmt: skip
