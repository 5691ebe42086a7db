"""Chapter 01: layers that return a value and its pullback, and two ways of differentiating programs."""

import contextlib
import inspect
import math
import weakref

import numpy as np

from utils.nn.activations import sigmoid


def linear(x, weight, bias=None):
    """Map the last axis by a matrix and add a bias, x W^T + b: eqs. (1.10), (1.11).

    x: (..., in); weight: (out, in); bias: (out,) or None.  Returns (..., out), as
    torch.nn.functional.linear.  ValueError when the last axis of x is not `in`, or bias does not fit.
    """
    if x.shape[-1:] != weight.shape[1:]:
        raise ValueError(f"x has shape {x.shape}; weight expects {weight.shape[1]} on its last axis")
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ValueError(f"bias has shape {bias.shape}; expected {weight.shape[:1]}, one number a unit")
    y = x @ weight.T
    if bias is not None:
        y = y + bias

    def pullback(dy):
        batch = tuple(range(x.ndim - 1))
        dweight = np.tensordot(dy, x, axes=(batch, batch))
        dbias = None if bias is None else dy.sum(batch)
        return dy @ weight, dweight, dbias

    return y, pullback


class Tap:
    """An identity layer that keeps what passes: `.value` going forward, `.gradient` coming back."""

    def __init__(self, name=""):
        self.name, self.value, self.gradient = name, None, None

    def __call__(self, x):
        self.value, self.gradient = x, None

        def pullback(dy):
            self.gradient = dy
            return dy

        return x, pullback


# what inputs_of found: asking Python for a signature takes longer than running a small layer
_inputs = weakref.WeakKeyDictionary()


def inputs_of(layer):
    """The names of a layer's inputs: its parameters before a bare `*`."""
    try:
        return _inputs[layer]
    except (KeyError, TypeError):  # TypeError: a layer that cannot be referred to weakly
        kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        names = tuple(p.name for p in inspect.signature(layer).parameters.values() if p.kind in kinds)
    with contextlib.suppress(TypeError):
        _inputs[layer] = names
    return names


def call_layer(layer, params, x):
    """Run one layer of a chain; its pullback gives (dparams, dx), dparams None without parameters.

    Three kinds of layer: a network `f(params, x)`, a function of one input `f(x)`, and a function
    `f(x, weight, ...)` whose further inputs stand in `params` under their names.
    """
    names = inputs_of(layer)
    if not names:
        raise ValueError(f"{name_of(layer)} names no input; expected f(x), f(x, weight, ...) or f(params, x)")
    if names[0] == "params":
        return layer(params, x)
    unknown = set(params or {}) - set(names[1:])
    if unknown:
        raise ValueError(
            f"params of {name_of(layer)} holds {sorted(unknown)}; its inputs are {list(names[1:])}"
        )
    if len(names) == 1:
        value, back = layer(x)
        return value, lambda dy: (None, back(dy))
    value, back = layer(x, **(params or {}))

    def pullback(dy):
        dx, *dothers = back(dy)
        return {name: d for name, d in zip(names[1:], dothers) if name in (params or {})}, dx

    return value, pullback


def name_of(layer):
    """How a message calls a layer; a functools.partial has no name of its own."""
    return getattr(getattr(layer, "func", layer), "__name__", repr(layer))


def chain(*layers):
    """Compose layers into a network, f(params, x).

    params: a tuple with one dict (or None) per layer.  The network's pullback gives
    (dparams, dx), dparams built like params.  ValueError when their number differs.
    """

    def network(params, x):
        if len(params) != len(layers):
            raise ValueError(f"params has {len(params)} entries; this chain has {len(layers)} layers")
        backs = []
        for layer, p in zip(layers, params):
            x, back = call_layer(layer, p, x)
            backs.append(back)

        def pullback(dy):
            dparams = []
            for back in reversed(backs):
                dp, dy = back(dy)
                dparams.append(dp)
            return tuple(reversed(dparams)), dy

        return x, pullback

    return network


class Value:
    """A number that remembers what it was made from, for reverse mode.

    data: the number; parents: the Values it was made from; slopes: its derivative with respect
    to each parent, a number, known as soon as the value is; op: what made it; name: for pictures.
    `backward()` fills `.grad`, the derivative of the root with respect to this value.
    """

    def __init__(self, data, parents=(), slopes=(), op="", name=""):
        self.data, self.grad = float(data), 0.0
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


class Dual:
    """A value and its tangent, computed side by side, for forward mode.

    value, tangent: numbers, or arrays of one shape.  The tangent is the derivative of the value
    along the direction in which the inputs' tangents point (a Jacobian-vector product).
    """

    __array_ufunc__ = None  # so that array @ Dual comes to __rmatmul__ instead of to NumPy

    def __init__(self, value, tangent=0.0):
        self.value, self.tangent = value, tangent

    def __repr__(self):
        return f"Dual({self.value}, tangent={self.tangent})"

    def __add__(self, other):
        other = as_dual(other)
        return Dual(self.value + other.value, self.tangent + other.tangent)

    def __mul__(self, other):
        other = as_dual(other)
        return Dual(self.value * other.value, self.tangent * other.value + self.value * other.tangent)

    def __truediv__(self, other):
        other = as_dual(other)
        y = self.value / other.value
        return Dual(y, (self.tangent - y * other.tangent) / other.value)

    def __matmul__(self, other):
        other = as_dual(other)
        tangent = product(self.tangent, other.value) + product(self.value, other.tangent)
        return Dual(self.value @ other.value, tangent)

    def __pow__(self, power):
        slope = power * self.value ** (power - 1) if power else 0.0
        return Dual(self.value**power, slope * self.tangent)

    def exp(self):
        y = np.exp(self.value)
        return Dual(y, y * self.tangent)

    def log(self):
        return Dual(np.log(self.value), self.tangent / self.value)

    def tanh(self):
        y = np.tanh(self.value)
        return Dual(y, (1 - y * y) * self.tangent)

    def sigmoid(self):
        y, _ = sigmoid(self.value)
        return Dual(y, y * (1 - y) * self.tangent)

    def relu(self):
        return Dual(np.maximum(self.value, 0.0), (self.value > 0) * self.tangent)

    def sum(self):
        return Dual(np.sum(self.value), np.sum(self.tangent * np.ones_like(self.value)))

    def __neg__(self):
        return self * -1.0

    def __sub__(self, other):
        return self + -as_dual(other)

    def __rsub__(self, other):
        return as_dual(other) + -self

    def __rtruediv__(self, other):
        return as_dual(other) / self

    def __rmatmul__(self, other):
        return as_dual(other) @ self

    __radd__, __rmul__ = __add__, __mul__


def as_dual(x):
    """x itself if it is a Dual, else a constant: its tangent is zero."""
    return x if isinstance(x, Dual) else Dual(x)


def product(a, b):
    """a @ b, where one of them may be the number 0.0 that stands for a zero tangent."""
    return 0.0 if np.ndim(a) == 0 or np.ndim(b) == 0 else a @ b
