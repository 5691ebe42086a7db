"""Ways to round: kernels of OpenBLAS, threads, NumPy's own SIMD, and starts that are moved by a hair."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy._core import _multiarray_umath as umath

ROOT = Path(__file__).parents[2]
# what a kernel executes: on a processor without it the process would be killed
NEEDED = {"SkylakeX": "AVX512_SKX", "Haswell": "AVX2", "Zen": "AVX2", "Sandybridge": "AVX"}
# the variable that sets the size of the nudge's seed in a measuring process
NUDGE = "PORTABILITY_NUDGE"


@dataclass(frozen=True)
class Configuration:
    """How a measuring process is started.

    kernel: as OPENBLAS_CORETYPE, None for the one that OpenBLAS chooses; threads: of OpenBLAS and
    PyTorch; simd: "all" that the processor has, "no AVX-512", or "baseline", what NumPy was compiled
    for; nudge: 0, or the seed by which every start of a training is multiplied by 1 + 1e-15 times
    normal numbers, which stands for processors that are not at hand; quick: the reduced set of claims only.
    """

    name: str
    kernel: str | None = None
    threads: int = 1
    simd: str = "all"
    nudge: int = 0
    quick: bool = False


CONFIGURATIONS = (
    Configuration("SkylakeX", "SkylakeX"),
    Configuration("Haswell", "Haswell", simd="no AVX-512"),
    Configuration("Zen", "Zen", simd="no AVX-512"),
    Configuration("Sandybridge", "Sandybridge", simd="baseline"),
    Configuration("own kernel, NumPy's baseline", simd="baseline"),
    Configuration("own kernel, nudged", nudge=1),
    Configuration("SkylakeX, two threads", "SkylakeX", threads=2, quick=True),
    Configuration("Haswell, two threads", "Haswell", threads=2, simd="no AVX-512", quick=True),
    Configuration("Sandybridge, two threads", "Sandybridge", threads=2, simd="baseline", quick=True),
)


def disabled(simd):
    """The features to name in NPY_DISABLE_CPU_FEATURES, of those that this NumPy can switch."""
    switches = umath.__cpu_dispatch__
    chosen = {
        "all": [],
        "no AVX-512": [name for name in switches if name.startswith(("AVX512", "X86_V4"))],
        "baseline": switches,
    }[simd]
    return " ".join(chosen)


def environment(configuration):
    """The variables of a measuring process: nothing that was set outside rules its kernels."""
    ours = ("OPENBLAS_", "NPY_", "ATEN_CPU", "PORTABILITY")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    threads = {f"{who}_NUM_THREADS": str(configuration.threads) for who in ("OMP", "OPENBLAS", "MKL")}
    # the nearest that PyTorch has
    torch = {"all": None, "no AVX-512": "avx2", "baseline": "default"}[configuration.simd]
    chosen = {
        "OPENBLAS_CORETYPE": configuration.kernel,
        "NPY_DISABLE_CPU_FEATURES": disabled(configuration.simd) or None,
        "ATEN_CPU_CAPABILITY": torch,
        NUDGE: str(configuration.nudge) if configuration.nudge else None,
    }
    quiet = {"TQDM_DISABLE": "1"}
    return kept | threads | quiet | {name: value for name, value in chosen.items() if value is not None}


@cache
def ask(configuration, *arguments):
    """Run tests.portability.measure under a configuration, once; returns what it printed as JSON.

    RuntimeError with the end of its stderr when it fails.
    """
    done = subprocess.run(
        [sys.executable, "-m", "tests.portability.measure", *arguments],
        cwd=ROOT, env=environment(configuration), capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(
            f"measuring under {configuration.name!r} ended with {done.returncode}:\n{done.stderr[-2000:]}"
        )
    return json.loads(done.stdout)


@cache
def missing(configuration):
    """Why a configuration cannot be had here, in a sentence that names it; None when it can."""
    kernel = configuration.kernel
    if kernel is None:
        return None
    if not umath.__cpu_features__.get(NEEDED[kernel], False):
        return f"{configuration.name}: this processor has no {NEEDED[kernel]}, which kernel {kernel} executes"
    found = ask(configuration)["kernel"]
    if found is None:
        return f"{configuration.name}: this NumPy {np.__version__} does not compute with OpenBLAS"
    if found.lower() != kernel.lower():
        return f"{configuration.name}: this OpenBLAS has no kernel of that name and takes {found}"
    return None
