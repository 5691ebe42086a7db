"""Wrong local derivatives to plant: of an activation, behind a condition, at a kink, at a tie."""

from functools import partial
from itertools import chain, groupby

import torch

from utils.crosscheck.suspects.operands import Pool
from utils.crosscheck.suspects.plants import ANY, Plant, instead, reach_of, swapped

RIGHT = {  # with y = f(z)
    "sigmoid": "y * (1 - y)", "tanh": "1 - y**2", "exp": "y", "log": "1 / z", "sqrt": "1 / (2 * y)", "square": "2 * z",
    "reciprocal": "-y**2", "sin": "cos(z)",
}  # fmt: skip
KINKED = {
    "relu", "abs", "clamp", "clamp_min", "clamp_max", "maximum", "minimum", "leaky_relu", "hardtanh", "relu6", "elu",
}  # fmt: skip
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
GATES = (" i", " f", " g", " o", " r", " z", " n")
MAXIMA = {"max", "min", "amax", "amin"}
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
FROM_OUTPUT = {  # the derivative from y = f(z)
    "sigmoid": lambda y: y * (1 - y), "tanh": lambda y: 1 - y**2, "exp": lambda y: y, "sqrt": lambda y: 1 / (2 * y),
}  # fmt: skip
COMMON = [
    ("derivative forgotten", "the derivative of the {} is forgotten", lambda s: torch.ones_like(s.output)),
    ("derivative twice", "the derivative of the {} is applied twice", lambda s: slope_of(s) ** 2),
    ("derivative at output", "the derivative of the {} is taken at its output, not at its input",
     lambda s: slope_at(s, s.output)),
]  # fmt: skip


def slope_of(step):
    return step.pull(step.edges[0], torch.ones_like(step.output))


def slope_at(step, z):
    """The derivative at another number than the step's input."""
    edge = step.edges[0]
    return step.pull(edge, torch.ones_like(step.output), {edge.slot: z})


def activations(recording, names=CURVED):
    """One way in, elementwise and curved, or with a mask: the Sites."""
    for site in recording.plain(names):
        step = site.first
        if len(step.edges) == 1 and step.edges[0].source.shape == step.output.shape and step.output.numel():
            yield site


def replaced(recording, kind, text, things, steps, slope):
    """A Plant that puts slope(step) in place of the derivative at each of the steps; none where that is the same."""
    first = slope(steps[0]).to(steps[0].output.dtype)
    if bool(first.isfinite().all()) and not torch.allclose(first, slope_of(steps[0]), rtol=1e-12, atol=0):
        rule = lambda e, g: g * slope(e.step).to(g.dtype)
        yield swapped(recording, kind, text, things, [s.edges[0] for s in steps], rule)


def choices(recording):
    """Steps of one activation that may be wrong together, with words: a place, one of its turns, all of a kind."""
    found = list(activations(recording))
    for site in found:
        for steps, which in site.groups():
            yield steps, f"{SPOKEN.get(site.name, site.name)} in {recording.words(site.first.output)}{which}"
    places = sorted((site for site in found if not site.helper), key=lambda site: site.name)
    for name, alike in groupby(places, key=lambda site: site.name):
        steps = [site.steps for site in alike]
        spoken = SPOKEN.get(name, name)
        if len(steps) > 1:
            yield [*chain(*steps)], f"{spoken}, everywhere,"
        if len(steps) > 2:
            yield [*chain(*steps[:-1])], f"{spoken}, everywhere but in the last place,"
    gates = [
        site.steps
        for site in found
        if getattr(site.first.output, "label", "").endswith(GATES) and not site.helper
    ]
    if len(gates) > 1:
        yield [*chain(*gates)], "activations in all gates"


def wrong_slopes(recording):
    """The derivative of an activation forgotten, doubled, or taken from the wrong number."""
    for steps, what in choices(recording):
        for kind, text, slope in COMMON:
            yield from replaced(recording, kind, text, (what,), steps, slope)
        for formula, rule in formulas(steps[0]) if ", in turn" not in what and "gates" not in what else ():
            slope = lambda s, rule=rule: rule(s.edges[0].source, s.output).detach()
            text = formula_words(formula, steps[0])
            yield from replaced(recording, "local derivative", text, (what,), steps, slope)


def formulas(step):
    """(in words, rule) for all that may stand in place of a derivative; a power may have kept its exponent."""
    yield from FORMULAS.items()
    exponent = step.arguments.get((0, 1))
    if step.name == "pow" and isinstance(exponent, (int, float)):
        yield f"{exponent:g} * z**{exponent:g}", lambda z, y: exponent * y


def formula_words(formula, step):
    right, exponent = RIGHT.get(step.name), step.arguments.get((0, 1))
    if step.name == "pow" and isinstance(exponent, (int, float)):
        right = f"{exponent:g} * z" + (f"**{exponent - 1:g}" if exponent != 2 else "")
    names = [f"{n} its {w}" for n, w in (("z", "input"), ("y", "output")) if n in formula + (right or "")]
    instead = f" instead of {right}" if right else ""
    return f"the derivative of the {{}} is computed as {formula}{instead}, with {' and '.join(names)}"


