"""The guard around an operation: its arguments are what they should be, and so is the gradient sent into its pullback."""

import functools
import inspect

import numpy as np

from utils.nn import kinds
from utils.nn.kinds import FLOAT32, FLOAT64, floating, told
from utils.nn.trees import tree

# what an argument of this name is, in every function of the course; any other input is floating
KINDS = {
    **dict.fromkeys(("negative_slope", "alpha", "theta", "max_value"), kinds.number()),
    **dict.fromkeys(("lower", "upper", "value", "mean", "a", "b"), kinds.number()),
    **dict.fromkeys(("eps", "std", "gain", "lr", "momentum"), kinds.number(0)),
    "label_smoothing": kinds.number(0, 1),
    **dict.fromkeys(("pieces", "num_groups", "units"), kinds.whole(1)),
    "shape": kinds.lengths(0, such_as="(3, 2)"),
    "sizes": kinds.lengths(1, count=2, such_as="(64, 32, 10)"),
    "axis": kinds.axis,
    **dict.fromkeys(("training", "nesterov"), kinds.truth),
    "rng": kinds.generator,
    **dict.fromkeys(("running_mean", "running_var"), kinds.statistics),
    "mode": kinds.one_of("fan_in", "fan_out"),
    "kind": kinds.one_of(*kinds.NORMALIZATIONS),
    **dict.fromkeys(("activation", "scheme"), kinds.function),
    **dict.fromkeys(("params", "state"), tree),
}


def guarded(function=None, **expected):
    """A decorator: the function meets arrays of floating point and options that make sense, or says what came.

    Every argument is of the kind that its name has in KINDS; an input of another name is `floating`.
    expected: for some arguments a shape, written as in a docstring, "(..., in)" or "(N, C, *positions)",
    where a letter is one length in all arguments; or a kind for this function alone.  None passes
    where it is the default.  Where the function returns a value and its pullback, the pullback refuses
    a gradient that does not have the shape of the value, instead of broadcasting it.  ValueError with
    the name of the argument, what came and what was expected.
    """
    if function is None:
        return functools.partial(guarded, **expected)
    parameters = inspect.signature(function).parameters
    slots = {name: slot_of(p, expected.get(name)) for name, p in parameters.items()}
    inputs = [slots[name] for name, p in parameters.items() if p.kind is not p.KEYWORD_ONLY]
    along = parameters["axis"].default if "axis" in parameters else None

    @functools.wraps(function)
    def call(*args, **options):
        sizes = {}
        if len(args) == 1 and inputs:  # most operations take one array: no loop for them
            ready = (inputs[0](args[0], sizes),)
        elif len(args) <= len(inputs):
            ready = [slot(given, sizes) for slot, given in zip(inputs, args)]
        else:
            return function(*args, **options)  # Python says how many it takes
        for name in options:
            if name in slots:  # else Python says that there is no such option
                options[name] = slots[name](options[name], sizes)
        if along is not None:
            expect_numbers_along(options.get("axis", along), ready[0] if ready else options.get("x"))
        result = function(*ready, **options)
        if type(result) is tuple and len(result) == 2 and callable(result[1]) and not callable(result[0]):
            return result[0], guard_of(*result)
        return result

    return call


def slot_of(parameter, expected):
    """One argument of a guarded function: (what came, lengths of the letters seen so far) -> what the function gets."""
    name, optional = parameter.name, parameter.default is None
    kind = expected if callable(expected) else KINDS.get(name)
    if kind is None and parameter.kind is parameter.KEYWORD_ONLY:
        raise TypeError(f"no kind is known for the option {name}: add it to utils.nn.guard.KINDS")
    floats = kind is None
    kind = kind or floating
    ndim, more, axes = axes_of(expected) if isinstance(expected, str) else (0, True, ())

    def slot(given, sizes):
        # what floating does first is done here too, for speed
        if not (floats and type(given) is np.ndarray and (given.dtype is FLOAT64 or given.dtype is FLOAT32)):
            if given is None and optional:
                return None
            given = kind(given, name)
        if axes:
            shape = given.shape
            fits = len(shape) == ndim or (more and len(shape) > ndim)
            for place, letter in axes if fits else ():
                known = sizes.get(letter)
                if known is None:
                    sizes[letter] = shape[place], name
                elif known[0] != shape[place]:
                    fits = False
            if not fits:
                raise ValueError(
                    f"{name} has shape {shape}; expected {expected}{known_of(axes, sizes, name)}"
                )
        return given

    return slot


