"""One wrong pullback after a report of a real one: how to run it, and what a right sentence must say."""

from dataclasses import dataclass, field
from functools import partial

import numpy as np

SIZES = (0, 1, 2)  # every operation is tried in three sizes


@dataclass
class Wild:
    """operation(*inputs, bug=..., **options) is right for bug=None; make(rng, size) gives its inputs.

    says: a pattern that the sentence of every wrong gradient must fit, unless the sentence is a fact
    that can be verified; never: a pattern that would mislead.  after: the report, repository and number.
    """

    operation: object
    bug: str
    theirs: object
    make: object
    says: str
    never: str = ""
    after: str = ""
    options: dict = field(default_factory=dict)

    @property
    def title(self):
        return f"{self.operation.__name__}: {self.bug}"

    def inputs(self, size, seed=0):
        return self.make(np.random.default_rng(100 * seed + size + 7), size)

    @property
    def wrong(self):
        return partial(self.operation, bug=self.bug)

    @property
    def right(self):
        return partial(self.operation, bug=None)


def family(operation, theirs, make, *bugs, options=None):
    """Several wrong versions of one operation: each bug is (name, says) or (name, says, more fields)."""
    made = []
    for bug, says, *more in bugs:
        fields = more[0] if more else {}
        made.append(Wild(operation, bug, theirs, make, says, options=options or {}, **fields))
    return made


def normal(rng, *shape):
    return rng.normal(size=shape)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z, axis=-1):
    e = np.exp(z - z.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def softmax_back(p, dp, axis=-1):
    return p * (dp - (dp * p).sum(axis, keepdims=True))
