"""The witness: a gradient is believed when NumPy, PyTorch and finite differences agree."""

from utils.crosscheck.proof import crosscheck
from utils.crosscheck.report import CrosscheckError, Report, Row

__all__ = ["CrosscheckError", "Report", "Row", "crosscheck"]
