"""Explorables of chapter 01: the worked network, two modes, finite differences, depth, the travelling network."""

from utils.explore.backprop.deep_signal import depth
from utils.explore.backprop.finite_differences import differences
from utils.explore.backprop.travelling_run import travelling
from utils.explore.backprop.two_modes import modes
from utils.explore.backprop.worked_graph import worked

__all__ = ["depth", "differences", "modes", "travelling", "worked"]
