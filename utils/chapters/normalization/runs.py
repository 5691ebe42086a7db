"""Trained runs and measurements of chapter 04: the travelling network with a normalization, one layer, batches of text;
its experiments."""

import re

import numpy as np

from utils.chapters.initialization.runs import EXAMPLES, fitted, sizes_of
from utils.data import digits
from utils.nn.activations import relu, sigmoid, tanh
from utils.nn.linear import linear
from utils.nn.normalization import batch_norm
from utils.nn.normalized_mlp import normalized_mlp, normalized_mlp_params
from utils.results import as_percent, packed

# ---- the travelling network


def travelling_network(
    activation, kind="none", *, rate=0.1, seed=0, epochs=3, gain=1.0, examples=EXAMPLES, change=None, scored_in="evaluation"
):  # fmt: skip
    """Train ten layers with a kind of normalization: (parameters, History with scores).

    kind: of utils.nn.normalized_mlp; gain: of the normal weights, over the root of the fan-in; examples: how many
    of the digits, in batches of 32; change: what is done to every batch, x -> x; scored_in: the mode of the network
    whose accuracy on held-out digits is the score, "evaluation" or "training".
    """
    (training, evaluation), taps = normalized_mlp(sizes_of(10), activation, kind=kind)
    start = normalized_mlp_params(sizes_of(10), np.random.default_rng(seed), kind=kind, gain=gain)
    network = training if change is None else lambda params, x: training(params, change(x))
    scored = {"evaluation": evaluation, "training": training}[scored_in]
    return fitted(network, scored, start, rate=rate, epochs=epochs, seed=seed, taps=taps, examples=examples)


def histories(activation, kind="none", seeds=5, **options):
    """The History of each seed."""
    return [travelling_network(activation, kind, seed=seed, **options)[1] for seed in range(seeds)]


def in_percent(runs):
    """What each History reached on held-out digits, from the lowest to the highest, as text."""
    return as_percent(sorted(history.scores[-1] for history in runs))


# ---- one layer that learns random targets


def random_task():
    """Inputs (64, 8), first weights (4, 8) and targets (64, 4), all standard normal."""
    rng = np.random.default_rng(0)
    return tuple(rng.normal(size=shape) for shape in ((64, 8), (4, 8), (64, 4)))


def one_layer(rate, normalized, steps=50):
    """Gradient descent on the mean squared error of tanh(BN(u W^T)), or of tanh(u W^T).

    Returns the losses and the lengths of W before each step.
    """
    u, W, target = random_task()
    losses, lengths = [], []
    for _ in range(steps):
        z, back_linear = linear(u, W)
        y, back_norm = batch_norm(z, eps=0.0) if normalized else (z, lambda dy: (dy,))
        h = np.tanh(y)
        losses.append(((h - target) ** 2).mean())
        lengths.append(np.linalg.norm(W))
        dy = 2 * (h - target) / h.size * (1 - h**2)
        W = W - rate * back_linear(back_norm(dy)[0])[1]
    return losses, lengths


# ---- batches of text and of images


def paragraphs():
    """NumPy's own documentation as lists of words, a list for each paragraph of 3 to 80 words."""
    texts = [getattr(getattr(np, name), "__doc__", "") for name in sorted(dir(np))]
    pieces = [piece for text in texts if isinstance(text, str) for piece in text.split("\n\n")]
    found = [re.findall("[a-z]+", piece.lower()) for piece in pieces]
    return [words for words in found if 3 <= len(words) <= 80]


def batches_of_text(size=16, channels=16):
    """(words alone, with padding, share of padding) of every batch of `size` paragraphs.

    Every word is a random vector of `channels` numbers, padding a vector of zeros: (places, channels) arrays.
    """
    rng, texts = np.random.default_rng(0), paragraphs()
    vocabulary = sorted({word for words in texts for word in words})
    vectors = dict(zip(vocabulary, rng.normal(size=(len(vocabulary), channels))))
    order, found = rng.permutation(len(texts)), []
    for start in range(0, len(texts) - size, size):
        rows = [np.array([vectors[word] for word in texts[i]]) for i in order[start : start + size]]
        words, places = np.concatenate(rows), size * max(len(row) for row in rows)
        padded = np.concatenate([words, np.zeros((places - len(words), channels))])
        found.append((words, padded, 1 - len(words) / places))
    return tuple(zip(*found))


def batches_of_images(size=16, channels=16):
    """Digits through random 3 by 3 filters, `size` in a batch: (positions of all, channels) arrays."""
    rng, images = np.random.default_rng(1), digits.load().train_x.reshape(-1, 8, 8)
    windows = np.lib.stride_tricks.sliding_window_view(images, (3, 3), axis=(1, 2))
    maps = np.einsum("nhwij,cij->nhwc", windows, rng.normal(size=(channels, 3, 3)))
    maps = maps[rng.permutation(len(maps))]
    return [maps[i : i + size].reshape(-1, channels) for i in range(0, len(maps) - size, size)]


# ---- what is measured once: python -m utils.notebooks measure 04

KINDS = ("batch", "layer", "group", "none")
HE = 2**0.5  # the gain of ReLU's start
RATES = (0.1, 0.3, 1.0)


def trained_with(*arguments, **options):
    return packed(travelling_network(*arguments, **options)[1])


def three_rates(seed):
    """The question: tanh without a normalization."""
    return {f"rate {rate:g}": trained_with(tanh, rate=rate, seed=seed) for rate in reversed(RATES)}


def sigmoids(seed):
    """Section 4.7: ten layers of sigmoids with each of KINDS, four epochs."""
    return {kind: trained_with(sigmoid, kind, epochs=4, seed=seed) for kind in KINDS}


def larger_rates(seed):
    """Section 4.7: ReLU from the start of He with each kind, at three rates."""
    return {
        f"{kind}, rate {rate}": trained_with(relu, kind, rate=rate, gain=HE, seed=seed)
        for kind in ("none", "layer", "group", "batch")
        for rate in RATES
    }


def last_batch(seed):
    """Section 4.7: with a remainder of 3 examples, of 18, or of none at the end of every epoch."""
    score = lambda *kind, **options: travelling_network(*kind, seed=seed, **options)[1].scores[-1]
    found = {
        f"batch norm, {examples} examples": score(sigmoid, "batch", epochs=4, examples=examples)
        for examples in (1330, 1347)
    }
    return found | {
        f"no normalization, {examples} examples": score(relu, epochs=10, examples=examples)
        for examples in (1344, 1347)
    }


EXPERIMENTS = {
    "three rates": three_rates,
    "sigmoids": sigmoids,
    "larger rates": larger_rates,
    "last batch": last_batch,
}
SEEDS = {"three rates": range(2), "sigmoids": range(5), "larger rates": range(5), "last batch": range(5)}
