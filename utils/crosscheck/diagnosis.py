"""What is wrong with a gradient, in words: each suspicion is a small test of ours against the truth.

They are tried from the most particular to the most general, and the first that answers is believed.
"""

import numpy as np

from utils.crosscheck import suspect_arrays as arrays
from utils.crosscheck import suspect_probes as probes
from utils.crosscheck.finding import Diagnosis, Finding

__all__ = ["Diagnosis", "Finding", "diagnose"]


def diagnose(f):
    """The first suspicion that fits."""
    if not isinstance(f.ours, (np.ndarray, np.generic, float)):
        return no_array(f)
    f.ours = np.asarray(f.ours)
    for kind, suspicion in SUSPICIONS if f.ours_again else OUTPUT_SUSPICIONS:
        sentence = suspicion(f)
        if sentence:
            return Diagnosis(kind, sentence)
    worst = np.unravel_index(np.argmax(np.abs(f.ours - f.truth)), f.truth.shape)
    place = f", most at [{', '.join(map(str, worst))}]" if worst else ""
    return Diagnosis("unknown", f"wrong{place}; a term, a factor or a path is missing or too many")


def no_array(f):
    if f.ours is None:
        return Diagnosis("missing", "None came back; this input is floating and has a gradient")
    if type(f.ours).__name__ == "Missing":
        return Diagnosis("missing", "nothing came back; return it in the structure of the input")
    if isinstance(f.ours, int):
        return Diagnosis("dtype", "a Python int came back; expected an array of floats")
    return Diagnosis("type", f"{type(f.ours).__name__} came back; expected an array of shape {f.truth.shape}")


OUTPUT_SUSPICIONS = [
    ("dtype", arrays.wrong_dtype),
    ("transposed", arrays.transposed),
    ("broadcast", arrays.not_summed),
    ("shape", arrays.wrong_shape),
    ("nan", arrays.not_finite),
    ("zero", arrays.all_zero),
    ("sign", arrays.wrong_sign),
    ("factor", arrays.constant_factor),
    ("offset", lambda f: arrays.mean_path(f) and "off by a constant"),
    ("flipped", arrays.flipped),
    ("factor", arrays.factor_per_slice),
    ("part", arrays.some_slices),
]

SUSPICIONS = [
    ("dtype", arrays.wrong_dtype),
    ("transposed", arrays.transposed),
    ("sign", arrays.wrong_sign),
    ("slots", arrays.other_slot),
    ("broadcast", arrays.not_summed),
    ("shape", arrays.wrong_shape),
    ("nan", arrays.not_finite),
    ("zero", arrays.all_zero),
    ("upstream", probes.upstream_ignored),
    ("factor", arrays.constant_factor),
    ("mean path", arrays.mean_path),
    ("total path", arrays.output_path),
    ("named factor", arrays.known_factor),
    ("direct", probes.passed_through),
    ("one output", probes.one_output_only),
    ("repeated ids", arrays.repeated_ids),
    ("target", arrays.target_places),
    ("mask", arrays.mask_only),
    ("diagonal", probes.diagonal_only),
    ("transposed", probes.jacobian_transposed),
    ("variance path", arrays.variance_path),
    ("flipped", arrays.flipped),
    ("named factor", probes.factor_before),
    ("half", arrays.half_of_the_line),
    ("part", arrays.some_slices),
    ("axis", probes.wrong_axis),
    ("factor per slice", arrays.factor_per_slice),
    ("local derivative", probes.elementwise_slope),
]
