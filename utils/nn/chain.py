"""Layers composed into networks, and taps that see what passes: chapter 01."""

import contextlib
import inspect
import weakref

from utils.nn.kinds import function, told


class Tap:
    """An identity layer that keeps what passes: `.value` going forward, `.gradient` coming back."""

    def __init__(self, name=""):
        self.name, self.value, self.gradient = name, None, None

    def __call__(self, x):
        self.value, self.gradient = x, None

        def pullback(dy):
            self.gradient = dy
            return dy

        return x, pullback


# what inputs_of found: asking Python for a signature takes longer than running a small layer
_inputs = weakref.WeakKeyDictionary()


def inputs_of(layer):
    """The names of a layer's inputs: its parameters before a bare `*`."""
    try:
        return _inputs[layer]
    except (KeyError, TypeError):  # TypeError: a layer that cannot be referred to weakly
        function(layer, "layer")
        kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        names = tuple(p.name for p in inspect.signature(layer).parameters.values() if p.kind in kinds)
    with contextlib.suppress(TypeError):
        _inputs[layer] = names
    return names


def call_layer(layer, params, x):
    """Run one layer of a chain; its pullback gives (dparams, dx), dparams None without parameters.

    Three kinds of layer: a network `f(params, x)`, a function of one input `f(x)`, and a function
    `f(x, weight, ...)` whose further inputs stand in `params` under their names.  ValueError when
    params do not fit, or when the layer returns no value and pullback.
    """
    names = inputs_of(layer)
    if not names:
        raise ValueError(f"{name_of(layer)} names no input; expected f(x), f(x, weight, ...) or f(params, x)")
    if names[0] == "params":
        return pair(layer, layer(params, x))
    if params is not None:
        expect_inputs(layer, names[1:], params)
    if len(names) == 1:
        value, back = pair(layer, layer(x))
        return value, lambda dy: (None, back(dy))
    given = params or {}
    try:
        value, back = pair(layer, layer(x, **given))
    except TypeError:
        expect_call(layer, x, given)
        raise

    def pullback(dy):
        grads = back(dy)
        if not isinstance(grads, tuple) or len(grads) != len(names):
            raise ValueError(
                f"the pullback of {name_of(layer)} returned {told(grads)}; expected {len(names)} gradients"
            )
        return {name: d for name, d in zip(names, grads) if name in given}, grads[0]

    return value, pullback


def expect_inputs(layer, names, params):
    """ValueError unless params is a dict that holds inputs of these names only."""
    if not isinstance(params, dict):
        raise ValueError(f"params of {name_of(layer)} is {told(params)}; its inputs are {list(names)}")
    unknown = [name for name in params if name not in names]
    if unknown:
        raise ValueError(f"params of {name_of(layer)} holds {unknown}; its inputs are {list(names)}")


def expect_call(layer, x, params):
    """ValueError when params lacks an input of the layer that has no default."""
    try:
        inspect.signature(layer).bind(x, **params)
    except TypeError as error:
        raise ValueError(f"params of {name_of(layer)} holds {sorted(params)}: {error}") from None


def pair(layer, returned):
    """What a layer returned, if it is a value and a pullback."""
    if type(returned) is not tuple or len(returned) != 2 or not callable(returned[1]):
        raise ValueError(f"{name_of(layer)} returned {told(returned)}; expected a value and its pullback")
    return returned


def name_of(layer):
    """How a message calls a layer; a functools.partial has no name of its own."""
    return getattr(getattr(layer, "func", layer), "__name__", repr(layer))


def chain(*layers):
    """Compose layers into a network, f(params, x).

    params: a tuple with one dict (or None) per layer.  The network's pullback gives
    (dparams, dx), dparams built like params.  ValueError when their number differs.
    """

    def network(params, x):
        expect_one_each(params, layers)
        backs = []
        for layer, p in zip(layers, params):
            x, back = call_layer(layer, p, x)
            backs.append(back)

        def pullback(dy):
            dparams = []
            for back in reversed(backs):
                dp, dy = back(dy)
                dparams.append(dp)
            return tuple(reversed(dparams)), dy

        return x, pullback

    return network


def expect_one_each(params, layers):
    """ValueError unless params is a tuple, or a list, of one entry for each layer."""
    if not isinstance(params, (tuple, list)):
        raise ValueError(f"params is {told(params)}; expected a tuple of {len(layers)}, one entry a layer")
    if len(params) != len(layers):
        raise ValueError(f"params has {len(params)} entries; this chain has {len(layers)} layers")
