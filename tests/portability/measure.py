"""Measure claims in this process, whose kernels and threads were chosen before it started; prints JSON.

    python -m tests.portability.measure [--quick] [chapter ...]

Without a chapter: only which kernel, how many threads and which SIMD it computes with.
"""

import hashlib
import json
import os
import sys

import numpy as np
import threadpoolctl
from numpy._core import _multiarray_umath as umath

from tests.portability.configurations import NUDGE

# asked before anything else can load a BLAS of its own
POOLS = [pool for pool in threadpoolctl.threadpool_info() if pool["internal_api"] == "openblas"]


def machine():
    """What NumPy computes with here: OpenBLAS' kernel and threads, None without OpenBLAS, and its SIMD."""
    return {
        "kernel": POOLS[0]["architecture"] if POOLS else None,
        "threads": POOLS[0]["num_threads"] if POOLS else None,
        "simd": [name for name in umath.__cpu_dispatch__ if umath.__cpu_features__.get(name)],
        "product": product(),
    }


def product():
    """A digest of what a layer of the travelling network computes: kernels add up in different orders."""
    rng = np.random.default_rng(0)
    x, weight = rng.normal(size=(32, 64)), rng.normal(size=(32, 64))
    return hashlib.sha256((x @ weight.T).tobytes()).hexdigest()[:12]


def nudge_starts(seed):
    """From now on train.fit multiplies its starting parameters by 1 + 1e-15 times normal numbers."""
    from utils import train
    from utils.crosscheck.trees import map_leaves

    rng, fit = np.random.default_rng(seed), train.fit

    def nudged(network, loss, params, *arguments, **options):
        moved = map_leaves(
            lambda p: None if p is None else p * (1 + 1e-15 * rng.normal(size=p.shape)), params
        )
        return fit(network, loss, moved, *arguments, **options)

    train.fit = nudged


def as_floats(measured):
    return {quantity: float(value) for quantity, value in measured.items()}


def main(arguments):
    from tests.portability.claims import claims

    seed = int(os.environ.get(NUDGE, 0))
    if seed:
        nudge_starts(seed)
    quick = "--quick" in arguments
    measured = {
        chapter: {claim.name: as_floats(claim.measure()) for claim in claims(chapter, quick=quick)}
        for chapter in arguments
        if chapter != "--quick"
    }
    print(json.dumps({**machine(), "measured": measured}))


if __name__ == "__main__":
    main(sys.argv[1:])
