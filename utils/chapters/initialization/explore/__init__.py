"""Explorables of chapter 03: a signal under each scheme, units that start alike, which fan to divide by."""

from utils.chapters.initialization.explore.by_scheme import signal_by_scheme
from utils.chapters.initialization.explore.equal_units import symmetry
from utils.chapters.initialization.explore.fan_in_or_out import which_way

__all__ = ["signal_by_scheme", "symmetry", "which_way"]
