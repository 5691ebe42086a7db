"""Trees of arrays, as a network's parameters are: tuples, lists and dicts, with None where there is nothing."""

import numpy as np

from utils.nn.kinds import floating, told, usual


def map_trees(function, **trees):
    """One tree from several that are built alike: function(array, array, ...) in every place.

    trees: under the names that messages give them, each with an array of one shape in each place;
    None stays None, a list comes back as a tuple.  ValueError that names the place, such as
    grads[0].weight, where two differ.
    """
    return mapped(function, tuple(trees), tuple(trees.values()), ())


def tree(given, name):
    """The kind of an argument that is a tree of arrays, each of floating point."""
    return map_trees(lambda array: array, **{name: given})


def mapped(function, names, trees, path):
    """map_trees below one place; path: the keys and positions that lead there."""
    first = trees[0]
    if usual(first):  # the quickest way for what is met most often
        shape, dtype = first.shape, first.dtype
        for tree in trees[1:]:
            if type(tree) is not np.ndarray or tree.dtype is not dtype or tree.shape != shape:
                return function(*arrays_of(names, trees, path))
        return function(*trees)
    for name, tree in zip(names, trees):
        if tree is not first:  # as None is, in the same place of another tree
            expect_alike(name, tree, first, path, names[0])
    if first is None:
        return None
    if isinstance(first, dict):
        parts = zip(*[map(tree.__getitem__, first) for tree in trees])
        return {key: mapped(function, names, part, (*path, key)) for key, part in zip(first, parts)}
    if isinstance(first, (tuple, list)):
        return tuple([mapped(function, names, part, (*path, i)) for i, part in enumerate(zip(*trees))])
    return function(*arrays_of(names, trees, path))


def arrays_of(names, trees, path):
    """What stands in one place, as arrays of floating point; ValueError unless they have one shape."""
    arrays = [floating(tree, place(name, path)) for name, tree in zip(names, trees)]
    for name, array in zip(names, arrays):
        if array.shape != arrays[0].shape:
            raise ValueError(
                f"{place(name, path)} has shape {array.shape}; expected {arrays[0].shape}, as in {names[0]}"
            )
    return arrays


def expect_alike(name, tree, first, path, where):
    """ValueError when a tree does not hold what the first one, of the name `where`, holds in this place."""
    if structure(tree) != structure(first):
        raise ValueError(
            f"{place(name, path)} is {told_tree(tree)}; expected {told_tree(first)}, as in {where}"
        )


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
