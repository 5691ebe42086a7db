"""The numbers of a case: what comes back from a pullback, what should, probes that fit, and tables of them."""

import numpy as np

from utils.exercises.detective.showing import side_by_side, titled
from utils.exercises.detective.suspects import halves
from utils.exercises.reading import kind_of

LARGEST = 1e4  # of what may be sent


def gradients(function, names, dy, inputs):
    """{name: gradient} that a pullback returns for dy, without the inputs that have none."""
    found = function(*inputs)[1](dy[()])
    found = found if isinstance(found, tuple) else (found,)
    return {name: gradient for name, gradient in zip(names, found) if gradient is not None}


def measured(function, names, dy, inputs):
    """{name: gradient} by central differences of sum(dy * value), for every floating input."""
    from utils.crosscheck.differences import differences  # brings PyTorch, which takes a moment

    return {
        name: slopes for name, slopes in zip(names, differences(function, inputs, dy)) if slopes is not None
    }


def table(words, dy, changed, answer):
    """The question and what answers it, side by side; None if that is not finite.

    words: what the answer is called; dy: the upstream gradient; changed: {name: other numbers for an
    input}; answer: {name: gradient}.
    """
    if not all(np.isfinite(array).all() for array in answer.values()):
        return None
    asked = [(titled("sent: dy", dy), dy)] + [(titled(f"with {n}", a), a) for n, a in changed.items()]
    return side_by_side(
        asked + [(titled(f"{words}: d{name}", array), array) for name, array in answer.items()]
    )


def unit(shape, place):
    """Zeros with a one in that place.  ValueError for no such place."""
    found = np.zeros(shape)
    fits = len(place) == len(shape) and all(isinstance(i, int) and -n <= i < n for i, n in zip(place, shape))
    if not fits:
        raise ValueError(f"place must be an index for each axis of {shape}; got {place}")
    found[place] = 1.0
    return found


def random(shape, seed=0):
    """Halves from -2 to 2, drawn anew for each seed."""
    rng = np.random.default_rng(seed)
    return halves(rng, *shape) if shape else halves(rng, 1)[0]


def standard_probes(shape):
    """Three probes that tell all suspects apart, as (name, dy)."""
    first = unit(shape, (0,) * len(shape)) if shape else np.array(2.0)
    return [
        ("a unit vector" if shape else "2", first),
        ("ones", np.ones(shape)),
        ("a random gradient", random(shape)),
    ]


def misfit(name, given, like):
    """A sentence if `given` is no array of finite numbers of that shape, else None."""
    expected = f"`{name}` is {{}}; expected numbers of shape {like.shape}"
    try:
        array = np.asarray(given)
    except Exception:
        return expected.format(kind_of(given))
    if array.dtype.kind not in "iuf":
        return expected.format(kind_of(given))
    if array.shape != like.shape:
        return f"`{name}` has shape {array.shape}; expected {like.shape}"
    if not np.isfinite(array).all() or np.abs(array).max(initial=0) > LARGEST:
        return f"`{name}` holds numbers that are not finite, or larger than {LARGEST:.0f}"
    return None
