"""Nested inputs and outputs: tuples, lists and dicts whose leaves are arrays, numbers or None."""

import copy

import numpy as np


def is_branch(tree):
    """True for what has children: tuple, list or dict."""
    return isinstance(tree, (tuple, list, dict))


def is_list_of_numbers(tree):
    """True for a list that holds no array anywhere: somebody forgot to make one of it."""
    return isinstance(tree, list) and not any(isinstance(leaf, np.ndarray) for _, leaf in leaves(tree, ""))


def children(tree):
    """(step, child) pairs; a step is a dict's key or a position."""
    return tree.items() if isinstance(tree, dict) else enumerate(tree)


def step_name(path, step):
    """The name of a child: `params.weight` for a key, `state[0]` for a position."""
    return f"{path}.{step}" if isinstance(step, str) else f"{path}[{step}]"


def leaves(tree, path):
    """All (name, leaf) pairs, in order."""
    if not is_branch(tree):
        return [(path, tree)]
    return [pair for step, child in children(tree) for pair in leaves(child, step_name(path, step))]


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


def aligned(tree, other, missing):
    """The leaves of `other` in the places of the leaves of `tree`; `missing` where there is none."""
    if not is_branch(tree):
        return [other]
    found = []
    for step, child in children(tree):
        if other is None or other is missing:
            inner = other
        elif isinstance(tree, dict):
            inner = other.get(step, missing) if isinstance(other, dict) else missing
        else:
            fits = isinstance(other, (tuple, list)) and len(other) == len(tree)
            inner = other[step] if fits else missing
        found += aligned(child, inner, missing)
    return found


def is_floating(leaf):
    """True for what has a gradient: floating arrays and Python floats."""
    return isinstance(leaf, float) or (isinstance(leaf, (np.ndarray, np.generic)) and leaf.dtype.kind == "f")


def to_float64(leaf):
    """A floating leaf as a float64 array of its own; any other leaf as it is."""
    return np.array(leaf, dtype=np.float64) if is_floating(leaf) else leaf


def fresh(tree):
    """A copy that shares no array and no random generator with the original."""

    def copied(leaf):
        if isinstance(leaf, np.ndarray):
            return leaf.copy()
        return copy.deepcopy(leaf) if isinstance(leaf, (np.random.Generator, np.random.RandomState)) else leaf

    return map_leaves(copied, tree)
