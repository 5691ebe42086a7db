"""The multilayer perceptron that travels through the course, with a tap after every layer."""

import numpy as np

from utils.nn.activations import tanh
from utils.nn.chain import Tap, chain
from utils.nn.guard import guarded
from utils.nn.linear import linear


@guarded
def mlp(sizes, activation=tanh):
    """A chain of linear layers with an activation between them: eq. (1.10).

    sizes: units per layer, inputs first, outputs last.  Returns (network, taps); each tap follows
    an activation, the last one the outputs, which have no activation.
    """
    layers, taps = [], []
    for i in range(len(sizes) - 1):
        taps.append(Tap(f"layer {i + 1}"))
        last = i == len(sizes) - 2
        layers += [linear, taps[-1]] if last else [linear, activation, taps[-1]]
    return chain(*layers), taps


@guarded
def mlp_params(sizes, rng, *, gain=1.0):
    """Random parameters for `mlp`: weights of standard deviation gain / sqrt(fan_in), biases zero.

    sizes: as for mlp; rng: a numpy Generator.
    """
    params = []
    for i, (fan_in, fan_out) in enumerate(zip(sizes, sizes[1:])):
        weight = rng.normal(scale=gain / np.sqrt(fan_in), size=(fan_out, fan_in))
        last = i == len(sizes) - 2
        params += [{"weight": weight, "bias": np.zeros(fan_out)}, *[None] * (1 if last else 2)]
    return tuple(params)


@guarded
def mlp_params_by(sizes, rng, scheme):
    """Random parameters for `mlp`: weights drawn by an initialization scheme, biases zero.

    sizes: as for mlp; rng: a numpy Generator; scheme(shape, rng): a function of
    utils.nn.initialization, options given by a lambda or by functools.partial.
    """
    built = mlp_params(sizes, np.random.default_rng(0))  # for its shapes
    return tuple(p and p | {"weight": scheme(p["weight"].shape, rng)} for p in built)
