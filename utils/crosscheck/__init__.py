"""The witness: a gradient is believed when NumPy, PyTorch and finite differences agree."""

from utils.crosscheck.proof import crosscheck
from utils.crosscheck.report import CrosscheckError, Report, Row
from utils.crosscheck.steps import crosscheck_steps

__all__ = ["CrosscheckError", "Report", "Row", "crosscheck", "crosscheck_steps"]
