"""Nested inputs and outputs: tuples, lists and dicts whose leaves are arrays, numbers or None."""

import copy

import numpy as np


class Nothing:
    """Stands where there is no leaf: for what was omitted, or did not come back."""

    def __init__(self, words):
        self.words = words

    def __repr__(self):
        return self.words


OMITTED, MISSING = Nothing("omitted"), Nothing("nothing")


def is_branch(tree):
    """True for what has children: tuple, list or dict."""
    return isinstance(tree, (tuple, list, dict))


def is_list_of_numbers(tree):
    """True for a list that holds no array anywhere: somebody forgot to make one of it."""
    return isinstance(tree, list) and not any(isinstance(leaf, np.ndarray) for _, leaf in leaves(tree))


def children(tree, path=""):
    """(step, name, child): a step is a dict's key or a position, a name `params.weight` or `state[0]`."""
    for step, child in tree.items() if isinstance(tree, dict) else enumerate(tree):
        yield step, f"{path}.{step}" if isinstance(step, str) else f"{path}[{step}]", child


def leaves(tree, path=""):
    """All (name, leaf) pairs, in order."""
    if not is_branch(tree):
        return [(path, tree)]
    return [pair for _, name, child in children(tree, path) for pair in leaves(child, name)]


def map_leaves(function, tree):
    """The same tree with function(leaf) in place of every leaf."""
    if isinstance(tree, dict):
        return {key: map_leaves(function, child) for key, child in tree.items()}
    if isinstance(tree, (tuple, list)):
        mapped = [map_leaves(function, child) for child in tree]
        return type(tree)(*mapped) if hasattr(tree, "_fields") else type(tree)(mapped)
    return function(tree)


def refill(tree, values):
    """The same tree with its leaves replaced, in order, by `values`."""
    values = iter(values)
    return map_leaves(lambda _: next(values), tree)


def aligned(tree, other, missing=MISSING):
    """The leaves of `other` in the places of the leaves of `tree`; `missing` where there is none."""
    if not is_branch(tree):
        return [other]
    found = []
    for step, _, child in children(tree):
        inner = None if other is None else missing
        if isinstance(tree, dict) and isinstance(other, dict):
            inner = other.get(step, missing)
        elif isinstance(tree, (tuple, list)) and isinstance(other, (tuple, list)) and len(other) == len(tree):
            inner = other[step]
        found += aligned(child, inner, missing)
    return found


def is_floating(leaf):
    """True for what has a gradient: floating arrays and Python floats."""
    return isinstance(leaf, float) or (isinstance(leaf, (np.ndarray, np.generic)) and leaf.dtype.kind == "f")


def differs(before, after):
    """True for two arrays that are not the same to the bit."""
    return isinstance(before, np.ndarray) and not np.array_equal(before, after, equal_nan=is_floating(before))


def to_float64(leaf):
    """A floating leaf as a float64 array of its own; any other leaf as it is."""
    return np.array(leaf, dtype=np.float64) if is_floating(leaf) else leaf


def fresh(tree):
    """A copy that shares no array and no random generator with the original."""
    own = (np.ndarray, np.random.Generator, np.random.RandomState)
    return map_leaves(lambda leaf: copy.deepcopy(leaf) if isinstance(leaf, own) else leaf, tree)
