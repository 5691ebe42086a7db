"""What every operation of utils.nn must satisfy: one row of a table for each, from which its tests are made."""

import inspect
from dataclasses import dataclass, field
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from utils.crosscheck import crosscheck
from utils.crosscheck.trees import is_floating, leaves, map_leaves

EXTREMES = {
    "large": lambda shape: np.resize([1e4, -1e4, 3.0], shape),
    "constant": lambda shape: np.full(shape, 7.0),
    "zero": np.zeros,
    "denormal": lambda shape: np.resize([5e-324, -5e-324, 1e-310], shape),
}


@dataclass
class Row:
    """An operation, its counterpart in torch, what to give them, and wrong versions that must be noticed.

    inputs: for each input a shape as in a docstring, "(..., in)" or "(N, C, *positions)", whose
    letters are drawn; with "?" the input may be left out; or a function draw, sizes, rng -> array.
    options: keywords that both take, a list to draw from, or a function draw, sizes, inputs -> dict.
    mutants: (old, new) pieces of the source.  held: inputs, by place, that extremes and integers
    leave alone.  numbers: (rng, shape, draw) -> array, for inputs given by their shape.
    """

    ours: object
    theirs: object
    inputs: tuple
    mutants: list
    options: object = field(default_factory=lambda: [{}])
    held: tuple = ()
    numbers: object = lambda rng, shape, draw: 2 * rng.normal(size=shape)

    def case(self, draw):
        """Inputs and options, drawn by hypothesis: odd shapes, batches of one, inputs left out."""
        rng, sizes = np.random.default_rng(draw(st.integers(0, 99))), {}
        inputs = [self.input(spec, draw, sizes, rng) for spec in self.inputs]
        if callable(self.options):
            return inputs, self.options(draw, sizes, inputs)
        return inputs, draw(st.sampled_from(self.options))

    def input(self, spec, draw, sizes, rng):
        if callable(spec):
            return spec(draw, sizes, rng)
        if spec.endswith("?") and draw(st.booleans()):
            return None
        return np.asarray(self.numbers(rng, shape_of(spec, draw, sizes), draw))


def shape_of(spec, draw, sizes):
    """A shape with lengths in place of letters: "..." and "*positions" stand for any number of axes."""
    letters = [letter for letter in spec.strip("?()").replace(" ", "").split(",") if letter]
    shape = []
    for letter in letters:
        if letter not in sizes:
            rest = st.lists(st.integers(1, 4), max_size=5 - len(letters)).map(tuple)
            sizes[letter] = draw(rest if letter[0] in ".*" else st.integers(1, 5).map(lambda n: (n,)))
        shape += sizes[letter]
    return tuple(shape)


def any_numbers(rng, shape, draw):
    """What hypothesis thinks of: zeros, ends of the range, whole numbers among them."""
    return draw(arrays.arrays(np.float64, shape, elements=st.floats(-8, 8, allow_subnormal=False)))


def proofs_of(table):
    """Two tests of every row, to be bound to names that pytest finds: the promises, and the mutants."""

    @pytest.mark.parametrize("promise, name", list(product(PROMISES, table)))
    def test_promises(promise, name):
        @given(st.data())
        @settings(max_examples=40 if promise == "agrees_with_torch" else 10)
        def of_what_is_drawn(data):
            inputs, options = table[name].case(data.draw)
            PROMISES[promise](table[name], inputs, options)

        of_what_is_drawn()

    @pytest.mark.parametrize("name", table)
    def test_mutants(name):
        row = table[name]
        assert len(row.mutants) >= 3
        assert_mutants_are_rejected(row, *row.mutants)

    return test_promises, test_mutants


# ---- promises: (row, inputs, options) -> nothing, or an AssertionError


def agrees_with_torch(row, inputs, options):
    assert crosscheck(row.ours, row.theirs, *inputs, **options).ok


def stays_finite(row, inputs, options):
    assert_finite_at_extremes(row.ours, *inputs, held=row.held, **options)


def keeps_float32(row, inputs, options):
    assert_keeps_float32(row.ours, *inputs, **options)


def is_pure(row, inputs, options):
    assert_pure(row.ours, *inputs, **options)


def takes_integers(row, inputs, options):
    """Whatever their width: as the same numbers in float64."""
    for kind in (np.int8, np.uint8, np.int64, bool):
        whole = [
            x if x is None or i in row.held or not is_array(x) else np.abs(x).astype(kind)
            for i, x in enumerate(inputs)
        ]
        numbers = [
            x.astype(float) if isinstance(x, np.ndarray) and i not in row.held else x
            for i, x in enumerate(whole)
        ]
        for ours, expected in zip(run(row.ours, whole, options), run(row.ours, numbers, options)):
            for a, b in zip(ours, expected):
                np.testing.assert_array_equal(a, b)
                assert a is None or np.asarray(a).dtype.kind != "f" or np.asarray(a).dtype == np.float64


