"""Reverse mode on scalars: numbers that remember what they were made from, and send gradients back."""

import math

from utils.nn.activations import sigmoid
from utils.nn.kinds import real


class Value:
    """A number that remembers what it was made from, for reverse mode.

    data: the number; parents: the Values it was made from; slopes: its derivative with respect
    to each parent, a number, known as soon as the value is; op: what made it; name: for pictures.
    `backward()` fills `.grad`, the derivative of the root with respect to this value.
    """

    def __init__(self, data, parents=(), slopes=(), op="", name=""):
        self.data, self.grad = real(data, "data"), 0.0
        self.parents, self.slopes, self.op, self.name = parents, slopes, op, name

    def __repr__(self):
        return f"Value({self.name + ' = ' if self.name else ''}{self.data:.6g}, grad={self.grad:.6g})"

    def __add__(self, other):
        other = as_value(other)
        return Value(self.data + other.data, (self, other), (1.0, 1.0), "+")

    def __mul__(self, other):
        other = as_value(other)
        return Value(self.data * other.data, (self, other), (other.data, self.data), "*")

    def __truediv__(self, other):
        other = as_value(other)
        y = self.data / other.data
        return Value(y, (self, other), (1 / other.data, -y / other.data), "/")

    def __pow__(self, power):
        real(power, "power")
        slope = power * self.data ** (power - 1) if power else 0.0
        return Value(self.data**power, (self,), (slope,), f"**{power}")

    def exp(self):
        y = math.exp(self.data)
        return Value(y, (self,), (y,), "exp")

    def log(self):
        return Value(math.log(self.data), (self,), (1 / self.data,), "log")

    def tanh(self):
        y = math.tanh(self.data)
        return Value(y, (self,), (1 - y * y,), "tanh")

    def sigmoid(self):
        y = float(sigmoid(self.data)[0])
        return Value(y, (self,), (y * (1 - y),), "sigmoid")

    def relu(self):
        return Value(max(self.data, 0.0), (self,), (float(self.data > 0),), "relu")

    def __neg__(self):
        return Value(-self.data, (self,), (-1.0,), "-")

    def __sub__(self, other):
        other = as_value(other)
        return Value(self.data - other.data, (self, other), (1.0, -1.0), "-")

    def __rsub__(self, other):
        return as_value(other) - self

    def __rtruediv__(self, other):
        return as_value(other) / self

    __radd__, __rmul__ = __add__, __mul__

    def backward(self):
        """Send gradients from this value, the root, to everything it was made from."""
        order = topological_order(self)
        for node in order:
            node.grad = 0.0
        self.grad = 1.0
        for node in reversed(order):
            for parent, slope in zip(node.parents, node.slopes):
                parent.grad += node.grad * slope


def as_value(x):
    """x itself if it is a Value, else a constant Value."""
    return x if isinstance(x, Value) else Value(x)


def topological_order(root):
    """Every number that root was made from, parents before children, root last."""
    order, seen, stack = [], set(), [(root, False)]
    while stack:
        node, parents_done = stack.pop()
        if parents_done:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack.extend((parent, False) for parent in reversed(node.parents))
    return order
