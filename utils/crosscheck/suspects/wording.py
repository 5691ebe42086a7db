"""Values of PyTorch's computation as a person would write them: `tanh(x @ w1 + b1)`."""

import numpy as np
import torch

ROOM = 52  # letters; a longer formula is cut inside, at the deepest place first
BINARY = {
    "add": "+", "__add__": "+", "__iadd__": "+", "__radd__": "+", "sub": "-", "__sub__": "-", "__isub__": "-",
    "__rsub__": "-", "rsub": "-", "mul": "*", "__mul__": "*", "__rmul__": "*", "multiply": "*", "div": "/",
    "__truediv__": "/", "__rtruediv__": "/", "__rdiv__": "/", "true_divide": "/", "matmul": "@", "mm": "@", "bmm": "@",
    "mv": "@", "dot": "@", "__matmul__": "@", "__rmatmul__": "@", "pow": "**", "__pow__": "**", "__rpow__": "**",
}  # fmt: skip
REVERSED = {"__rsub__", "rsub", "__rtruediv__", "__rdiv__", "__rpow__", "__rmatmul__"}
LOOKS = {
    "reshape", "view", "permute", "contiguous", "unsqueeze", "squeeze", "expand", "expand_as", "flatten", "clone",
    "double", "float", "to", "type", "unflatten", "view_as", "broadcast_to", "movedim", "repeat", "type_as",
}  # fmt: skip
TRANSPOSES = {"T", "mT", "H", "mH", "t", "transpose", "swapaxes", "swapdims", "adjoint"}
STRENGTH = {"+": 1, "-": 1, "*": 2, "/": 2, "@": 2, "**": 3}


class Writer:
    """Writes the values of a recording."""

    def __init__(self, maker, names):
        self.maker, self.names = maker, names

    def __call__(self, value):
        """As much of the formula as there is room for."""
        texts = [self.text(value, depth)[0] for depth in (7, 6, 5, 4, 3, 2, 1)]
        return next((t for t in texts if len(t) <= ROOM), texts[-1])

    def text(self, value, depth):
        """(words, how strongly they hold together)."""
        if not isinstance(value, torch.Tensor):
            return short(value), 9
        label = getattr(value, "label", None) or self.names.get(id(value))
        if label:
            return label, 9
        if id(value) not in self.maker:
            return (short(value.item()) if value.numel() == 1 else "..."), 9
        if depth <= 0:
            return "...", 9
        return self.of_step(*self.maker[id(value)], depth)

    def of_step(self, step, output, depth):
        given = list(step.arguments.items())
        first = next(a for slot, a in given if isinstance(a, torch.Tensor))
        if step.name in LOOKS:
            return self.text(first, depth)
        if step.name in BINARY and len(given) >= 2:
            a, b = given[0][1], given[1][1]
            return self.infix(BINARY[step.name], *((b, a) if step.name in REVERSED else (a, b)), depth)
        if step.name in ("neg", "negative", "__neg__"):
            return "-" + self.tight(first, depth, 2), 2
        if step.name in TRANSPOSES:
            return self.tight(first, depth, 8) + ".T", 9
        if step.name == "__getitem__":
            index = [a for slot, a in given if slot[:2] == ("args", 1)]
            return f"{self.tight(first, depth, 8)}[{', '.join(self.of_index(i) for i in index)}]", 9
        if len(step.outputs) > 1 and step.name in ("chunk", "split", "tensor_split", "hsplit"):
            return f"{self.tight(first, depth, 8)}.{step.name}[{output}]", 9
        if step.name in ("unbind", "__iter__"):
            return f"{self.tight(first, depth, 8)}[{output}]", 9
        tensors = [self.text(a, depth - 1)[0] for _, a in given if isinstance(a, torch.Tensor)]
        return f"{step.name.strip('_')}({', '.join(tensors)})", 9

    def infix(self, sign, a, b, depth):
        """`a + b`; the depth counts nested functions and products, not sums."""
        strength = STRENGTH[sign]
        inner = depth - (0.3 if sign == "+" else 1)
        right = strength + (0 if sign == "+" else 1)
        return f"{self.tight(a, inner, strength)} {sign} {self.tight(b, inner, right)}", strength

    def tight(self, value, depth, strength):
        """In brackets unless it holds together at least so strongly."""
        words, own = self.text(value, depth)
        return words if own >= strength or words == "..." else f"({words})"

    def of_index(self, index):
        if isinstance(index, slice):
            ends = ["" if e is None else short(e) for e in (index.start, index.stop)]
            return ":".join(ends)
        if index is None:
            return "None"
        if isinstance(index, torch.Tensor):
            return self.names.get(id(index), "..." if index.ndim else short(index.item()))
        return "..." if index is Ellipsis or isinstance(index, (list, tuple, np.ndarray)) else short(index)


def short(number):
    """A number in three digits, anything else as three dots."""
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        return "..."
    return f"{number:d}" if isinstance(number, int) else f"{number:.3g}"


def listed(names):
    """`a`, `a and b`, `a, b and c`."""
    names = list(names)
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
