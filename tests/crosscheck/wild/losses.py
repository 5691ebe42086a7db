"""Losses, regularisers and what feeds them: pullbacks as people got them wrong."""

import numpy as np
import torch
import torch.nn.functional as F

from tests.crosscheck.wild.table import family, normal, sigmoid, softmax, softmax_back


def classifier(x, w, b, target, *, bug=None):
    """Softmax regression: the mean cross-entropy of x w + b."""
    logits = x @ w + b
    p = softmax(logits)
    n = len(x)
    chosen = np.arange(n), target

    def pullback(dloss):
        d = p.copy()
        if bug == "one column later":
            d[np.arange(n), (target + 1) % p.shape[1]] -= 1
        elif bug != "p alone":
            d[chosen] -= 1
        if bug == "target row alone":
            d = np.where(np.eye(p.shape[1])[target] > 0, d, 0)
        if bug == "softmax once more":
            d = softmax_back(p, d)
        if bug == "p (1 - p) once more":
            d = d * p * (1 - p)
        if bug == "log missing":
            d = -np.eye(p.shape[1])[target] * p
            d = softmax_back(p, -np.eye(p.shape[1])[target])
        d = d * dloss / n
        if bug == "elements for the batch":
            d = d / p.shape[1]
        if bug == "classes for the batch":
            d = d * n / p.shape[1]
        if bug == "not averaged":
            d = d * n
        if bug == "averaged twice":
            d = d / n
        db = d.sum(0)
        if bug == "bias not divided":
            db = db * n
        if bug == "bias over the classes":
            db = np.full_like(b, d.sum())
        return d @ w.T, x.T @ d, db, None

    return -np.log(p[chosen]).mean(), pullback


def classes(rng, size):
    b, d, c = ((6, 3, 4), (5, 4, 3), (7, 2, 5))[size]
    return normal(rng, b, d), normal(rng, d, c), normal(rng, c), rng.integers(0, c, b)


CLASSIFIER = family(
    classifier, lambda x, w, b, target: F.cross_entropy(x @ w + b, target), classes,
    ("softmax once more", r"softmax's derivative is applied once more"),
    ("p (1 - p) once more", r"p \* \(1 - p\) is applied once more"),
    ("p alone", r"g itself is missing"),
    ("one column later", ""),
    ("target row alone", r"diagonal of the log-softmax"),
    ("log missing", r"gets the derivative of softmax"),
    ("elements for the batch", r"\d is the (length of axis 1 of w|batch size|length of axis 0 of b): mean against sum\? one division by \d is too many", {"after": "Mate 2"}),
    ("classes for the batch", r"constant factor of|that is \d/\d.*divided by the wrong one"),
    ("not averaged", r"\d is the batch size: mean against sum\? one division by \d is missing"),
    ("averaged twice", r"\d is the batch size: mean against sum\? one division by \d is too many"),
    ("bias not divided", r"\d is the batch size: mean against sum\? one division by \d is missing"),
    ("bias over the classes", r"zero everywhere"),
)  # fmt: skip


def cross_entropy_of_logits(logits, target, *, bug=None):
    p = softmax(logits)
    n = len(logits)

    def pullback(dloss):
        d = p.copy()
        if bug == "subtracts p":
            d[np.arange(n), target] -= p[np.arange(n), target]
        elif bug == "row for column":
            d[target % n, np.arange(n) % p.shape[1]] -= 1
        elif bug == "target doubled":
            d[np.arange(n), target] -= 2
        elif bug == "adds one":
            d[np.arange(n), target] += 1
        elif bug == "softmax of p":
            d = softmax(p)
            d[np.arange(n), target] -= 1
        else:
            d[np.arange(n), target] -= 1
        return d * dloss / n, None

    return -np.log(p[np.arange(n), target]).mean(), pullback


LOGITS = family(
    cross_entropy_of_logits, F.cross_entropy, lambda rng, size: (normal(rng, 6 - size, 4 + size), rng.integers(0, 4 + size, 6 - size)),
    ("subtracts p", r"only at the places that target names"),
    ("row for column", ""),
    ("target doubled", r"only at the places that target names"),
    ("adds one", r"only at the places that target names"),
    ("softmax of p", ""),
)  # fmt: skip


