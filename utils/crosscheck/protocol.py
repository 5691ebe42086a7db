"""What an operation of the course must return, and sentences for functions that return or raise something else."""

import functools

import numpy as np

from utils.crosscheck.trees import leaves


class ProtocolError(ValueError):
    """A function does not return what an operation of this course returns; the text says what is missing."""


def value_and_pullback(returned, name="it"):
    """The two things that an operation returns; ProtocolError, which begins with `name`, for anything else."""
    pair = isinstance(returned, tuple) and len(returned) == 2
    if pair and callable(returned[1]):
        return returned
    got = kind_of(returned)
    if pair:
        got = f"two things, the second of them {kind_of(returned[1])}"
    raise ProtocolError(
        f"{name} must return two things, its value and its pullback (a function); it returned {got}"
    )


def slots_of(returned, inputs, name="the pullback", bare=True):
    """What a pullback returned as a tuple, a gradient an input; ProtocolError where their number differs.

    inputs: the names of the inputs; bare: False where the only input is a tuple itself.
    """
    if len(inputs) == 1 and bare and isinstance(returned, tuple):
        raise ProtocolError(
            f"{name} must return a bare gradient, of {inputs[0]}; it returned {kind_of(returned)}"
        )
    if len(inputs) == 1:
        return (returned,)
    if isinstance(returned, tuple) and len(returned) == len(inputs):
        return returned
    raise ProtocolError(
        f"{name} must return a tuple of {len(inputs)}, a slot for each of {', '.join(inputs)}; "
        f"it returned {kind_of(returned)}"
    )


def called(function, arrays, options=None, name=None):
    """(value, pullback) of a reader's function that keeps the shape of its first input.

    ProtocolError, with a sentence that begins with its name, where it raises or returns anything else.
    """
    name = name or getattr(function, "__name__", "the function")
    try:
        returned = function(*arrays, **(options or {}))
    except Exception as error:
        raise ProtocolError(f"{name} raised {words_of(error)}") from error
    value, pullback = value_and_pullback(returned, name)
    if not is_real(value) or np.shape(value) != np.shape(arrays[0]):
        wanted = f"floats in the shape of its first input, {np.shape(arrays[0])}"
        raise ProtocolError(f"the value of {name} must hold {wanted}; it is {kind_of(value)}")
    return value, pullback


def operation(function, inputs, name=None):
    """`function`, held to the protocol: what does not follow it gets a sentence, a ProtocolError.

    inputs: the names of its inputs, all arrays, the first as large as the value.  For pictures that
    call a reader's own function; they use the gradient of the first input, the others may be None.
    """
    name = name or getattr(function, "__name__", "the function")

    def held(*arrays, **options):
        value, pullback = called(function, arrays, options, name)

        def held_pullback(upstream):
            try:
                returned = pullback(upstream)
            except Exception as error:
                raise ProtocolError(f"the pullback of {name} raised {words_of(error)}") from error
            gradients = slots_of(returned, inputs, f"the pullback of {name}")
            if not is_real(gradients[0]) or np.shape(gradients[0]) != np.shape(arrays[0]):
                wanted = f"a gradient of {inputs[0]} in its shape, {np.shape(arrays[0])}"
                raise ProtocolError(
                    f"the pullback of {name} must return {wanted}; it returned {kind_of(gradients[0])}"
                )
            return gradients[0] if len(inputs) == 1 else gradients

        return value, held_pullback

    return held


def array_maker(function, name=None):
    """`function`, (shape, rng, ...) -> array, held to it: a ProtocolError where no such array comes back."""
    name = name or getattr(function, "__name__", "the function")

    @functools.wraps(function)
    def held(shape, *arguments, **options):
        try:
            returned = function(shape, *arguments, **options)
        except Exception as error:
            raise ProtocolError(f"{name} raised {words_of(error)}") from error
        if not is_real(returned) or np.shape(returned) != tuple(shape):
            raise ProtocolError(
                f"{name} must return floats of shape {tuple(shape)}; it returned {kind_of(returned)}"
            )
        return returned

    return held


def words_of(error):
    text = " ".join(str(error).split())[:300]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def is_real(thing):
    """True for arrays and scalars of real floating numbers."""
    return isinstance(thing, float) or (
        isinstance(thing, (np.ndarray, np.generic)) and thing.dtype.kind == "f"
    )


def kind_of(thing):
    """What something is, in a few words."""
    if thing is None:
        return "None"
    if isinstance(thing, (np.ndarray, np.generic)):
        numbers = "" if thing.dtype.kind == "f" else f" of {thing.dtype}"
        return f"an array of shape {thing.shape}{numbers}" if np.ndim(thing) else f"a number{numbers}"
    if type(thing).__module__.partition(".")[0] == "torch":
        return f"a torch {type(thing).__name__.lower()}"
    if isinstance(thing, (tuple, list)):
        return f"a {type(thing).__name__} of {len(thing)}"
    if callable(thing):
        return "a function"
    name = type(thing).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def words_of_inputs(names, trees):
    """What a function was called with: x: array (2, 3), weight: int64 array (3,), n: 3."""
    pairs = [pair for name, tree in zip(names, trees) for pair in leaves(tree, name)]
    told = [f"{name.removeprefix('params.')}: {words_of_leaf(leaf)}" for name, leaf in pairs[:12]]
    return ", ".join(told + ["..."] * (len(pairs) > 12))


def words_of_leaf(leaf):
    if isinstance(leaf, (np.ndarray, np.generic)) and np.ndim(leaf):
        kind = "" if leaf.dtype.kind == "f" else f"{leaf.dtype} "
        return f"{kind}array {leaf.shape}"
    return str(leaf)


def call_failed(who, function, error, names, trees):
    """The ValueError for a function that raised: which of the two, how, and what it was given."""
    text = words_of(error)
    own_name = getattr(function, "__name__", type(function).__name__)
    title = who if own_name in ("<lambda>", who) else f"{who} ({own_name})"
    given = f" It was called with {words_of_inputs(names, trees)}." if trees else ""
    return ValueError(
        f"{title} raised {text}{'' if text.endswith('.') else '.'}{given}{hint_for(who, text, names, trees)}"
    )


# what a function of arrays says when it is given tensors
TAKES_ARRAYS = ("Call detach", "must be Tensor", "requires grad", "is a torch tensor")


def hint_for(who, text, names, trees):
    """What may be behind it, where the error's words give it away."""
    if who == "ours" and "must be Tensor" in text:
        return " It takes tensors: are ours and theirs swapped?"
    if who == "theirs" and any(words in text for words in TAKES_ARRAYS):
        numbers = [name for name, tree in zip(names, trees) if isinstance(tree, int)]
        if numbers:
            return f" {numbers[0]} is a Python integer; give a float or an array if it has a gradient."
        return " It must be a function of tensors: are ours and theirs swapped?"
    integers = [
        name for n, tree in zip(names, trees) for name, leaf in leaves(tree, n)
        if isinstance(leaf, np.ndarray) and leaf.dtype.kind in "iu"
    ]  # fmt: skip
    if integers and ("dtype" in text or "Long" in text or "Int" in text or "Double" in text):
        return (
            f" {integers[0]} holds integers; give floats if it has a gradient: {integers[0]}.astype(float)."
        )
    return ""