def borrowed_slopes(recording):
    """The derivative of an activation made from another value than its own."""
    pool = Pool(recording)
    for site in activations(recording):
        rule = FROM_OUTPUT.get(site.name)
        own = [s.output if rule else s.edges[0].source for s in site.steps]
        place = recording.words(site.first.output) + (", wherever that is done" if site.helper else "")
        text = f"the derivative of the {SPOKEN.get(site.name, site.name)} in {{}} is made from {{}}, and should be from {{}}"
        for (wrong, right), values in pool.near(own, site.steps):
            slope = partial(borrowed, rule, dict(zip(map(id, site.steps), values)))
            things = place, wrong, right or recording.words(own[0])
            yield from replaced(recording, "operand", text, things, site.steps, slope)


def borrowed(rule, values, step):
    value = values[id(step)].detach()
    return rule(value) if rule else slope_at(step, value)


# ---- conditions, kinks and ties


def ignored_conditions(recording):
    """A choice between two values whose gradient goes to one of them everywhere, or to the other one."""
    for site in recording.plain({"where"}):
        step = site.first
        condition = next(
            (a for a in step.arguments.values() if getattr(a, "dtype", None) == torch.bool), None
        )
        if (
            len(step.edges) != 2
            or condition is None
            or any(e.source.shape != step.output.shape for e in step.edges)
        ):
            continue
        first, second = step.edges
        ignored = "in {} the condition is ignored on the way back: everything goes through {}"
        for weights, text, things in (
            ((1, 0), ignored, (recording.words(first.source),)),
            ((0, 1), ignored, (recording.words(second.source),)),
            ((~condition, condition), "in {} the condition is inverted on the way back", ()),
        ):
            hooks = [h for e, w in zip(step.edges, weights) for h in instead(e, lambda e, g, w=w: g * w)]
            things = (recording.words(step.output), *things)
            yield Plant("condition", text, things, hooks, reach_of(recording, step.edges))


def wrong_leaks(recording):
    """On one side of zero another constant slope."""
    for site in activations(recording, KINKED):
        step = site.first
        z, slopes = step.edges[0].source.detach(), slope_of(step)
        for here, words in ((z < 0, "below"), (z <= 0, "below"), (z > 0, "above")):
            old = slopes[here]
            if len(site.steps) == 1 and old.numel() and (old == old[0]).all() and abs(old[0]) <= 1:
                text = partial(leak_words, recording, step, words, float(old[0]))
                slope = lambda s, here=here, slopes=slopes: torch.where(here, slopes - 1, slopes)
                for plant in replaced(recording, "half", text, (), site.steps, slope):
                    plant.factors = ANY
                    yield plant


def leak_words(recording, step, side, old, factor):
    place = f"the slope of the {step.name} in {recording.words(step.output)} {side} 0"
    return f"{place} is {old - (1 - factor):.3g}; it should be {old:.3g}"


def kinks(recording):
    """Another choice at the very places where there are two."""
    for site in activations(recording, KINKED):
        things = recording.words(site.first.edges[0].source), site.name
        text = (
            "wrong only where {} is exactly at the kink of the {}: any slope there is a convention, and PyTorch "
            "has another"
        )
        for value in (0.0, 0.5, 1.0, -1.0) if at_kink(site.first).any() else ():
            slope = lambda s, v=value: torch.where(at_kink(s), v, slope_of(s))
            yield from replaced(recording, "kink", text, things, site.steps, slope)


def at_kink(step):
    """Where the slope to the left is not that to the right."""
    left, right = (slope_at(step, step.edges[0].source.detach() + d) for d in (-1e-6, 1e-6))
    return (left - right).abs() > 1e-3


def ties(recording):
    """The largest number more than once: who gets the gradient?"""
    for site in recording.plain(MAXIMA):
        step = site.first
        top = kept(step) if len(step.edges) == 1 else None
        if top is None or not (step.edges[0].source == top).sum() > top.numel():
            continue
        text = "a tie: where the {} in {} is reached more than once the gradient goes to other elements than in PyTorch"
        for share in ("all", "equal", "first", "last"):
            things = site.name, recording.words(step.output)
            yield swapped(recording, "tie", text, things, site.edges(), partial(shared, share))


def kept(step):
    """The maxima as they broadcast against the input; None if unclear."""
    source, output = step.edges[0].source.detach(), step.output.detach()
    if output.ndim in (0, source.ndim):
        return output
    return None if step.axis is None else output.unsqueeze(step.axis)


def shared(share, edge, g):
    """The gradient of a maximum to all that reach it, or to the first or last, or in equal parts."""
    source, axis = edge.source.detach(), edge.step.axis
    tied = (source == kept(edge.step)).to(source.dtype)
    rows = tied.flatten()[None] if axis is None else tied.movedim(axis, -1)
    first = rows * (rows.cumsum(-1) == 1)
    last = rows * (rows.flip(-1).cumsum(-1).flip(-1) == 1)
    weight = {"all": rows, "equal": rows / rows.sum(-1, keepdim=True), "first": first, "last": last}[share]
    weight = weight.reshape(tied.shape) if axis is None else weight.movedim(-1, axis)
    return weight * (g if g.ndim in (0, weight.ndim) else g.unsqueeze(axis))