def hinge(scores, target, *, bug=None):
    """The multi-class hinge loss: the mean over rows of the sum of violated margins."""
    n = len(scores)
    rows = np.arange(n)
    margins = np.maximum(0, scores - scores[rows, target][:, None] + 1)
    margins[rows, target] = 0

    def pullback(dloss):
        d = (margins > 0) * 1.0
        d[rows, target] = -d.sum(1)
        if bug == "one violated margin":
            d[rows, target] = -1.0 * (margins.sum(1) > 0)
        if bug == "target not at all":
            d[rows, target] = 0
        if bug == "margins for ones":
            d = margins.copy()
            d[rows, target] = -d.sum(1)
        if bug == "all classes":
            d = np.ones_like(d)
            d[rows, target] = 1 - d.shape[1]
        if bug == "worst margin only":
            d = 1.0 * (margins == margins.max(1, keepdims=True)) * (margins > 0)
            d[rows, target] = -d.sum(1)
        return d * dloss / n, None

    return margins.sum() / n, pullback


def hinge_torch(scores, target):
    rows = torch.arange(len(scores))
    margins = torch.relu(scores - scores[rows, target][:, None] + 1)
    return (margins.sum() - len(scores)) / len(scores)


HINGE = family(
    hinge, hinge_torch, lambda rng, size: (normal(rng, 5 + size, 4 + size), rng.integers(0, 4 + size, 5 + size)),
    ("one violated margin", r"each violated margin of the row counts", {"after": "mantasu/cs231n 9"}),
    ("target not at all", r"only at the places that target names"),
    ("margins for ones", r"derivative of the relu in .* is computed as y"),
    ("all classes", r"relu.*forgotten"),
    ("worst margin only", ""),
)  # fmt: skip


def binary(x, w, target, *, bug=None):
    """Logistic regression with the mean binary cross-entropy; x: (B, D), w: (D,)."""
    p = sigmoid(x @ w)
    n = len(x)

    def pullback(dloss):
        dp = (p - target) / (p * (1 - p)) / n * dloss
        dz = dp * p * (1 - p)
        if bug == "sigmoid forgotten":
            dz = dp
        if bug == "sigmoid twice":
            dz = dz * p * (1 - p)
        if bug == "squared error's":
            dz = (p - target) * p * (1 - p) * dloss / n
        if bug == "second term":
            dz = -target / p * p * (1 - p) / n * dloss
        if bug == "second term's sign":
            dz = (-target / p - (1 - target) / (1 - p)) * p * (1 - p) / n * dloss
        if bug == "not averaged":
            dz = dz * n
        return np.outer(dz, w), x.T @ dz, None

    return -(target * np.log(p) + (1 - target) * np.log(1 - p)).mean(), pullback


def binary_torch(x, w, target):
    return F.binary_cross_entropy(torch.sigmoid(x @ w), target.double())


BINARY = family(
    binary, binary_torch, lambda rng, size: (normal(rng, 6 + size, 3 + size), normal(rng, 3 + size), rng.integers(0, 2, 6 + size)),
    ("sigmoid forgotten", r"derivative of the sigmoid.*forgotten"),
    ("sigmoid twice", r"derivative of the sigmoid.*applied twice"),
    ("squared error's", r"derivative of the sigmoid.*applied twice"),
    ("second term", r"path is missing: nothing comes back to `sigmoid\(x @ w\)` from `1 - sigmoid"),
    ("second term's sign", r"wrong sign of what comes back to `sigmoid\(x @ w\)` from `1 - sigmoid"),
    ("not averaged", r"batch size: mean against sum"),
)  # fmt: skip


def ridge(x, w, y, *, decay=0.3, bug=None):
    """Mean squared error and a penalty on w."""
    error = x @ w - y

    def pullback(dloss):
        d = 2 * error / error.size * dloss
        penalty = 2 * decay * w * dloss
        if bug == "regulariser forgotten":
            penalty = 0
        if bug == "2 of the regulariser":
            penalty = penalty / 2
        if bug == "regulariser twice":
            penalty = 2 * penalty
        if bug == "regulariser's sign":
            penalty = -penalty
        if bug == "2 of the square":
            d = d / 2
        if bug == "rows for elements":
            d = d * error.shape[1]
        if bug == "penalty of the sign":
            penalty = decay * np.sign(w) * dloss
        return d @ w.T, x.T @ d + penalty, -d

    return (error**2).mean() + decay * (w**2).sum(), pullback


def ridge_torch(x, w, y, decay=0.3):
    return F.mse_loss(x @ w, y) + decay * (w**2).sum()