def known_of(axes, sizes, name):
    """What a message about an argument's shape says of letters that other arguments have settled."""
    others = [(letter, *sizes[letter]) for _, letter in axes if sizes.get(letter, (0, name))[1] != name]
    return "".join(f", where {letter} is {length} in {where}" for letter, length, where in others)


def axes_of(shape):
    """A shape as text: how many axes have a letter, whether there may be more, and (place, letter) of each.

    Axes behind the rest, "..." or "*positions", are counted from the end.
    """
    letters = [letter for letter in shape.strip("()").replace(" ", "").split(",") if letter]
    rest = [i for i, letter in enumerate(letters) if letter[0] in ".*"]
    before = rest[0] if rest else len(letters)
    axes = [(i if i < before else i - len(letters), letter) for i, letter in enumerate(letters)]
    axes = [pair for i, pair in enumerate(axes) if i not in rest]
    return len(axes), bool(rest), axes


def guard_of(value, pullback):
    """The pullback, which refuses a gradient that is not built like the value."""
    expected = value.shape if type(value) in (np.ndarray, np.float64) else shapes_of(value)

    def guard(dy):
        if type(dy) is np.ndarray and (dy.dtype is FLOAT64 or dy.dtype is FLOAT32) and dy.shape == expected:
            return pullback(dy)  # the usual case, and the quickest
        return pullback(upstream(dy, expected, name_of_upstream(pullback)))

    return guard


def shapes_of(value):
    """The shape of an output; a list of them for one of several parts, None for what has no gradient."""
    if isinstance(value, tuple):
        return [shapes_of(part) for part in value]
    floats = isinstance(value, float) or getattr(getattr(value, "dtype", None), "kind", "") == "f"
    return np.shape(value) if floats else None


def upstream(dy, expected, name):
    """A gradient of floating point with the expected shape, or several; a Python number for one number."""
    if expected is None:
        return dy
    if isinstance(expected, list):
        if not isinstance(dy, (tuple, list)) or len(dy) != len(expected):
            raise ValueError(f"{name} is {told(dy)}; expected {len(expected)} gradients, one for each output")
        return tuple(upstream(part, e, f"{name}[{i}]") for i, (part, e) in enumerate(zip(dy, expected)))
    if expected == () and isinstance(dy, (int, float)):
        return float(dy)  # a 0-d array would turn float32 into float64
    dy = floating(dy, name)
    if dy.shape != expected:
        raise ValueError(f"{name} has shape {dy.shape}; expected {expected}, the shape of the output")
    return dy


def name_of_upstream(pullback):
    """What the pullback itself calls the gradient that comes in."""
    code = getattr(pullback, "__code__", None)
    return code.co_varnames[0] if code and code.co_argcount else "dy"


def expect_numbers_along(axis, x):
    """ValueError when x does not have this axis, or these, or no number along them."""
    if axis is inspect.Parameter.empty or x is None:
        return  # not given: Python says so
    shape, ndim = x.shape, x.ndim
    for a in axis if isinstance(axis, tuple) else (axis,):
        if not -ndim <= a < ndim:
            raise ValueError(f"axis is {axis}; expected an axis of x, which has shape {shape}, or several")
        if shape[a] == 0:
            raise ValueError(f"x has shape {shape}: no number along axis {a}; expected one or more")
