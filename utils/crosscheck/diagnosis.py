"""What is wrong with a gradient, in words: each suspicion is a small test of ours against the truth.

They are tried from the most particular to the most general, and the first that answers is believed.
"""

from dataclasses import replace

import numpy as np

from utils.crosscheck.finding import Diagnosis, Finding, random_upstream, same_shape
from utils.crosscheck.suspects import patterns, places, probes, relations
from utils.crosscheck.trees import MISSING

__all__ = ["Diagnosis", "Finding", "diagnose"]


def diagnose(f):
    """The first suspicion that fits."""
    with np.errstate(all="ignore"):  # suspicions try numbers that may overflow
        return first_that_fits(f)


def first_that_fits(f):
    if not isinstance(f.ours, (np.ndarray, np.generic, float)):
        return no_array(f)
    f.ours = np.asarray(f.ours)
    for kind, suspicion in SUSPICIONS if f.ours_again else OUTPUT_SUSPICIONS:
        try:
            found = suspicion(f)
        except RuntimeError:  # PyTorch refuses what a suspicion tries: then it was not that
            continue
        found = Diagnosis(kind, found) if isinstance(found, str) else found
        if found and (kind not in HOLDS_AGAIN or holds_again(f, suspicion, found.sentence)):
            return found
    return Diagnosis("unknown", unknown(f))


def no_array(f):
    if f.ours is None:
        return Diagnosis("missing", "None came back; this input is floating and has a gradient")
    if f.ours is MISSING:
        return Diagnosis("missing", "nothing came back; return it in the structure of the input")
    if isinstance(f.ours, int):
        return Diagnosis("dtype", "a Python int came back; expected an array of floats")
    return Diagnosis("type", f"{type(f.ours).__name__} came back; expected an array of shape {f.truth.shape}")


def planted(f):
    """One mistake in PyTorch's own computation that gives the reader's gradients."""
    found = f.evidence and f.evidence.explained.get(f.slot)
    return Diagnosis(*found[:2]) if found else None


def planted_elsewhere(f):
    """The same, for a mistake that shows in other gradients as well: this one it happens to make zero."""
    found = f.evidence and relations.all_zero(f) and f.evidence.explained.get(f.slot)
    if found and any(np.any(f.evidence.ours[k]) for k in found[2] if k != f.slot):
        return Diagnosis(*found[:2])


def holds_again(f, suspicion, sentence):
    """Whether the same is said for another gradient from above: what holds by accident does not."""
    if not f.ours_again:
        return True
    upstream = random_upstream(f.upstream or [], 12)
    ours, truth = f.ours_again(upstream), f.truth_again(upstream)
    if not same_shape(ours, truth):
        return True
    return (
        suspicion(replace(f, ours=np.asarray(ours), truth=truth, upstream=upstream, truths=None)) == sentence
    )


def unknown(f):
    """Where it is wrong, what was ruled out, and which gradients are right."""
    if not f.ours_again:
        place = f", most at [{places.worst_place(f)}]" if f.truth.ndim else ""
        return f"wrong{place}; a term, a factor or a path is missing or too many"
    others = f.evidence.words_of_right() if f.evidence else ""
    ruled_out = "as a whole no multiple and no transpose of the right one"
    return "; ".join(filter(None, [places.scattered(f), ruled_out, others]))


OUTPUT_SUSPICIONS = [
    ("dtype", relations.wrong_dtype),
    ("transposed", relations.transposed),
    ("broadcast", relations.not_summed),
    ("shape", relations.wrong_shape),
    ("nan", relations.not_finite),
    ("zero", relations.all_zero),
    ("sign", relations.wrong_sign),
    ("factor", relations.constant_factor),
    ("offset", lambda f: (patterns.off_along(f) or "").partition(":")[0] or None),
    ("flipped", relations.flipped),
    ("factor", patterns.factor_per_slice),
    ("part", places.some_slices),
]

HOLDS_AGAIN = {"sign", "flipped", "broadcast", "path"}

SUSPICIONS = [
    ("dtype", relations.wrong_dtype),
    ("transposed", relations.transposed),
    ("sign", relations.wrong_sign),
    ("broadcast", relations.not_summed),
    ("broadcast", relations.summed_too_far),
    ("slots", relations.other_slot),
    ("shape", relations.wrong_shape),
    ("nan", relations.not_finite),
    ("planted", planted_elsewhere),
    ("zero", relations.all_zero),
    ("upstream", probes.upstream_ignored),
    ("factor", relations.constant_factor),
    ("one output", probes.one_output_only),
    ("repeated ids", places.repeated_ids),
    ("target", places.target_places),
    ("mask", places.mask_only),
    ("planted", planted),
    ("broadcast", relations.spread_out),
    ("bias", patterns.of_another_gradient),
    ("factor", relations.one_number),
    ("path", patterns.off_along),
    ("named factor", patterns.known_factor),
    ("kink", places.kink_places),
    ("transposed", probes.jacobian_transposed),
    ("flipped", relations.flipped),
    ("misplaced", relations.shifted),
    ("misplaced", relations.permuted),
    ("misplaced", probes.misplaced),
    ("part", places.zero_slices),
    ("part", places.some_slices),
    ("axis", probes.wrong_axis),
    ("factor per slice", patterns.factor_per_slice),
    ("local derivative", probes.elementwise_slope),
]