RIDGE = family(
    ridge, ridge_torch,
    lambda rng, size: (normal(rng, 6 + size, 3), normal(rng, 3, 2 + size), normal(rng, 6 + size, 2 + size)),
    ("regulariser forgotten", r"path is missing: nothing comes back to w from `w \*\* 2`"),
    ("2 of the regulariser", r"power in `w \*\* 2` is computed as z instead of 2 \* z"),
    ("regulariser twice", r"counted twice", {"never": "missing"}),
    ("regulariser's sign", r"wrong sign of what comes back to w from `w \*\* 2`"),
    ("2 of the square", r"constant factor of 0\.5|computed as z instead of 2 \* z"),
    ("rows for elements", r"axis 1 of (w|y): mean against sum|has a factor of \d|constant factor of 2"),
    ("penalty of the sign", ""),
)  # fmt: skip


def ridge_written_out(x, w, y, *, bug=None):
    """The same with PyTorch's side in one function, so that only w itself can tell."""
    return ridge(x, w, y, bug=bug)


def huber(x, target, *, bug=None):
    d = x - target
    small = np.abs(d) <= 1

    def pullback(dloss):
        slope = np.where(small, d, np.sign(d))
        if bug == "sign everywhere":
            slope = np.sign(d)
        if bug == "linear everywhere":
            slope = d
        if bug == "2 of the square":
            slope = np.where(small, 2 * d, np.sign(d))
        if bug == "sign forgotten":
            slope = np.where(small, d, 1.0)
        slope = slope * dloss / d.size
        return slope, slope if bug == "target's sign" else -slope

    return np.where(small, 0.5 * d**2, np.abs(d) - 0.5).mean(), pullback


HUBER = family(
    huber, F.huber_loss, lambda rng, size: (2 * normal(rng, 5, 3 + size), normal(rng, 5, 3 + size)),
    ("sign everywhere", r"condition is ignored"),
    ("linear everywhere", r"condition is ignored"),
    ("2 of the square", r"factor of 2: counted twice, or the factor 0\.5 in .* forgotten"),
    ("sign forgotten", r"derivative of the abs.*forgotten"),
    ("target's sign", r"wrong sign"),
)  # fmt: skip


def absolute(x, target, *, bug=None):
    """The mean absolute error; some predictions are exactly right."""
    d = x - target

    def pullback(dloss):
        slope = np.sign(d)
        if bug == "slope 1 at 0":
            slope = np.where(d >= 0, 1.0, -1.0)
        if bug == "sign forgotten":
            slope = np.ones_like(d)
        if bug == "the error itself":
            slope = d
        slope = slope * dloss / d.size
        return slope, -slope

    return np.abs(d).mean(), pullback


def some_exact(rng, size):
    x = normal(rng, 4, 3 + size)
    target = normal(rng, 4, 3 + size)
    target[0, :2] = x[0, :2]
    return x, target


ABSOLUTE = family(
    absolute, F.l1_loss, some_exact,
    ("slope 1 at 0", r"kink"),
    ("sign forgotten", r"derivative of the abs.*forgotten"),
    ("the error itself", r"derivative of the abs.*computed as z"),
)  # fmt: skip


def triplet(anchor, near, far, *, bug=None):
    """The mean over rows of max(0, |a - n|^2 - |a - f|^2 + 1)."""
    to_near, to_far = anchor - near, anchor - far
    loss = np.maximum(0, (to_near**2).sum(1) - (to_far**2).sum(1) + 1)

    def pullback(dloss):
        on = (loss > 0)[:, None] * dloss / len(anchor) * 2
        if bug == "margin ignored":
            on = np.ones_like(on) * dloss / len(anchor) * 2
        da = on * (to_near - to_far)
        if bug == "anchor by near alone":
            da = on * to_near
        if bug == "far's sign":
            return da, -on * to_near, -on * to_far
        if bug == "2 of the square":
            return da / 2, -on * to_near / 2, on * to_far / 2
        return da, -on * to_near, on * to_far

    return loss.mean(), pullback


def triplet_torch(anchor, near, far):
    return torch.relu(((anchor - near) ** 2).sum(1) - ((anchor - far) ** 2).sum(1) + 1).mean()


TRIPLET = family(
    triplet, triplet_torch, lambda rng, size: tuple(normal(rng, 7 + size, 3) for _ in range(3)),
    ("anchor by near alone", r"path is missing: nothing comes back to anchor from `anchor - far`"),
    ("far's sign", r"wrong sign"),
    ("margin ignored", r"relu.*forgotten"),
    ("2 of the square", r"constant factor of 0\.5"),
)  # fmt: skip


def cosine(a, b, *, bug=None):
    """The cosine between rows."""
    la, lb = (np.sqrt((v**2).sum(1, keepdims=True)) for v in (a, b))
    y = (a * b).sum(1, keepdims=True) / (la * lb)

    def pullback(dy):
        d = dy[:, None]
        da, db = d * (b / (la * lb) - y * a / la**2), d * (a / (la * lb) - y * b / lb**2)
        if bug == "lengths constant":
            da, db = d * b / (la * lb), d * a / (la * lb)
        if bug == "length of a constant":
            da = d * b / (la * lb)
        if bug == "length not squared":
            da = d * (b / (la * lb) - y * a / la)
        return da, db

    return y[:, 0], pullback


