"""The checker of exercise 03.11: weights that make the mean square of every layer's z 1, for a batch and an activation."""

from dataclasses import dataclass

import numpy as np

from utils.exercises.cards import Outcome
from utils.exercises.checkers.values import as_numbers
from utils.exercises.reading import Trouble, Unwritten, has_dots, kind_of, needs_function, run
from utils.exercises.wording import sentence

NEAR = 0.01  # how far from 1 a mean square may be
BATCH = 50


def relu(z):
    return np.maximum(z, 0)


CASES = {
    "ReLU": ((20, 30, 30, 5), relu),
    "np.tanh": ((6, 8, 8, 4), np.tanh),
    "np.abs": ((5, 40, 3), np.abs),
}


@dataclass(frozen=True)
class UnitStart:
    """Expects a function (sizes, f, x, rng) -> weights, (out, in) each, drawn from rng."""

    parts = ()
    traps = {}  # noqa: RUF012, a field of every checker

    def trap_answers(self):
        return []

    def examine(self, answer):
        needs_function(answer, ("sizes", "f", "x", "rng"))
        for name, (sizes, f) in CASES.items():
            remark = self.remark(answer, sizes, f)
            if remark:
                return Outcome("wrong", sentence(f"for sizes = {sizes} and f = {name}, {remark}"))
        return Outcome("right", "The mean square of z is 1 in every layer, whatever the activation.")

    def remark(self, answer, sizes, f):
        """None, or what is wrong with the weights for one list of sizes and one activation."""
        x = np.random.default_rng(1).normal(0.5, 2, size=(BATCH, sizes[0]))
        watched = Watched(f)
        weights = weights_of(answer, sizes, watched, x, seed=0)
        shapes = [weight.shape for weight in weights]
        expected = list(zip(sizes[1:], sizes))
        if shapes != expected:
            return f"the weights have the shapes {shapes}; expected {expected}, that is (out, in)"
        wrong = about_sizes(weights, f, x, watched.seen)
        return wrong or about_chance(weights, *(weights_of(answer, sizes, f, x, seed) for seed in (0, 2)))


class Watched:
    """An activation that remembers what it was given."""

    def __init__(self, function):
        self.function, self.seen = function, []

    def __call__(self, z):
        self.seen.append(np.array(z))
        return self.function(z)


def weights_of(answer, sizes, f, x, seed):
    """What the reader's function returns, as arrays."""
    given = x.copy()
    returned = run(answer, sizes, f, given, np.random.default_rng(seed))
    if has_dots(returned):
        raise Unwritten
    if not np.array_equal(given, x):
        raise Trouble("it changes x; work on a copy")
    wanted = f"expected a list of {len(sizes) - 1} weights"
    if not isinstance(returned, (list, tuple)):
        raise Trouble(f"it returns {kind_of(returned)}; {wanted}")
    if len(returned) != len(sizes) - 1:
        early = "; is the `return` inside the loop?" if len(returned) == 1 else ""
        raise Trouble(f"it returns {kind_of(returned)} of {len(returned)}; {wanted}{early}")
    return [as_numbers(weight, np.zeros((1, 1))) for weight in returned]


def about_sizes(weights, f, x, seen):
    """None, or in which layer the mean square of z is not 1, with the cause where it is known.

    seen: what the reader's function gave to f.
    """
    h = plain = x
    below = None
    for layer, weight in enumerate(weights, 1):
        z, plain = h @ weight.T, plain @ weight.T
        size = mean_square(z)
        if not near(size, 1):
            remark = f"in layer {layer} the mean square of z is {size:.3g}; expected 1. "
            return remark + (
                cause_in_use(layer, x, z, below, seen) or cause_in_size(layer, weight, f(z), z, plain)
            )
        h, below = f(z), z
    return None


def cause_in_use(layer, x, z, below, seen):
    """Why the mean square of z is not 1, from what f was given; empty where that does not tell.  below: z one layer down."""
    if any(same(given, x) for given in seen):
        return "f is applied to the inputs x; it stands between the layers only"
    if any(same(given, z / np.sqrt(mean_square(z))) for given in seen):
        return "What goes into f is corrected. Are the weights that you return corrected, too?"
    right = below is None or any(same(given, below) for given in seen)
    if not right and any(parallel(given, below) for given in seen):
        return f"What layer {layer} gets to see is f of the z before its correction"
    return ""


def cause_in_size(layer, weight, activation, z, plain):
    """The same from the sizes alone.  plain: z, had there been no activation."""
    if near(z.var(), 1):
        return "There the variance of z is 1; what does the next layer need, (3.4)?"
    if near(mean_square(activation), 1):
        return "It is the mean square of f(z) that is 1 there"
    if layer > 1 and near(mean_square(plain), 1):
        return f"It would be 1 without the activation; what does layer {layer} get to see?"
    if near(
        mean_square(z), weight.std(), 0.25
    ):  # as when weights of variance 1 are divided by the mean square
        return "The weights enter it with their square, so which power of it corrects them?"
    return ""


def mean_square(numbers):
    return float((numbers**2).mean())


def near(number, target, reach=NEAR):
    return abs(number - target) <= reach * target


def same(a, b):
    return a.shape == b.shape and np.allclose(a, b)


def parallel(a, b):
    """True where a is b times a positive number."""
    return a.shape == b.shape and np.allclose(a * np.sqrt(mean_square(b)), b * np.sqrt(mean_square(a)))


def about_chance(weights, again, others):
    """None, or what is not random in the weights; again: what the same rng gave once more; others: what another gave."""
    for layer, weight in enumerate(weights, 1):
        if len(np.unique(weight.round(9), axis=0)) < len(weight):
            return f"in layer {layer} units have the same weights: twins, section 3.5"
    if not all(same(a, b) for a, b in zip(weights, again)):
        return "the same rng gives other weights the second time; draw them from the rng that is handed in"
    if any(np.allclose(a, b) for a, b in zip(weights, others)):
        return "another rng gives the same weights; draw them from the rng that is handed in"
    return None
