"""What an argument may be: functions that return it ready for use, or say in a ValueError what came and what was expected."""

import math
import reprlib

import numpy as np

FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
NORMALIZATIONS = ("none", "batch", "layer", "group")


def floating(given, name):
    """An array or a number as an array of floating point, so that no arithmetic wraps round.

    Integers and bools become float64, float16 becomes float32 (its sums overflow at 65504); float32
    and wider stay.  ValueError for all else: a list is a tree of inputs here, never an array.
    """
    if usual(given):
        return given
    if isinstance(given, (bool, int, float)):
        return np.asarray(given, dtype=np.float64)
    if not isinstance(given, (np.ndarray, np.generic)) or isinstance(given, np.ma.MaskedArray):
        raise ValueError(f"{name} is {told(given)}; expected an array of numbers{advice(given, name)}")
    if given.dtype.kind not in "fiub":
        raise ValueError(f"{name} holds {given.dtype} elements; expected real numbers")
    number = {"f": max(given.dtype, FLOAT32)}.get(given.dtype.kind, FLOAT64)
    return np.asarray(given, dtype=number)


def usual(given):
    """True for an array of float64 or float32, which needs no further look."""
    return type(given) is np.ndarray and (given.dtype is FLOAT64 or given.dtype is FLOAT32)


def integers(given, name):
    """An array of integers, such as classes or places in a table."""
    if type(given) is np.ndarray and given.dtype.kind in "iu":
        return given
    if not isinstance(given, (np.ndarray, np.integer)):
        raise ValueError(f"{name} is {told(given)}; expected an array of integers{advice(given, name)}")
    if given.dtype.kind not in "iu":
        raise ValueError(f"{name} holds {given.dtype} elements; expected integers")
    return np.asarray(given)


def shares(given, name):
    """An array of numbers from 0 to 1; a finite difference may step a little beyond an end."""
    given = floating(given, name)
    if not ((given > -1e-3) & (given < 1 + 1e-3)).all():
        raise ValueError(f"{name} holds numbers from {given.min():g} to {given.max():g}; expected 0 to 1")
    return given


def statistics(given, name):
    """An array of floating point that the caller keeps and the operation changes: no copy would do."""
    if not isinstance(given, np.ndarray) or given.dtype.kind != "f":
        raise ValueError(
            f"{name} is {told(given)}; expected an array of floating point, to be changed in place"
        )
    return given


def real(given, name):
    """One number as a Python float, which leaves float32 arrays float32."""
    scalar = isinstance(given, (int, float, np.floating, np.integer)) and not isinstance(given, bool)
    if not scalar and not (isinstance(given, np.ndarray) and given.shape == () and given.dtype.kind in "fiu"):
        raise ValueError(f"{name} is {told(given)}; expected a number")
    return float(given)


def number(least=-math.inf, most=math.inf):
    """The kind of one finite number from `least` to `most`."""
    ends = {(-math.inf, math.inf): "", (0, math.inf): " of at least 0", (0, 1): " from 0 to 1"}[least, most]

    def kind(given, name):
        found = real(given, name)
        if not (math.isfinite(found) and least <= found <= most):
            raise ValueError(f"{name} is {given}; expected a finite number{ends}")
        return found

    return kind


def whole(least):
    """The kind of one integer of at least `least`."""

    def kind(given, name):
        if not isinstance(given, (int, np.integer)) or isinstance(given, bool) or given < least:
            raise ValueError(f"{name} is {told(given)}; expected an integer of at least {least}")
        return int(given)

    return kind


def lengths(least, *, count=0, such_as):
    """The kind of a tuple (or list) of at least `count` integers, each of at least `least`."""

    def kind(given, name):
        try:
            found = tuple(whole(least)(length, name) for length in given)
        except (TypeError, ValueError):
            found = None
        if found is None or isinstance(given, dict) or len(found) < count:
            some = f"{count} or more integers" if count else "integers"
            raise ValueError(
                f"{name} is {reprlib.repr(given)}; expected a tuple of {some} of at least {least}, such as {such_as}"
            )
        return found

    return kind


def betas(given, name):
    """Two shares, how slowly two running means forget."""
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise ValueError(f"{name} is {told(given)}; expected two numbers, such as (0.9, 0.999)")
    found = tuple(number(0, 1)(beta, name) for beta in given)
    if max(found) == 1:
        raise ValueError(f"{name} is {given}; expected both below 1: a mean that never forgets never starts")
    return found


def axis(given, name):
    """An axis, or a tuple of several."""
    several = given if isinstance(given, tuple) else (given,)
    if not all(isinstance(a, (int, np.integer)) and not isinstance(a, bool) for a in several):
        raise ValueError(f"{name} is {told(given)}; expected an integer, or a tuple of integers")
    return given


def truth(given, name):
    """True or False, not a text that says so."""
    if not isinstance(given, (bool, np.bool_)):
        raise ValueError(f"{name} is {told(given)}; expected True or False")
    return bool(given)


def generator(given, name):
    """A source of random numbers."""
    if not isinstance(given, np.random.Generator):
        raise ValueError(
            f"{name} is {told(given)}; expected a numpy Generator, such as np.random.default_rng(0)"
        )
    return given


def function(given, name):
    """Something to call."""
    if not callable(given):
        raise ValueError(f"{name} is {told(given)}; expected a function")
    return given


def one_of(*allowed):
    """The kind of one word out of several."""

    def kind(given, name):
        if not isinstance(given, str) or given not in allowed:
            raise ValueError(f"{name} is {told(given)}; expected one of {', '.join(allowed)}")
        return given

    return kind


def anything(given, name):
    """Whatever it is: the operation looks at it itself, or hands it on."""
    return given


def told(given):
    """How a message calls what came."""
    if isinstance(given, (np.ndarray, np.generic)) and np.ndim(given):
        return f"an array of {given.dtype}, shape {given.shape}"
    if is_tensor(given):
        return "a torch tensor"
    if given is None or isinstance(given, (str, bool, int, float, complex, np.ndarray, np.generic)):
        return reprlib.repr(given)
    kind = type(given).__name__
    return f"{'an' if kind[:1] in 'aeiouAEIOU' else 'a'} {kind}"


def advice(given, name):
    """What turns it into an array, where something does."""
    if is_tensor(given):
        return f": {name}.detach().numpy()"
    return f": np.array({name})" if isinstance(given, (list, tuple)) else ""


def is_tensor(given):
    """True for a torch tensor; torch is not imported for that."""
    return type(given).__module__.partition(".")[0] == "torch"
