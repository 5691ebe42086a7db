"""Small arrays as aligned text, side by side."""

import numpy as np

WIDTH = 96  # characters; more blocks than fit go below


def cells(array):
    """The elements as text: three decimals, whole numbers and truth values as they are."""
    array = np.asarray(array)
    if array.dtype.kind == "b":
        return np.where(array, "True", "False")
    if array.dtype.kind in "iu":
        return array.astype(str)
    return np.array([f"{round(float(v), 3) + 0.0:.3f}" for v in array.ravel()]).reshape(array.shape)


def block(title, array):
    """A title and the rows of an array, as lines of one width."""
    array = np.asarray(array)
    texts = cells(array)
    wide = max((len(text) for text in texts.ravel()), default=0)
    rows = texts.reshape(1, -1) if array.ndim < 2 else texts.reshape(-1, texts.shape[-1])
    lines = [title] + ["  ".join(text.rjust(wide) for text in row) for row in rows]
    length = max(map(len, lines))
    return [line.ljust(length) for line in lines]


def side_by_side(named):
    """(title, array) pairs as text: blocks next to each other, as many as fit a line."""
    rows, row = [], []
    for made in (block(title, array) for title, array in named):
        if row and sum(len(b[0]) + 4 for b in [*row, made]) > WIDTH:
            rows.append(row)
            row = []
        row.append(made)
    return "\n\n".join(join_blocks(row) for row in [*rows, row] if row)


def join_blocks(row):
    height = max(map(len, row))
    filled = [b + [" " * len(b[0])] * (height - len(b)) for b in row]
    return "\n".join("    ".join(parts).rstrip() for parts in zip(*filled))


def titled(name, array):
    """x (2, 3): a name and its shape."""
    return f"{name} {np.shape(array)}" if np.ndim(array) else name
