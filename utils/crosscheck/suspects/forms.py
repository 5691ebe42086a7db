"""Suspicions about the form of a gradient: dtype, shape, NaN, precision.  Each is a function of a Finding: a sentence or None."""

import numpy as np

from utils.crosscheck.finding import axes_sets, axes_words, close, listed

DIGITS = 1e-4  # a relative error below this is a matter of precision, not of a wrong term
LARGE = 6  # axes; more are not tried one set by one


def wrong_dtype(f):
    if f.ours.dtype.kind != "f":
        return f"its dtype is {f.ours.dtype}; expected floating point"


def not_summed(f):
    """A gradient that kept the axes over which its input was broadcast."""
    o, t = f.ours, f.truth
    if o.shape == t.shape or o.ndim < t.ndim or o.ndim > LARGE or o.size == t.size:
        return None
    for axes in axes_sets(o.ndim):
        for keep in (False, True):
            if close(o.sum(axes, keepdims=keep), t):
                return (
                    f"missing sum over {axes_words(axes)}: the input was broadcast there, so every copy adds"
                )
            if o.size and close(o.mean(axes, keepdims=keep), t):
                return f"missing mean over {axes_words(axes)}"


def summed_too_far(f):
    """A gradient that was added up over axes which its input has."""
    return collapsed(f, again=False)


def spread_out(f):
    """The same, and the one number given back to every element."""
    return collapsed(f, again=True)


def collapsed(f, again):
    o, t = f.ours, f.truth
    if t.ndim > LARGE or not t.any() or (o.shape == t.shape) != again:
        return None
    for axes in axes_sets(t.ndim):
        if np.prod([t.shape[a] for a in axes]) < 2:
            continue
        for keep in (False, True):
            for made, words in ((t.sum, "summed"), (t.mean, "averaged")):
                too_far = made(axes, keepdims=keep)
                if not again and close(o, too_far):
                    return f"{words} too far: over {axes_words(axes)} of {f.name or 'it'} as well"
                if again and keep and close(o, np.broadcast_to(too_far, t.shape)):
                    what = "sum" if made == t.sum else "mean"
                    return f"every element along {axes_words(axes)} gets the same number, the {what} of the right ones there"


def wrong_shape(f):
    o, t = f.ours, f.truth
    if o.shape == t.shape:
        return None
    if o.size == t.size and close(o.reshape(t.shape), t):
        return f"the right numbers in shape {o.shape}; expected {t.shape}"
    return f"its shape is {o.shape}; expected {t.shape}"


def not_finite(f):
    bad = ~np.isfinite(f.ours)
    if bad.any() and np.isfinite(f.truth).all():
        return f"not finite (NaN or infinite) in {bad.sum()} of {bad.size} places; the right one is finite everywhere"


def imprecise(f):
    """Right but for its last digits: in single precision, or nearly."""
    scale = np.abs(f.truth).max(initial=0)
    error = np.abs(f.ours - f.truth).max(initial=0)
    if not 0 < error <= DIGITS * scale:
        return None
    if f.ours.dtype.itemsize < 8:
        return f"right to the digits of {f.ours.dtype}: the computation must stay in the precision of its input, here float64"
    if (f.ours.astype(np.float32) == f.ours).all():
        return "right to the digits of float32: something was turned into float32 on the way; here all is float64"
    digits = int(-np.log10(error / scale))
    if error <= 1e-6 * scale:
        return f"right to {digits} digits and no further: float32 somewhere inside, or a difference in place of a derivative?"
    return f"right to {digits} digits and no further: a small constant (an eps) or a rounded number inside?"


def none_right(f):
    """What else is right or wrong, in a few words; empty where there is one gradient alone."""
    if f.evidence is None or len(f.evidence.live) < 2:
        return ""
    right = f.evidence.right
    if not right:
        return "no gradient is right"
    if len(right) == len(f.evidence.live) - 1:
        return "the other gradients are right" if len(right) > 1 else f"the gradient of {right[0]} is right"
    return f"the gradient{'s' if len(right) > 1 else ''} of {listed(right)} {'are' if len(right) > 1 else 'is'} right"
