"""Layers composed into networks, and taps that see what passes: chapter 01."""

import contextlib
import inspect
import weakref


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
        kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        names = tuple(p.name for p in inspect.signature(layer).parameters.values() if p.kind in kinds)
    with contextlib.suppress(TypeError):
        _inputs[layer] = names
    return names


def call_layer(layer, params, x):
    """Run one layer of a chain; its pullback gives (dparams, dx), dparams None without parameters.

    Three kinds of layer: a network `f(params, x)`, a function of one input `f(x)`, and a function
    `f(x, weight, ...)` whose further inputs stand in `params` under their names.
    """
    names = inputs_of(layer)
    if not names:
        raise ValueError(f"{name_of(layer)} names no input; expected f(x), f(x, weight, ...) or f(params, x)")
    if names[0] == "params":
        return layer(params, x)
    unknown = set(params or {}) - set(names[1:])
    if unknown:
        raise ValueError(
            f"params of {name_of(layer)} holds {sorted(unknown)}; its inputs are {list(names[1:])}"
        )
    if len(names) == 1:
        value, back = layer(x)
        return value, lambda dy: (None, back(dy))
    value, back = layer(x, **(params or {}))

    def pullback(dy):
        dx, *dothers = back(dy)
        return {name: d for name, d in zip(names[1:], dothers) if name in (params or {})}, dx

    return value, pullback


def name_of(layer):
    """How a message calls a layer; a functools.partial has no name of its own."""
    return getattr(getattr(layer, "func", layer), "__name__", repr(layer))


def chain(*layers):
    """Compose layers into a network, f(params, x).

    params: a tuple with one dict (or None) per layer.  The network's pullback gives
    (dparams, dx), dparams built like params.  ValueError when their number differs.
    """

    def network(params, x):
        if len(params) != len(layers):
            raise ValueError(f"params has {len(params)} entries; this chain has {len(layers)} layers")
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
