"""For tests and notebooks alike: one thread a worker, no progress bars, and nobody's progress file is touched."""

import os

os.environ.setdefault("GRADIENTS_PROGRESS", "off")
os.environ.setdefault("TQDM_DISABLE", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
