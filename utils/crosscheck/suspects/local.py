"""Wrong local derivatives to plant: of an activation, at a kink, at a tie."""

from dataclasses import replace
from itertools import groupby

import torch

from utils.crosscheck.suspects.operands import Pool
from utils.crosscheck.suspects.plants import ANY, Plant, groups, instead, is_plain, reach_of, sites

RIGHT = {  # with y = f(z)
    "sigmoid": "y * (1 - y)", "tanh": "1 - y**2", "exp": "y", "log": "1 / z", "sqrt": "1 / (2 * y)", "square": "2 * z",
    "reciprocal": "-y**2", "sin": "cos(z)",
}  # fmt: skip
KINKED = {
    "relu",
    "abs",
    "clamp",
    "clamp_min",
    "clamp_max",
    "maximum",
    "minimum",
    "leaky_relu",
    "hardtanh",
    "relu6",
    "elu",
}
CURVED = KINKED | {
    *RIGHT, "selu", "celu", "softplus", "logsigmoid", "erf", "cos", "log1p", "expm1", "rsqrt", "pow", "rpow",
    "hardsigmoid", "softsign", "threshold", "where", "masked_fill", "atan", "sinh", "cosh", "hardswish", "rdiv", "rtruediv",
}  # fmt: skip
SPOKEN = {
    "pow": "power",
    "rpow": "power",
    "rdiv": "quotient",
    "rtruediv": "quotient",
    "masked_fill": "mask",
    "where": "mask",
}
FORMULAS = {
    "y": lambda z, y: y,
    "z": lambda z, y: z,
    "1 - y": lambda z, y: 1 - y,
    "y * (1 - y)": lambda z, y: y * (1 - y),
    "1 - y**2": lambda z, y: 1 - y**2,
    "z * (1 - z)": lambda z, y: z * (1 - z),
    "1 - z**2": lambda z, y: 1 - z**2,
    "1 - z": lambda z, y: 1 - z,
    "1 / z": lambda z, y: 1 / z,
    "1 / y": lambda z, y: 1 / y,
    "y**2": lambda z, y: y**2,
    "2 * z": lambda z, y: 2 * z,
    "1 where z > 0, else 0": lambda z, y: z > 0,
    "1 where z > 0, else y": lambda z, y: torch.where(z > 0, 1.0, y),
    "1 where y > 0, else 0": lambda z, y: y > 0,
}


def at(recording, step, which=""):
    """`tanh(x @ w1 + b1)`, or the label of that value."""
    return recording.words(step.output) + which


def activations(recording):
    """One way in, elementwise and curved, or with a mask: the Sites."""
    for site in sites(recording):
        step = site.first
        if not (site.name in CURVED and is_plain(step) and len(step.edges) == 1):
            continue
        if step.edges[0].source.shape == step.output.shape and step.output.numel():
            yield site


def slope_of(step):
    return step.pull(step.edges[0], torch.ones_like(step.output))


def at_output(step):
    """f'(f(z)) in place of f'(z)."""
    edge = step.edges[0]
    return step.pull(edge, torch.ones_like(step.output), {edge.slot: step.output})


def plant(recording, kind, sentence, steps, slope):
    """A Plant that puts slope(step) in place of the derivative at each of the steps; None where that is the same."""
    first = slope(steps[0]).to(steps[0].output.dtype)
    if not bool(first.isfinite().all()) or torch.allclose(first, slope_of(steps[0]), rtol=1e-12, atol=0):
        return None

    def rule(step):
        slopes = slope(step).to(step.output.dtype)
        return lambda g: g * slopes

    parts = [instead(s, s.edges[0], lambda s=s: rule(s)) for s in steps]
    return Plant(kind, sentence, parts, reach_of(recording, [s.edges[0] for s in steps]))


def choices(recording):
    """Steps of one activation that may be wrong together, with words: a place, one of its turns, all of a kind."""
    found = list(activations(recording))
    for site in found:
        for steps, which in groups(site):
            yield steps, f"{SPOKEN.get(site.name, site.name)} in {at(recording, site.first, which)}"
    places = sorted((site for site in found if not site.helper), key=lambda site: site.name)
    for name, alike in groupby(places, key=lambda site: site.name):
        alike = list(alike)
        if len(alike) > 1:
            spoken = SPOKEN.get(name, name)
            yield [s for site in alike for s in site.steps], f"{spoken}, everywhere,"
        if len(alike) > 2:
            yield (
                [s for site in alike[:-1] for s in site.steps],
                f"{spoken}, everywhere but in the last place,",
            )


