"""Explorables of chapter 02: what an activation does to numbers and gradients, softmax, confidence, dying units."""

from utils.chapters.activations.explore.confidence import confident
from utils.chapters.activations.explore.dying_units import dying
from utils.chapters.activations.explore.passing_through import passing
from utils.chapters.activations.explore.shares import softmax_gradient

__all__ = ["confident", "dying", "passing", "softmax_gradient"]
