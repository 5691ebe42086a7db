"""Explorables of chapter 02: what an activation does to numbers and gradients, softmax, confidence, dying units."""

from utils.explore.activations.confidence import confident
from utils.explore.activations.dying_units import dying
from utils.explore.activations.passing_through import passing
from utils.explore.activations.shares import softmax_gradient

__all__ = ["confident", "dying", "passing", "softmax_gradient"]
