"""What belongs together: rules from which the browser works out the elements that light up with the one under the pointer.

An element is called by its mark and its place, ("y", (0, 2)).  A rule is one line however many elements it joins.
"""

import itertools
import string
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Link:
    """Marks joined by the letters of their axes, as einsum writes it.

    Link("ni,oi->no", "x", "weight", "y"): y[n, o] is made of row n of x and row o of weight; what shares its letters
    lights up.  Link("ij->ij", "x", "dx"): the same place in both.  Empty letters stand for a whole mark.
    """

    rule: str
    names: tuple

    def __init__(self, rule, *names):
        letters = rule.replace("->", ",").split(",")
        if len(letters) != len(names) or len(names) < 2:
            raise ValueError(f"rule: {rule!r} speaks of {len(letters)} marks, and {len(names)} are named")
        if not set("".join(letters)) <= set(string.ascii_letters):
            raise ValueError(f"rule: expected letters, commas and ->, got {rule!r}")
        object.__setattr__(self, "rule", rule)
        object.__setattr__(self, "names", names)

    def spec(self, shapes):
        """What the browser needs.  ValueError where a mark has another number of axes, or a letter two lengths."""
        letters, lengths = self.rule.replace("->", ",").split(","), {}
        for name, axes in zip(self.names, letters):
            shape = shape_of(name, shapes)
            if len(axes) != len(shape):
                raise ValueError(f"links: {self.rule!r} gives {name} {len(axes)} axes; its shape is {shape}")
            for letter, length in zip(axes, shape):
                if lengths.setdefault(letter, length) != length:
                    raise ValueError(
                        f"links: {letter} in {self.rule!r} is both {lengths[letter]} and {length}"
                    )
        return {"kind": "axes", "axes": [[n, a] for n, a in zip(self.names, letters)], "lengths": lengths}


@dataclass(frozen=True)
class Window:
    """A window that slides: output[i, j] sees input[i * stride + a * dilation - padding, ...] through kernel[a, b].

    output, input, kernel: names of marks with two axes; kernel may be None with size=(rows, columns).
    """

    output: str
    input: str
    kernel: str | None = None
    size: tuple = ()
    stride: int = 1
    padding: int = 0
    dilation: int = 1

    def spec(self, shapes):
        size = shape_of(self.kernel, shapes) if self.kernel else tuple(self.size)
        out, inside = shape_of(self.output, shapes), shape_of(self.input, shapes)
        for n_out, n_in, k in zip(out, inside, size, strict=True):
            fits = (n_in + 2 * self.padding - self.dilation * (k - 1) - 1) // self.stride + 1
            if fits != n_out:
                raise ValueError(
                    f"links: a window of {size} gives {self.output} a length of {fits}, not {n_out}"
                )
        return {
            "kind": "window", "output": self.output, "input": self.input, "kernel": self.kernel, "size": list(size),
            "stride": self.stride, "padding": self.padding, "dilation": self.dilation,
            "outputShape": list(out), "inputShape": list(inside),
        }  # fmt: skip


@dataclass(frozen=True)
class Pairs:
    """Elements joined one by one: [(("w", (0, 1)), ("net", ("edge", 3))), ...], for what no rule says."""

    pairs: tuple

    def spec(self, shapes):
        for pair in self.pairs:
            for name, _ in pair:
                shape_of(name, shapes)
        return {"kind": "pairs", "pairs": [[key(*one), key(*other)] for one, other in self.pairs]}


def shape_of(name, shapes):
    if name not in shapes:
        raise ValueError(f"links: no mark is called {name!r}; there are {', '.join(shapes)}")
    return tuple(shapes[name])


def key(name, place):
    """How the page calls an element: y:0,2."""
    return f"{name}:{','.join(map(str, place))}"


def linked(spec, name, place):
    """The keys that light up with an element by one rule: what links.js works out, for tests and pages without it."""
    if spec["kind"] == "pairs":
        here = key(name, place)
        return {b for pair in spec["pairs"] for a, b in (pair, pair[::-1]) if a == here}
    if spec["kind"] == "axes":
        return linked_by_axes(spec, name, place)
    return linked_by_window(spec, name, place)


def linked_by_axes(spec, name, place):
    found = set()
    for own, letters in spec["axes"]:
        if own != name:
            continue
        fixed = dict(zip(letters, place))
        for other, axes in spec["axes"]:
            if other != own:
                ranges = [[fixed[a]] if a in fixed else range(spec["lengths"][a]) for a in axes]
                found |= {key(other, at) for at in itertools.product(*ranges)}
    return found


def linked_by_window(spec, name, place):
    found = set()
    size, stride, padding, dilation = (spec[k] for k in ("size", "stride", "padding", "dilation"))
    out, inside = np.array(spec["outputShape"]), np.array(spec["inputShape"])
    for offset in np.ndindex(*size):
        reach = np.array(offset) * dilation - padding
        if name == spec["output"]:
            source = np.array(place) * stride + reach
            if ((source >= 0) & (source < inside)).all():
                found.add(key(spec["input"], source))
                found |= {key(spec["kernel"], offset)} if spec["kernel"] else set()
        elif name == spec["input"]:
            target, rest = np.divmod(np.array(place) - reach, stride)
            if not rest.any() and ((target >= 0) & (target < out)).all():
                found.add(key(spec["output"], target))
    return found
