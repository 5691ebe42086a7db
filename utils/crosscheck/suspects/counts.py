"""Where a factor of a whole gradient may come from: a count of elements, or a constant of the formula."""

import numpy as np

from utils.crosscheck.finding import axes_sets, axes_words

ORIGINS = [  # how a factor may come from a count n, and what to ask
    (1, "mean against sum? one division by {} is missing"),
    (-1, "mean against sum? one division by {} is too many"),
    (0.5, "one division by the root of {} is missing"),
    (-0.5, "one division by the root of {} is too many"),
]
WITHIN = ("the mean", "the sum")  # inside a function of PyTorch's: of no axis of an input
MATRIX = {"matmul", "mm", "bmm", "linear"}
TWO_SIDED = MATRIX | {"rmatmul", "mv", "outer", "einsum", "bilinear", "linalg_solve"}
REDUCTIONS = {"sum", "mean", "nansum", "nanmean", "var", "std", "logsumexp", "norm"}
ELEMENTWISE = {"add", "radd", "iadd", "sub", "rsub", "mul", "rmul", "multiply", "div", "truediv", "rtruediv"}


def number_words(f, c):
    """Which count explains a factor, or its root, and how; None where no count does."""
    n, power, words = next(counts(f, c), (0, 0, ""))
    if abs(power) < 1:
        return words or None
    constant = constant_words(f, c) or ""
    if adds_up(f, n) and not constant.startswith(WITHIN):
        return f"{words}, or {constant}" if constant else words


def other_words(f, c):
    """What else may be behind a factor that is no mean and no sum: a constant; or of what it is the length, too."""
    for _, _, words in counts(f, c):
        constant = constant_words(f, c)
        return f": {constant}" if constant else f" ({words.partition(':')[0]})"
    return ""


def counts(f, c):
    """(n, power, words) for every power of a count that is the factor c."""
    for power, words in ORIGINS:
        n = round(c ** (1 / power))
        if n > 2 and np.isclose(c, float(n) ** power, rtol=1e-6) and (abs(power) == 1 or n != 4):
            for many in range(1, 5):
                if found := sorted(lengths(f, n, many, outputs=abs(power) == 1)):
                    several = len({axes for *_, axes, _ in found}) > 1
                    others = f" (other axes have {n} elements, too)" * several
                    yield n, power, f"{n} is {found[0][-1]}: {words.format(n)}{others}"
                    break


def steps_ahead(f):
    """The steps of PyTorch's computation behind an input."""
    recording = f.evidence and f.evidence.recording
    slot = recording and f.evidence.live.index(f.slot)
    steps = recording.steps if recording else ()
    return [s for s in steps if s.edges and slot in recording.reach[id(s.outputs[0])]]


def adds_up(f, n):
    """Whether n numbers are added up, or their mean taken, in PyTorch's value or on the way back to the input."""
    recording = f.evidence and f.evidence.recording
    if not recording:
        return True
    ahead, uses = steps_ahead(f), list(recording.uses(f.name))
    sizes = [np.size(f.truth), *(s.outputs[0].numel() for s in ahead)]
    totals = [s.outputs[0].numel() * n for s in ahead if s.name in REDUCTIONS or not s.outputs[0].ndim]
    if len(uses) % n == 0 or any(size % total == 0 for size in sizes for total in totals if total):
        return True
    slot = f.evidence.live.index(f.slot)
    edges = [e for s in ahead for e in s.edges if slot in recording.reach.get(id(e.source), ())]
    return any(summed_back(e, e.step in uses) % n == 0 for e in edges)


def summed_back(edge, first):
    """How many numbers a step adds up on the way back to one of an input; behind its first step 0 where it may be any."""
    step, out = edge.step, edge.step.outputs[0]
    if step.name in ELEMENTWISE:
        return out.numel() // max(edge.source.numel(), 1)
    if not first or step.name not in TWO_SIDED:
        return 1
    if step.name not in MATRIX or not out.ndim:
        return 0
    return (
        out.shape[-1]
        if edge.slot == (0, 0)
        else out.numel() // (out.shape[-1] if edge.source.ndim > 1 else 1)
    )


def constant_words(f, c):
    """`the factor 3 in `x * 3` forgotten?` for a constant of PyTorch's formula that is the factor; else None."""
    from utils.crosscheck.suspects.paths import constant_at, mean_at

    recording = f.evidence and f.evidence.recording
    explain = lambda s: mean_at if hasattr(s.edges[0].source, "label") else constant_at
    found = [explain(s)(recording, s, c) for s in steps_ahead(f) if not after_a_sum(recording, s)]
    return next((f"{words}?" for words in found if words), None)


def after_a_sum(recording, step):
    """Whether a step takes a sum: then its constant is the count itself."""
    maker = recording.maker.get(id(step.edges[0].source))
    return maker is not None and maker[0].name in REDUCTIONS


def lengths(f, n, many, outputs):
    """(rank, words) for every set of so many axes of an input, or of an output, that has n elements.

    The batch size comes first; of several axes those of outputs, and those without the channels.
    """
    arrays = [*(f.inputs or []), *(f.outputs if f.outputs and outputs else [])]
    examples = {np.shape(y)[:1] for _, y in f.outputs or []} - {()}
    first = next((a.ndim for _, a in arrays if isinstance(a, np.ndarray) and a.ndim > 1), 0)
    clear = first != 3 and not (f.evidence and f.evidence.case.is_module)  # no time along axis 0
    for k, (name, a) in enumerate(arrays):
        for axes in axes_sets(min(np.ndim(a), 4)) if isinstance(a, np.ndarray) else ():
            if len(axes) != many or np.prod([a.shape[i] for i in axes]) != n:
                continue
            batch = axes == (0,) and a.ndim > 1 and examples <= {(n,)} and clear
            words = f"the {'length' if many == 1 else 'product'} of {axes_words(axes)} of {name}"
            if many == a.ndim > 1:
                words = f"the number of elements of {name}"
            yield (
                not batch,
                many > 1 and 1 in axes,
                k if many == 1 else -k,
                axes,
                "the batch size" if batch else words,
            )
