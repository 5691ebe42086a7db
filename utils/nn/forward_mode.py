"""Forward mode: a value and its tangent, computed side by side."""

import numpy as np

from utils.nn.activations import sigmoid
from utils.nn.kinds import floating, real


class Dual:
    """A value and its tangent, computed side by side, for forward mode.

    value, tangent: numbers, or arrays of one shape.  The tangent is the derivative of the value
    along the direction in which the inputs' tangents point (a Jacobian-vector product).
    """

    __array_ufunc__ = None  # so that array @ Dual comes to __rmatmul__ instead of to NumPy

    def __init__(self, value, tangent=0.0):
        self.value = value if isinstance(value, float) else floating(value, "value")
        self.tangent = tangent if isinstance(tangent, float) else floating(tangent, "tangent")

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
        real(power, "power")
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