GATES = (" i", " f", " g", " o", " r", " z", " n")


def ignored_conditions(recording):
    """A choice between two values whose gradient goes to one of them everywhere, or to the other one."""
    for site in sites(recording):
        step = site.first
        if site.name != "where" or not is_plain(step) or len(step.edges) != 2:
            continue
        condition = next(
            (a for a in step.arguments.values() if getattr(a, "dtype", None) == torch.bool), None
        )
        if condition is None or any(e.source.shape != step.output.shape for e in step.edges):
            continue
        first, second = step.edges
        words = f"in {at(recording, step)} the condition"
        for chosen, other in ((first, second), (second, first)):
            parts = [
                instead(step, chosen, lambda: lambda g: g),
                instead(step, other, lambda: torch.zeros_like),
            ]
            sentence = lambda chosen=chosen, words=words: (
                f"{words} is ignored on the way back: everything goes through {recording.words(chosen.source)}"
            )
            yield Plant("condition", sentence, parts, reach_of(recording, step.edges))
        parts = [
            instead(step, first, lambda c=condition: lambda g: g * ~c),
            instead(step, second, lambda c=condition: lambda g: g * c),
        ]
        yield Plant(
            "condition",
            lambda words=words: f"{words} is inverted on the way back",
            parts,
            reach_of(recording, step.edges),
        )


def power_rule(step):
    """`3 * z**2` for a cube; None where the step is no power."""
    exponent = step.arguments.get(("args", 1))
    if step.name.strip("_") != "pow" or not isinstance(exponent, (int, float)):
        return None
    return f"{exponent:g} * z" + (f"**{exponent - 1:g}" if exponent != 2 else "")


def gates(recording):
    """The activations of all gates of a recurrent layer."""
    found = [
        s
        for s in activations(recording)
        if getattr(s.first.output, "label", "").endswith(GATES) and not s.helper
    ]
    if len(found) > 1:
        yield [s for site in found for s in site.steps], "activations in all gates"


def wrong_slopes(recording):
    """The derivative of an activation forgotten, doubled, or taken from the wrong number."""
    common = [
        (
            "derivative forgotten",
            "the derivative of the {} is forgotten",
            lambda s: torch.ones_like(s.output),
        ),
        ("derivative twice", "the derivative of the {} is applied twice", lambda s: slope_of(s) ** 2),
        (
            "derivative at output",
            "the derivative of the {} is taken at its output, not at its input",
            at_output,
        ),
    ]
    for steps, what in [*choices(recording), *gates(recording)]:
        for kind, words, slope in common:
            yield plant(recording, kind, lambda w=words, what=what: w.format(what), steps, slope)
        for formula, rule in FORMULAS.items() if ", in turn" not in what and "gates" not in what else ():
            words = lambda f=formula, what=what, steps=steps: formula_words(f, what, steps[0])
            slope = lambda s, rule=rule: rule(s.edges[0].source, s.output).detach()
            yield plant(recording, "local derivative", words, steps, slope)


FROM_OUTPUT = {  # the derivative from y = f(z)
    "sigmoid": lambda y: y * (1 - y),
    "tanh": lambda y: 1 - y**2,
    "exp": lambda y: y,
    "sqrt": lambda y: 1 / (2 * y),
}


def borrowed_slopes(recording):
    """The derivative of an activation made from another value than its own."""
    pool = Pool(recording)
    for site in activations(recording):
        for steps, which in groups(site, singles=0):
            rule = FROM_OUTPUT.get(site.name)
            own = [s.output if rule else s.edges[0].source for s in steps]
            for (wrong, relation), values in pool.near(own, steps):
                words = lambda w=wrong, r=relation, steps=steps, which=which, own=own: (
                    f"the derivative of the {SPOKEN.get(steps[0].name, steps[0].name)} in {at(recording, steps[0], which)} "
                    f"is made from {w}, and should be from {r or recording.words(own[0])}"
                )
                chosen = dict(zip(map(id, steps), values))
                slope = lambda s, chosen=chosen, rule=rule: (
                    rule(chosen[id(s)].detach())
                    if rule
                    else s.pull(s.edges[0], torch.ones_like(s.output), {s.edges[0].slot: chosen[id(s)]})
                )
                yield plant(recording, "operand", words, steps, slope)


def formula_words(formula, what, step):
    right = RIGHT.get(step.name.strip("_")) or power_rule(step)
    names = [f"{n} its {w}" for n, w in (("z", "input"), ("y", "output")) if n in formula + (right or "")]
    instead = f" instead of {right}" if right else ""
    return f"the derivative of the {what} is computed as {formula}{instead}, with {' and '.join(names)}"


