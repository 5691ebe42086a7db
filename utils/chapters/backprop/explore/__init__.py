"""Explorables of chapter 01: the worked network, two modes, finite differences, depth, the travelling network."""

from utils.chapters.backprop.explore.deep_signal import depth
from utils.chapters.backprop.explore.finite_differences import differences
from utils.chapters.backprop.explore.matrix_layer import layer
from utils.chapters.backprop.explore.travelling_run import travelling
from utils.chapters.backprop.explore.two_modes import modes
from utils.chapters.backprop.explore.worked_graph import worked

__all__ = ["depth", "differences", "layer", "modes", "travelling", "worked"]