COSINE = family(
    cosine, lambda a, b: F.cosine_similarity(a, b), lambda rng, size: (normal(rng, 4, 3 + size), normal(rng, 4, 3 + size)),
    ("lengths constant", r"missing: nothing comes back to `?the first length"),
    ("length of a constant", r"nothing comes back to a from the first length"),
    ("length not squared", r"taken where the second length belongs"),
)  # fmt: skip


def log_probabilities(x, w, *, bug=None):
    """log-softmax of x w."""
    z = x @ w
    p = softmax(z)
    y = np.log(p)

    def pullback(dy):
        dz = dy - p * dy.sum(1, keepdims=True)
        if bug == "softmax's pullback":
            dz = softmax_back(p, dy)
        if bug == "softmax's pullback with its own output":
            dz = y * (dy - (dy * y).sum(1, keepdims=True))
        if bug == "sum forgotten":
            dz = dy - p * dy
        if bug == "p forgotten":
            dz = dy - dy.sum(1, keepdims=True)
        if bug == "mean for sum":
            dz = dy - p * dy.mean(1, keepdims=True)
        if bug == "over the batch":
            dz = dy - p * dy.sum(0, keepdims=True)
        return dz @ w.T, x.T @ dz

    return y, pullback


LOG_SOFTMAX = family(
    log_probabilities, lambda x, w: torch.log_softmax(x @ w, 1), lambda rng, size: (normal(rng, 5 + size, 3), normal(rng, 3, 4 + size)),
    ("softmax's pullback", r"log-softmax in `log_softmax\(x @ w\)` gets the derivative of softmax", {"after": "MIOpen 112"}),
    ("softmax's pullback with its own output", r"gets the derivative of softmax, with its own output"),
    ("sum forgotten", r"diagonal of the log-softmax"),
    ("p forgotten", r"the p is missing"),
    ("mean for sum", r"log-softmax .* a mean stands where the sum belongs"),
    ("over the batch", r"log-softmax .* the sum goes over axis 0"),
)  # fmt: skip


def weighted_entropy(logits, target, weight, *, bug=None):
    """Cross-entropy with a weight a class, divided by the sum of the weights used."""
    p = softmax(logits)
    rows = np.arange(len(logits))
    used = weight[target]

    def pullback(dloss):
        d = p.copy()
        d[rows, target] -= 1
        total = used.sum()
        if bug == "weights forgotten":
            return d * dloss / len(logits), None, None
        if bug == "divided by the rows":
            total = len(logits)
        return d * used[:, None] * dloss / total, None, None

    return (-np.log(p[rows, target]) * used).sum() / used.sum(), pullback


WEIGHTED = family(
    weighted_entropy, lambda logits, target, weight: F.cross_entropy(logits, target, weight.double()),
    lambda rng, size: (normal(rng, 6, 4 + size), rng.integers(0, 4 + size, 6), rng.integers(1, 9, 4 + size)),
    ("weights forgotten", r"index along axis 0 only"),
    ("divided by the rows", r"constant factor of"),
)  # fmt: skip


def padded_entropy(logits, target, *, bug=None):
    """Cross-entropy over the rows whose target is not -1."""
    p = softmax(logits)
    rows = np.flatnonzero(target >= 0)

    def pullback(dloss):
        d = np.zeros_like(p)
        d[rows] = p[rows]
        if bug == "padding counted":
            d = p.copy()
        d[rows, target[rows]] -= 1
        return d * dloss / (len(p) if bug == "all rows in the mean" else len(rows)), None

    return -np.log(p[rows, target[rows]]).mean(), pullback


def with_padding(rng, size):
    target = rng.integers(0, 4, 7 + size)
    target[[1, 4]] = -1
    return normal(rng, 7 + size, 4), target


PADDED = family(
    padded_entropy, lambda logits, target: F.cross_entropy(logits, target, ignore_index=-1), with_padding,
    ("padding counted", r"wrong only in the rows where target is -1"),
    ("all rows in the mean", r"constant factor of"),
)  # fmt: skip

WILD = [
    *CLASSIFIER, *LOGITS, *HINGE, *BINARY, *RIDGE, *HUBER, *ABSOLUTE, *TRIPLET, *COSINE, *LOG_SOFTMAX, *WEIGHTED, *PADDED,
]  # fmt: skip
