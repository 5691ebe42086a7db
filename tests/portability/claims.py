"""What a claim about training is: a sentence of a chapter, what to measure for it, and what must hold."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module

import numpy as np

CHAPTERS = ("backprop", "activations", "initialization", "normalization")


@dataclass(frozen=True)
class Claim:
    """One sentence that rests on a training run, or on rounding.

    name: short, unique within its chapter; where: section or quiz; says: the sentence, shortened;
    measure: () -> {quantity: number}; within: quantity -> (lowest, highest), both allowed; order:
    chains of quantities, "a < b < c", strictly; quick: seconds at most, part of the reduced set.
    """

    name: str
    where: str
    says: str
    measure: Callable[[], Mapping[str, float]]
    within: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    order: tuple[str, ...] = ()
    quick: bool = False


def broken(claim, measured):
    """What of a claim does not hold for these numbers: a list of sentences, empty when all holds.

    A quantity that was not measured, or is not a number, breaks what is said of it.
    """
    found = []
    for quantity, (low, high) in claim.within.items():
        value = measured.get(quantity, np.nan)
        if not low <= value <= high:
            found.append(f"{quantity} is {value:.4g}; expected {low:g} to {high:g}")
    for chain in claim.order:
        values = [measured.get(quantity, np.nan) for quantity in chain.split(" < ")]
        if not all(a < b for a, b in zip(values, values[1:])):
            found.append(f"{chain} does not hold: {', '.join(f'{value:.4g}' for value in values)}")
    return found


def claims(chapter, *, quick=False):
    """The claims of a chapter, or the quick ones among them."""
    module = import_module(f"tests.portability.chapters.{chapter}")
    return [claim for claim in module.CLAIMS if claim.quick or not quick]
