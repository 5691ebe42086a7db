"""Trees of arrays, as a network's parameters are: tuples, lists and dicts, with None where there is nothing."""

import numpy as np

from utils.nn.kinds import floating, told, usual


def map_trees(function, **trees):
    """One tree from several that are built alike: function(array, array, ...) in every place.

    function: pure, it may be called more than once for a place.  trees: under the names that messages
    give them, each with an array of one shape in each place; None stays None, a list comes back as a
    tuple.  ValueError that names the place, such as grads[0].weight, where two differ.
    """
    try:
        return quickly(function, tuple(trees.values()))
    except (Unusual, KeyError):  # KeyError: another dict lacks what the first one has
        return slowly(function, tuple(trees), tuple(trees.values()), ())


def tree(given, name):
    """The kind of an argument that is a tree of arrays, each of floating point."""
    return map_trees(lambda array: array, **{name: given})


class Unusual(Exception):
    """Trees that are not built alike, or hold more than float64 and float32: to be looked at slowly."""


def quickly(function, trees):
    """map_trees without a look at names and places: training does this after every step."""
    first, kind = trees[0], type(trees[0])
    if kind is np.ndarray:
        shape, dtype = first.shape, first.dtype
        for tree in trees:
            if not usual(tree) or tree.dtype is not dtype or tree.shape != shape:
                raise Unusual
        return function(*trees)
    for tree in trees:
        if type(tree) is not kind:
            raise Unusual
    if first is None:
        return None
    if kind is not dict and kind is not tuple:
        raise Unusual
    for tree in trees:
        if len(tree) != len(first):
            raise Unusual
    if kind is dict:
        return {key: quickly(function, [tree[key] for tree in trees]) for key in first}
    return tuple([quickly(function, part) for part in zip(*trees)])


def slowly(function, names, trees, path):
    """map_trees below one place; path: the keys and positions that lead there."""
    first = trees[0]
    for name, tree in zip(names, trees):
        if structure(tree) != structure(first):
            came, expected = told_tree(tree), told_tree(first)
            raise ValueError(f"{place(name, path)} is {came}; expected {expected}, as in {names[0]}")
    if first is None:
        return None
    if isinstance(first, dict):
        return {key: slowly(function, names, [tree[key] for tree in trees], (*path, key)) for key in first}
    if isinstance(first, (tuple, list)):
        return tuple(slowly(function, names, part, (*path, i)) for i, part in enumerate(zip(*trees)))
    arrays = [floating(tree, place(name, path)) for name, tree in zip(names, trees)]
    for name, array in zip(names, arrays):
        if array.shape != arrays[0].shape:
            came, expected = array.shape, arrays[0].shape
            raise ValueError(f"{place(name, path)} has shape {came}; expected {expected}, as in {names[0]}")
    return function(*arrays)


def structure(tree):
    """What two trees have in common when they are built alike: None, keys, a number of entries, or an array."""
    if tree is None:
        return None
    if isinstance(tree, dict):
        return tree.keys()
    return len(tree) if isinstance(tree, (tuple, list)) else "array"


def place(name, path):
    """How a message calls a place: params[0].weight."""
    return name + "".join(f".{step}" if isinstance(step, str) else f"[{step}]" for step in path)


def told_tree(tree):
    """How a message calls what stands in a place."""
    if isinstance(tree, dict):
        return f"a dict of {', '.join(map(str, tree)) or 'nothing'}"
    return f"{told(tree)} of {len(tree)}" if isinstance(tree, (tuple, list)) else told(tree)
