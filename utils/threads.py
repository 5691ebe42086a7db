"""One thread for each kernel: on a busy machine two of them wait for each other most of the time.

The arrays of this course are small, so further threads gain nothing when the machine is idle. Runs whenever
utils is imported, however the kernel was started; kept to what any Python 3 with nothing installed can read.
"""

import os
import sys

VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
SET = []  # the variables that use_one() has set; utils.doctor tells them from those that the reader set


def use_one():
    """Limit NumPy's BLAS and PyTorch to one thread, loaded or still to be, unless the reader chose a number."""
    if any(os.environ.get(name) for name in VARIABLES):
        return
    for name in VARIABLES:  # read by a library when it is loaded
        os.environ[name] = "1"
        SET.append(name)
    if "numpy" in sys.modules:
        try:
            import threadpoolctl
        except ImportError:  # the doctor says that it is missing
            pass
        else:
            threadpoolctl.threadpool_limits(1)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
