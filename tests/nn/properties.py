"""What every operation of utils.nn must satisfy, as functions that the tests of each chapter call."""

import inspect

import numpy as np

from utils.crosscheck import crosscheck
from utils.crosscheck.trees import is_floating, leaves, map_leaves

EXTREMES = {
    "large": lambda shape: np.resize([1e4, -1e4, 3.0], shape),
    "constant": lambda shape: np.full(shape, 7.0),
    "zero": np.zeros,
    "denormal": lambda shape: np.resize([5e-324, -5e-324, 1e-310], shape),
}


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


def assert_finite_at_extremes(operation, *inputs, **options):
    """Every floating input array in turn (and all at once) becomes extreme; all must stay finite."""
    for name, fill in EXTREMES.items():
        replaced = map_leaves(lambda leaf, fill=fill: fill(leaf.shape) if is_array(leaf) else leaf, inputs)
        one_by_one = [(*inputs[:i], replaced[i], *inputs[i + 1 :]) for i in range(len(inputs))]
        for case in [replaced, *one_by_one]:
            for leaf in [x for part in run(operation, case, options) for x in part]:
                assert leaf is None or np.isfinite(leaf).all(), f"{operation.__name__}: {name}"


def is_array(leaf):
    return isinstance(leaf, np.ndarray) and leaf.dtype.kind == "f"


def assert_keeps_float32(operation, *inputs, **options):
    """float32 in, float32 out, values and gradients."""
    narrow = map_leaves(lambda leaf: leaf.astype(np.float32) if is_array(leaf) else leaf, inputs)
    wide_values, wide_gradients = run(operation, inputs, options)
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


def assert_mutants_are_rejected(function, theirs, inputs, *changes, **options):
    """The original passes the crosscheck, every mutant fails it."""
    assert len(changes) >= 3
    assert crosscheck(function, theirs, *inputs, **options).ok
    for mutant, change in zip(mutants(function, *changes), changes):
        report = crosscheck(mutant, theirs, *inputs, raises=False, **options)
        assert not report.ok, f"not noticed: {change}"
