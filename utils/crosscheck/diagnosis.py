"""What is wrong with a gradient, in words: each suspicion is a small test of ours against the truth.

They are tried from the most particular to the most general, and the first that answers is believed.
"""

from dataclasses import replace

import numpy as np

from utils.crosscheck.finding import Diagnosis, Finding, random_upstream, same_shape
from utils.crosscheck.suspects import forms, patterns, places, probes, relations

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
    if type(f.ours).__name__ == "Missing":
        return Diagnosis("missing", "nothing came back; return it in the structure of the input")
    if isinstance(f.ours, int):
        return Diagnosis("dtype", "a Python int came back; expected an array of floats")
    return Diagnosis("type", f"{type(f.ours).__name__} came back; expected an array of shape {f.truth.shape}")


def planted(f):
    """One mistake in PyTorch's own computation that gives the reader's gradients."""
    found = f.evidence and f.evidence.explained.get(f.slot)
    if not found:
        return None
    kind, sentence, _ = found
    # the kind is what programs go by: that of the plain relation, where there is one
    return Diagnosis(next((plain for plain, holds in PLAIN if holds(f)), kind), sentence)


def planted_elsewhere(f):
    """The same, for a mistake that shows in other gradients as well: this one it happens to make zero."""
    found = f.evidence and relations.all_zero(f) and f.evidence.explained.get(f.slot)
    return (
        Diagnosis(*found[:2])
        if found and any(np.any(f.evidence.ours[k]) for k in found[2] if k != f.slot)
        else None
    )


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
        worst = np.unravel_index(np.argmax(np.abs(f.ours - f.truth)), f.truth.shape)
        place = f", most at [{', '.join(map(str, worst))}]" if worst else ""
        return f"wrong{place}; a term, a factor or a path is missing or too many"
    others = forms.none_right(f)
    ruled_out = "not a sign, a factor, a transpose or a missing sum"
    return "; ".join(filter(None, [places.scattered(f), ruled_out, others]))


PLAIN = [
    ("factor", relations.one_number),
    ("named factor", patterns.known_factor),
    ("direct", patterns.unchanged),
    ("local derivative", probes.elementwise_slope),
]

OUTPUT_SUSPICIONS = [
    ("dtype", forms.wrong_dtype),
    ("transposed", relations.transposed),
    ("broadcast", forms.not_summed),
    ("shape", forms.wrong_shape),
    ("nan", forms.not_finite),
    ("zero", relations.all_zero),
    ("sign", relations.wrong_sign),
    ("factor", relations.constant_factor),
    ("offset", lambda f: patterns.mean_path(f) and "off by a constant"),
    ("flipped", relations.flipped),
    ("factor", patterns.factor_per_slice),
    ("part", places.some_slices),
]

HOLDS_AGAIN = {"sign", "flipped", "broadcast", "total path", "regulariser", "norm path"}

SUSPICIONS = [
    ("dtype", forms.wrong_dtype),
    ("transposed", relations.transposed),
    ("sign", relations.wrong_sign),
    ("broadcast", forms.not_summed),
    ("broadcast", forms.summed_too_far),
    ("slots", relations.other_slot),
    ("shape", forms.wrong_shape),
    ("nan", forms.not_finite),
    ("precision", forms.imprecise),
    ("planted", planted_elsewhere),
    ("zero", relations.all_zero),
    ("upstream", probes.upstream_ignored),
    ("factor", relations.constant_factor),
    ("one output", probes.one_output_only),
    ("repeated ids", places.repeated_ids),
    ("target", places.target_places),
    ("mask", places.mask_only),
    ("planted", planted),
    ("direct", patterns.unchanged),
    ("broadcast", forms.spread_out),
    ("bias", patterns.of_another_gradient),
    ("bias", patterns.from_wrong_sum),
    ("factor", relations.one_number),
    ("mean path", patterns.mean_path),
    ("total path", patterns.output_path),
    ("named factor", patterns.known_factor),
    ("direct", patterns.passed_through),
    ("regulariser", patterns.multiple_of_input),
    ("norm path", patterns.norm_path),
    ("kink", places.kink_places),
    ("tie", places.tied_places),
    ("diagonal", probes.diagonal_only),
    ("transposed", probes.jacobian_transposed),
    ("variance path", patterns.variance_path),
    ("flipped", relations.flipped),
    ("named factor", patterns.factor_before),
    ("half", places.half_of_the_line),
    ("gate", places.gates),
    ("misplaced", relations.shifted),
    ("misplaced", relations.permuted),
    ("misplaced", probes.misplaced),
    ("part", places.zero_slices),
    ("part", places.some_slices),
    ("axis", probes.wrong_axis),
    ("factor per slice", patterns.factor_per_slice),
    ("local derivative", probes.elementwise_slope),
]
