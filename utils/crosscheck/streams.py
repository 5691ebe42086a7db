"""Random numbers that belong to the witness alone: no seed that a reader types gives them too."""

import numpy as np

# "grad by hand" as a number: entropy that nobody types, so that no default_rng(0) starts like ours
ENTROPY = int.from_bytes(b"grad by hand", "big")

UPSTREAM, PLACES, ROUNDINGS, STEPS = range(4)  # what a stream is for


def stream(seed, *purpose):
    """A generator of its own for each seed and each purpose (whole numbers from 0 on)."""
    return np.random.default_rng(np.random.SeedSequence(ENTROPY, spawn_key=(int(seed), *purpose)))


def check_seed(seed):
    """ValueError unless seed is a whole number from 0 on."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(f"seed must be a whole number, 0 or more; got {seed!r}")
