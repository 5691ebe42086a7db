"""What an operation of the course must return, and sentences for functions that return or raise something else."""

import functools

import numpy as np

from utils.crosscheck.trees import is_floating, leaves


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


def tried(name, function, *arguments, **options):
    """What a reader's function returns; ProtocolError where it raises."""
    try:
        return function(*arguments, **options)
    except Exception as error:
        raise ProtocolError(f"{name} raised {words_of(error)}") from error


def expect(array, shape, start, end):
    """ProtocolError, `start` and what is wanted, then `end` and what it is, unless these are floats of that shape."""
    if not is_floating(array) or np.shape(array) != tuple(shape):
        raise ProtocolError(f"{start}, {tuple(shape)}; it {end} {kind_of(array)}")


def called(function, arrays, options=None, name=None):
    """(value, pullback) of a reader's function that keeps the shape of its first input.

    ProtocolError, with a sentence that begins with its name, where it raises or returns anything else.
    """
    name = name or getattr(function, "__name__", "the function")
    value, pullback = value_and_pullback(tried(name, function, *arrays, **(options or {})), name)
    wanted = f"the value of {name} must hold floats in the shape of its first input"
    expect(value, np.shape(arrays[0]), wanted, "is")
    return value, pullback


def operation(function, inputs, name=None):
    """`function`, held to the protocol: what does not follow it gets a sentence, a ProtocolError.

    inputs: the names of its inputs, all arrays, the first as large as the value.  For pictures that
    call a reader's own function; they use the gradient of the first input, the others may be None.
    """
    name = name or getattr(function, "__name__", "the function")
    back = f"the pullback of {name}"

    def held(*arrays, **options):
        value, pullback = called(function, arrays, options, name)

        def held_pullback(upstream):
            gradients = slots_of(tried(back, pullback, upstream), inputs, back)
            wanted = f"{back} must return a gradient of {inputs[0]} in its shape"
            expect(gradients[0], np.shape(arrays[0]), wanted, "returned")
            return gradients[0] if len(inputs) == 1 else gradients

        return value, held_pullback

    return held


def array_maker(function, name=None):
    """`function`, (shape, rng, ...) -> array, held to it: a ProtocolError where no such array comes back."""
    name = name or getattr(function, "__name__", "the function")

    @functools.wraps(function)
    def held(shape, *arguments, **options):
        returned = tried(name, function, shape, *arguments, **options)
        if not is_floating(returned) or np.shape(returned) != tuple(shape):
            raise ProtocolError(
                f"{name} must return floats of shape {tuple(shape)}; it returned {kind_of(returned)}"
            )
        return returned

    return held


def words_of(error):
    text = " ".join(str(error).split())[:300]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


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
    if isinstance(thing, dict) and thing:
        return f"a dict with the keys {', '.join(map(repr, thing))}"
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
    if not isinstance(leaf, (np.ndarray, np.generic)) or not np.ndim(leaf):
        return str(leaf)
    return f"{'' if leaf.dtype.kind == 'f' else f'{leaf.dtype} '}array {leaf.shape}"


def call_failed(who, function, error, names, trees):
    """The ValueError for a function that raised: which of the two, how, and what it was given."""
    text = words_of(error)
    own_name = getattr(function, "__name__", type(function).__name__)
    title = who if own_name in ("<lambda>", who) else f"{who} ({own_name})"
    given = f" It was called with {words_of_inputs(names, trees)}." if trees else ""
    return ValueError(f"{title} raised {text.removesuffix('.')}.{given}{hint_for(who, text, names, trees)}")


# what a function of arrays says when it is given tensors
TAKES_ARRAYS = ("Call detach", "must be Tensor", "requires grad", "is a torch tensor")


def hint_for(who, text, names, trees):
    """What may be behind it, where the error's words give it away."""
    if who == "ours" and "must be Tensor" in text:
        return " It takes tensors: are ours and theirs swapped?"
    if who == "theirs" and any(words in text for words in TAKES_ARRAYS):
        for name in (name for name, tree in zip(names, trees) if isinstance(tree, int)):
            return f" {name} is a Python integer; give a float or an array if it has a gradient."
        return " It must be a function of tensors: are ours and theirs swapped?"
    for name, leaf in (pair for known, tree in zip(names, trees) for pair in leaves(tree, known)):
        integers = isinstance(leaf, np.ndarray) and leaf.dtype.kind in "iu"
        if integers and any(words in text for words in ("dtype", "Long", "Int", "Double")):
            return f" {name} holds integers; give floats if it has a gradient: {name}.astype(float)."
    return ""