def refuses_another_upstream(row, inputs, options):
    """Nothing that does not have the shape of the output, though it would broadcast; 1.0 for one number."""
    value, pullback = row.ours(*inputs, **options)
    shape = np.shape(value)
    wrong = [np.ones((2, *shape)), np.ones((*shape, 2)), [1.0], None, "text"]
    wrong += [1.0] if shape else []
    wrong += [np.ones((1,) * len(shape))] if np.size(value) > 1 else []
    for upstream in wrong:
        with pytest.raises(ValueError, match=r"^d"):
            pullback(upstream)
    if shape == ():
        for one, same in zip(leaves(pullback(1.0), ""), leaves(pullback(np.float64(1)), "")):
            np.testing.assert_array_equal(one[1], same[1])


PROMISES = {
    promise.__name__: promise
    for promise in (
        agrees_with_torch, stays_finite, keeps_float32, is_pure, takes_integers, refuses_another_upstream,
    )
}  # fmt: skip


def run(operation, inputs, options, seed=0):
    """Value and gradients for a random upstream gradient, all as flat lists of leaves."""
    rng = np.random.default_rng(seed)
    value, pullback = operation(*inputs, **options)
    upstream = map_leaves(lambda leaf: like(leaf, rng), value)
    return [leaf for _, leaf in leaves(value, "")], [g for _, g in leaves(pullback(upstream), "")]


def like(leaf, rng):
    if not is_floating(leaf):
        return None
    drawn = rng.standard_normal(np.shape(leaf))
    return drawn.astype(leaf.dtype) if isinstance(leaf, np.ndarray) else leaf.dtype.type(drawn)


def assert_finite_at_extremes(operation, *inputs, held=(), **options):
    """Every floating input array in turn (and all at once) becomes extreme; all must stay finite."""
    for name, fill in EXTREMES.items():
        replaced = [
            map_leaves(lambda leaf, fill=fill: fill(leaf.shape) if is_array(leaf) else leaf, x)
            if i not in held
            else x
            for i, x in enumerate(inputs)
        ]
        one_by_one = [(*inputs[:i], replaced[i], *inputs[i + 1 :]) for i in range(len(inputs))]
        for case in [replaced, *one_by_one]:
            for leaf in [x for part in run(operation, case, options) for x in part]:
                assert leaf is None or np.isfinite(leaf).all(), f"{operation.__name__}: {name}"


def is_array(leaf):
    return isinstance(leaf, np.ndarray) and leaf.dtype.kind == "f"


def assert_keeps_float32(operation, *inputs, **options):
    """float32 in, float32 out, values and gradients; near those of the same numbers in float64."""
    narrow = map_leaves(lambda leaf: leaf.astype(np.float32) if is_array(leaf) else leaf, inputs)
    same = map_leaves(lambda leaf: leaf.astype(np.float64) if is_array(leaf) else leaf, narrow)
    wide_values, wide_gradients = run(operation, same, options)
    values, gradients = run(operation, narrow, options)
    for ours, wide in zip(values + gradients, wide_values + wide_gradients):
        assert ours is None or np.asarray(ours).dtype in (np.float32, bool) or not is_floating(ours), (
            operation
        )
        if is_floating(ours):
            np.testing.assert_allclose(ours, wide, rtol=2e-3, atol=2e-4)


def assert_pure(operation, *inputs, **options):
    """The same twice, inputs and upstream gradient untouched."""
    kept = map_leaves(lambda leaf: leaf.copy() if isinstance(leaf, np.ndarray) else leaf, inputs)
    value, pullback = operation(*inputs, **options)
    rng = np.random.default_rng(0)
    upstream = map_leaves(lambda leaf: like(leaf, rng), value)
    sent = map_leaves(lambda leaf: leaf.copy() if isinstance(leaf, np.ndarray) else leaf, upstream)
    first, second = pullback(upstream), pullback(upstream)
    for a, b in [(first, second), (kept, inputs), (sent, upstream)]:
        for (_, x), (_, y) in zip(leaves(a, ""), leaves(b, "")):
            np.testing.assert_array_equal(x, y)


def mutants(function, *changes):
    """Copies of `function` with one piece of its source replaced: (old, new) pairs -> functions.

    ValueError when the old piece is not there, so that a mutant cannot quietly become the original.
    """
    function = inspect.unwrap(function)  # as it was written; its decorators are lines of the source
    source = inspect.getsource(function)
    made = []
    for old, new in changes:
        if old not in source:
            raise ValueError(f"{function.__name__} does not hold {old!r}")
        scope = dict(function.__globals__)
        exec(compile(source.replace(old, new), f"<mutant of {function.__name__}>", "exec"), scope)
        made.append(scope[function.__name__])
    return made


def assert_mutants_are_rejected(row, *changes):
    """The original passes the crosscheck with everything that is drawn; every mutant fails it more than once."""
    wrong, left = dict(zip(changes, mutants(row.ours, *changes))), dict.fromkeys(changes, 3)

    @given(st.data())
    def try_all(data):
        inputs, options = row.case(data.draw)
        agrees_with_torch(row, inputs, options)
        for change, mutant in wrong.items():
            if left[change] and not passes(mutant, row.theirs, inputs, options):
                left[change] -= 1

    try_all()
    missed = [change for change in wrong if left[change]]
    assert not missed, f"not noticed: {missed}"


def passes(mutant, theirs, inputs, options):
    """False when the crosscheck objects, or when a shape does not even fit."""
    try:
        return crosscheck(mutant, theirs, *inputs, raises=False, **options).ok
    except ValueError:
        return False
