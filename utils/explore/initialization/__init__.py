"""Explorables of chapter 03: a signal under each scheme, units that start alike, which fan to divide by."""

from utils.explore.initialization.by_scheme import signal_by_scheme
from utils.explore.initialization.equal_units import symmetry
from utils.explore.initialization.fan_in_or_out import which_way

__all__ = ["signal_by_scheme", "symmetry", "which_way"]
