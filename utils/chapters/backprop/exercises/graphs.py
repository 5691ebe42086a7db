"""Graphs for the exercises: numbers that may be watched, and what is sent back through them, by us and by PyTorch."""

from dataclasses import dataclass

import numpy as np

from utils.exercises.lazy import torch
from utils.nn.reverse_mode import Value, topological_order

PATIENCE = 100  # how often a backward pass may look at each number


class TooLong(BaseException):
    """A backward pass looks at the same numbers again and again; no `except Exception` on the way stops it."""


class Node:
    """A number of a finished graph, as the class of section 1.3: data, grad, parents, slopes.  It counts who looks."""

    def __init__(self, data, parents, slopes, looks):
        self.data, self.grad, self._parents, self.slopes, self._looks = data, 0.0, parents, slopes, looks

    @property
    def parents(self):
        self._looks["left"] -= 1
        if self._looks["left"] < 0:
            raise TooLong
        return self._parents


def as_nodes(root):
    """The graph of a Value as Nodes: all of them, parents first, the root last."""
    order, looks = topological_order(root), {}
    looks["left"] = PATIENCE * len(order)
    made = {}
    for value in order:
        made[id(value)] = Node(value.data, tuple(made[id(p)] for p in value.parents), value.slopes, looks)
    return [made[id(value)] for value in order]


@dataclass(frozen=True)
class Graph:
    """A formula and its inputs: `build` takes numbers of any kind (Values, tensors) and returns the root."""

    formula: str
    build: object
    inputs: dict

    def nodes(self):
        """(all Nodes, those of the inputs by name)."""
        values = {name: Value(number) for name, number in self.inputs.items()}
        root = self.build(*values.values())
        nodes = as_nodes(root)
        by_value = {id(value): node for value, node in zip(topological_order(root), nodes)}
        return nodes, {name: by_value[id(value)] for name, value in values.items()}

    def truth(self):
        """The gradient of every Node, by Value, in the order of nodes()."""
        root = self.build(*map(Value, self.inputs.values()))
        root.backward()
        return np.array([value.grad for value in topological_order(root)])

    def torch_truth(self):
        """The gradient of every input by PyTorch."""
        tensors = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in self.inputs.values()]
        self.build(*tensors).backward()
        return np.array([tensor.grad.item() for tensor in tensors])


def doubled(times):
    def build(x):
        for _ in range(times):
            x = x + x
        return x

    return build


def random_graph(seed, inputs=3, steps=12):
    """A formula nobody planned: each step joins two numbers made before, and all that is left over is added up."""

    def build(*numbers):
        rng, numbers, used = np.random.default_rng(seed), list(numbers), set()
        for _ in range(steps):
            i, j = rng.integers(len(numbers), size=2)
            a, b = numbers[i], numbers[j]
            kind = rng.integers(4)
            numbers.append([a + b, a * b, (a + b).sigmoid(), (a * b).tanh()][kind])
            used |= {i, j}
        root = numbers[-1]
        for k, number in enumerate(numbers[:-1]):
            if k not in used:
                root = root + number
        return root

    rng = np.random.default_rng([seed, 1])
    return Graph("a random graph", build, {f"x{k + 1}": float(rng.normal()) for k in range(inputs)})


GRAPHS = [
    Graph("(w * x + b).sigmoid()", lambda w, x, b: (w * x + b).sigmoid(), {"w": 0.5, "x": 2.0, "b": -0.3}),
    Graph("x * x + x", lambda x: x * x + x, {"x": 3.0}),
    # t is a parent of the root and of another parent of the root: sorted badly, it hands on too early
    Graph("t + t * t, with t = x * y", lambda x, y: (t := x * y) + t * t, {"x": 2.0, "y": 0.5}),
    Graph("t * t + t, with t = x * y", lambda x, y: (t := x * y) * t + t, {"x": 2.0, "y": 0.5}),
    *(random_graph(seed) for seed in range(6)),
    Graph("x doubled forty times by x = x + x", doubled(40), {"x": 1.0}),
]