def wrong_leaks(recording):
    """On one side of zero another constant slope."""
    for site in activations(recording):
        strictly = lambda z: z < 0
        for here, words in ((strictly, "below"), (lambda z: z <= 0, "below"), (lambda z: z > 0, "above")):
            here = lambda s, here=here: here(s.edges[0].source.detach())
            before = slope_of(site.first)[here(site.first)]
            if (
                site.name not in KINKED
                or not before.numel()
                or (before != before[0]).any()
                or abs(before[0]) > 1
            ):
                continue
            old = float(before[0])
            slope = lambda s, here=here: torch.where(here(s), slope_of(s) - 1, slope_of(s))
            sentence = lambda c, site=site, words=words, old=old: (
                f"the slope of the {site.name} in {at(recording, site.first)} {words} 0 is {old - (1 - c):.3g}; "
                f"it should be {old:.3g}"
            )
            found = plant(recording, "half", sentence, site.steps, slope)
            if found and len(site.steps) == 1:
                yield replace(found, factors=ANY)


# ---- kinks and ties


def kinks(recording):
    """Another choice at the very places where there are two."""
    for site in sites(recording):
        step = site.first
        if site.name not in KINKED or not is_plain(step) or len(step.edges) != 1:
            continue
        edge = step.edges[0]
        if edge.source.shape != step.output.shape or not at_kink(step).any():
            continue
        for value in (0.0, 0.5, 1.0, -1.0):
            slope = lambda s, v=value: torch.where(at_kink(s), v, slope_of(s))
            words = lambda edge=edge, name=site.name: (
                f"wrong only where {recording.words(edge.source)} is exactly at the kink of the {name}: "
                "any slope there is a convention, and PyTorch has another"
            )
            yield plant(recording, "kink", words, site.steps, slope)


def at_kink(step):
    """Where the slope to the left is not that to the right."""
    edge = step.edges[0]
    z, ones = edge.source.detach(), torch.ones_like(step.output)
    left, right = (step.pull(edge, ones, {edge.slot: z + d}) for d in (-1e-6, 1e-6))
    return (left - right).abs() > 1e-3


MAXIMA = {"max", "min", "amax", "amin"}


def ties(recording):
    """The largest number more than once: who gets the gradient?"""
    for site in sites(recording):
        step = site.first
        if site.name not in MAXIMA or not is_plain(step) or len(step.edges) != 1:
            continue
        top = kept(step)
        if top is None or not (step.edges[0].source == top).sum() > top.numel():
            continue
        words = lambda step=step, name=site.name: (
            f"a tie: where the {name} in {recording.words(step.output)} is reached more than once "
            "the gradient goes to other elements than in PyTorch"
        )
        for share in ("all", "equal", "first", "last"):
            parts = [instead(s, s.edges[0], lambda s=s, share=share: shared(s, share)) for s in site.steps]
            yield Plant("tie", words, parts, reach_of(recording, [s.edges[0] for s in site.steps]))


def reduced_axis(step):
    """The axis of a reduction; None where it goes over all."""
    slots = (("args", 1), ("kwargs", "dim"), ("kwargs", "axis"))
    given = [a for slot, a in step.arguments.items() if slot in slots]
    return given[0] if given and isinstance(given[0], int) else None


def kept(step):
    """The maxima as they broadcast against the input; None if unclear."""
    source, output = step.edges[0].source.detach(), step.output.detach()
    if output.ndim == source.ndim or output.ndim == 0:
        return output
    axis = reduced_axis(step)
    return None if axis is None else output.unsqueeze(axis)


def shared(step, share):
    """A rule that gives the gradient of a maximum to all that reach it, or to the first or last, or in equal parts."""
    source, top, axis = step.edges[0].source.detach(), kept(step), reduced_axis(step)
    tied = (source == top).to(source.dtype)
    whole = axis is None
    rows = tied.flatten()[None] if whole else tied.movedim(axis, -1)
    first = rows * (rows.cumsum(-1) == 1)
    last = rows * (rows.flip(-1).cumsum(-1).flip(-1) == 1)
    weight = {"all": rows, "equal": rows / rows.sum(-1, keepdim=True), "first": first, "last": last}[share]
    weight = weight.reshape(tied.shape) if whole else weight.movedim(-1, axis)
    return lambda g: weight * (g if g.ndim in (0, weight.ndim) else g.unsqueeze(axis))
