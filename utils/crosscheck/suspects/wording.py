"""Values of PyTorch's computation as a person would write them: `tanh(x @ w1 + b1)`."""

import torch

ROOM = 52  # letters; a longer formula is cut inside, at the deepest place first
BINARY = {
    "add": "+", "iadd": "+", "radd": "+", "sub": "-", "isub": "-", "rsub": "-", "mul": "*", "imul": "*", "rmul": "*",
    "multiply": "*", "div": "/", "truediv": "/", "rtruediv": "/", "rdiv": "/", "true_divide": "/", "matmul": "@",
    "rmatmul": "@", "mm": "@", "bmm": "@", "mv": "@", "dot": "@", "pow": "**", "rpow": "**",
}  # fmt: skip
REVERSED = {"rsub", "rtruediv", "rdiv", "rpow", "rmatmul"}
LOOKS = {
    "reshape", "view", "permute", "contiguous", "unsqueeze", "squeeze", "expand", "expand_as", "flatten", "clone",
    "double", "float", "to", "type", "unflatten", "view_as", "broadcast_to", "movedim", "repeat", "type_as",
}  # fmt: skip
TRANSPOSES = {"T", "mT", "H", "mH", "t", "transpose", "swapaxes", "swapdims", "adjoint"}
STRENGTH = {"+": 1, "-": 1, "*": 2, "/": 2, "@": 2, "**": 3}


class Writer:
    """Writes the values of a recording: writer(value) in words, writer.told(thing) for a sentence."""

    def __init__(self, recording):
        self.recording, self.maker, self.names = recording, recording.maker, recording.names

    def __call__(self, value):
        """Its label, its name, or as much of its formula as there is room for, in backticks."""
        if known := self.known(value):
            return known
        texts = (self.text(value, depth)[0] for depth in (7, 6, 5, 4, 3, 2, 1))
        return f"`{next((t for t in texts if len(t) <= ROOM), '...')}`"

    def known(self, value):
        looked_at, _ = self.recording.looks.get(
            id(value), (value, None)
        )  # of a mask, or what else has no gradient
        return getattr(value, "label", None) or self.names.get(id(looked_at))

    def told(self, thing):
        """A thing in a sentence: words as they are, a value past mere looks at it, an edge by what it goes into."""
        if isinstance(thing, str):
            return thing
        return self.origin(thing) if isinstance(thing, torch.Tensor) else self.use_of(thing)

    def origin(self, value):
        while id(value) in self.maker and not hasattr(value, "label"):
            step, _ = self.maker[id(value)]
            if step.name not in LOOKS | TRANSPOSES or len(step.edges) != 1:
                break
            value = step.edges[0].source
        return self(value)

    def use_of(self, edge):
        """The value that an edge goes into: past a reshape or a transpose, or that behind it which has a label."""
        step, *ahead = self.onward(edge.step, 6)
        while step.name in LOOKS | TRANSPOSES and ahead:
            step, *ahead = ahead
        if step.writes or step.output is None:
            return f"its {step.name}"
        for onward in self.onward(step, 4):
            if hasattr(onward.output, "label"):
                return onward.output.label
        if step.name in ("stack", "cat", "concat", "hstack", "vstack"):
            return "the result" if self.recording.is_result(step.output) else f"a {step.name}"
        return self(step.output)

    def onward(self, step, most):
        """A step and the next ones, as long as there is but one."""
        yield step
        for _ in range(most):
            ahead = self.recording.consumers.get(id(step.output), []) if step.output is not None else []
            if len(ahead) != 1:
                return
            step = ahead[0].step
            yield step

    def text(self, value, depth):
        """(words, how strongly they hold together)."""
        if not isinstance(value, torch.Tensor):
            return short(value), 9
        if known := self.known(value):
            return known, 9
        if id(value) not in self.maker:
            return (short(value.item()) if value.numel() == 1 else "..."), 9
        return self.of_step(*self.maker[id(value)], depth) if depth > 0 else ("...", 9)

    def of_step(self, step, output, depth):
        given = list(step.arguments.items())
        first = next(a for slot, a in given if isinstance(a, torch.Tensor))
        if step.name in LOOKS:
            return self.text(first, depth)
        if step.name in BINARY and len(given) >= 2:
            a, b = given[0][1], given[1][1]
            return self.infix(BINARY[step.name], *((b, a) if step.name in REVERSED else (a, b)), depth)
        if step.name in ("neg", "negative"):
            return "-" + self.tight(first, depth, 2), 2
        if step.name in TRANSPOSES:
            return self.tight(first, depth, 8) + ".T", 9
        if step.name == "getitem":
            index = [self.of_index(a) for slot, a in given if slot[:2] == (0, 1)]
            return f"{self.tight(first, depth, 8)}[{', '.join(index)}]", 9
        if len(step.outputs) > 1 and step.name in ("chunk", "split", "tensor_split", "hsplit"):
            return f"{self.tight(first, depth, 8)}.{step.name}[{output}]", 9
        if step.name in ("unbind", "iter"):
            return f"{self.tight(first, depth, 8)}[{output}]", 9
        tensors = [self.text(a, depth - 1)[0] for _, a in given if isinstance(a, torch.Tensor)]
        return f"{step.name}({', '.join(tensors)})", 9

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
            return ":".join("" if e is None else short(e) for e in (index.start, index.stop))
        if isinstance(index, torch.Tensor):
            return self.names.get(id(index), "..." if index.ndim else short(index.item()))
        return "None" if index is None else short(index)


def short(number):
    """A number in three digits, anything else as three dots."""
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        return "..."
    return f"{number:d}" if isinstance(number, int) else f"{number:.3g}"
