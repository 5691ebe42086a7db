"""Wrong operands to plant: of a product, in the gradient that a product sends back; a step back that was skipped."""

import torch

from utils.crosscheck.suspects.paths import typical
from utils.crosscheck.suspects.plants import Plant, instead, reach_of, swapped
from utils.crosscheck.suspects.wording import TRANSPOSES

SCALED = {"mul", "rmul", "multiply", "div", "truediv", "true_divide"}
MATRIX = {"matmul", "mm", "bmm", "rmatmul", "linear"}
TURNABLE = MATRIX | {"mv", "einsum", "outer", "bilinear"}
PRODUCTS = SCALED | MATRIX | {"mv", "dot", "einsum", "outer", "baddbmm", "addmm", "bilinear", "inner"}
NEAR = 16  # values tried in place of an operand, those made next to it first
AFTER, BEFORE = ("after", "before"), ("before", "after")  # turns of a loop: the wrong one, the right one
AHEAD = 8  # steps to look forward for a step back that may have been skipped


def floating(a):
    return isinstance(a, torch.Tensor) and a.is_floating_point()


def products(recording):
    """(steps, words for which, edge position, slot of the other operand) for every product."""
    for site in recording.plain(PRODUCTS):
        slots = [
            slot
            for slot, a in site.first.arguments.items()
            if floating(a) or getattr(a, "dtype", 0) == torch.bool
        ]
        for k, edge in enumerate(site.first.edges):
            for slot in slots:
                for steps, which in site.groups(singles=3) if slot != edge.slot else ():
                    yield steps, which, k, slot


def turned_over(recording):
    """An operand left out, or transposed the wrong way round."""
    for steps, which, k, slot in products(recording):
        for kind, words, change in changes(steps[0].name, steps[0].arguments[slot]):
            others = {id(s): change(s.arguments[slot]) for s in steps}
            yield with_operands(recording, kind, words, others, (steps, which, k, slot))
        output, edges = steps[0].output, [s.edges[k] for s in steps]
        if steps[0].name in TURNABLE and output.ndim >= 2 and output.shape[-1] == output.shape[-2]:
            text = "in what comes back to {} the gradient that comes back to {} is transposed the wrong way round"
            things = edges[0].source, recording.words(output)
            yield swapped(recording, "transposed", text, things, edges, lambda e, g: e.step.pull(e, g.mT))


def changes(name, operand):
    """The operand left out, or turned over: (kind, words, change)."""
    if name in SCALED:
        yield "named factor", "the factor {right} is forgotten", torch.ones_like
    if operand.ndim >= 2 and operand.shape[-1] == operand.shape[-2] and name in TURNABLE:
        yield "transposed", "{right} is transposed the wrong way round", lambda b: b.mT
    if getattr(operand, "label", "") == "the kernel":
        yield "kernel", "the kernel is not flipped as it must be", lambda b: b.flip(-1)
        if operand.shape[0] == operand.shape[1]:
            yield "kernel", "the kernel's channels in and out are swapped", lambda b: b.transpose(0, 1)


def with_operands(recording, kind, words, others, place):
    """A Plant of another operand in each of the steps; others: {id of the step: tensor}."""
    steps, _, k, slot = place
    edges = [s.edges[k] for s in steps]
    rule = lambda e, g: e.step.pull(e, g, {slot: others[id(e.step)]})
    text = lambda _: operand_words(recording, words, *place)
    return swapped(recording, kind, text, (), edges, rule)


def operand_words(recording, words, steps, which, k, slot):
    step = typical(recording, [s.edges[k] for s in steps]).step
    right, behind = (recording.words.told(a) for a in (step.arguments[slot], step.edges[k].source))
    if isinstance(words, tuple):
        words = f"{words[0]} is taken where {words[1] or '{right}'} belongs"
    start = f"on the way back from {recording.words(step.output)} to {behind}"
    if behind in recording.names.values():
        start = f"in the gradient of {behind}"
    return f"{start}{which} {words.replace('{right}', right)}"


def wrong_operands(recording):
    """Another value in the place of the other operand."""
    pool = Pool(recording)
    for steps, which, k, slot in products(recording):
        for words, values in pool.alike(steps, slot) if floating(steps[0].arguments[slot]) else ():
            others = dict(zip(map(id, steps), values))
            yield with_operands(recording, "operand", words, others, (steps, which, k, slot))


class Pool:
    """Values of a recording that may have been mistaken for one another."""

    def __init__(self, recording):
        self.recording = recording
        self.sites = [s for s in recording.sites if s.first.output is not None and not s.helper]
        self.fixed = [t for _, t in recording.named if floating(t)]

    def alike(self, steps, slot):
        """Lists of values, one for each of the steps, shaped like the operand: ((wrong, right) in words, list of tensors)."""
        right = [s.arguments[slot] for s in steps]
        looks = [self.recording.maker.get(id(b), (None,))[0] for b in right]
        if all(look is not None and look.name in TRANSPOSES and len(look.edges) == 1 for look in looks):
            turned = lambda look, a: look.call(look.arguments | {look.edges[0].slot: a.detach()})
            for words, values in self.near([look.edges[0].source for look in looks], steps):
                yield words, [turned(look, a) for look, a in zip(looks, values)]
        yield from self.near(right, steps)

    def near(self, right, steps):
        """Lists of values shaped like those given, the nearest first."""
        fixed = [
            (1000 + k, (t, ""), [t] * len(right))
            for k, t in enumerate(self.fixed)
            if t.shape == right[0].shape
        ]
        found, seen = sorted([*self.series(steps, right), *fixed], key=lambda f: f[0]), [right]
        for _, words, values in found[:NEAR]:
            if not any(equal(values, other) for other in seen):
                seen.append(values)
                yield tuple(w if isinstance(w, str) else self.recording.words(w) for w in words), values

    def series(self, steps, right):
        """What other places of the code made in the same turn of the loop, or one turn earlier or later."""
        same = lambda some, others: all(a is b for a, b in zip(some, others))
        for site in self.sites:
            made, far = [s.output for s in site.steps], abs(site.first.number - steps[0].number)
            if made[0].shape != right[0].shape:
                continue
            if len(made) == len(steps):
                later = len(made) > 1 and same(made, right[1:])
                yield far, self.of_step(made, AFTER, later), made
                if later:
                    yield far + 1, self.of_step(made, AFTER, True), [right[0], *made[1:]]
                first = self.entering(site) if len(made) > 1 else None
                if first is not None:
                    yield far + 1, self.of_step(made, BEFORE, same(made, right)), [first, *made[:-1]]
            elif len(made) == len(steps) + 1 > 2:
                yield far, self.of_step(made, AFTER, same(made, right)), made[1:]
                yield far, self.of_step(made, BEFORE, same(made[1:], right)), made[:-1]
            elif len(steps) == 1:
                for step in site.steps:
                    yield abs(step.number - steps[0].number), (step.output, ""), [step.output]

    def of_step(self, made, turns, is_so):
        """(wrong, right) for values that stand a turn of the loop beside the right ones, if that is so."""
        wrong, right = turns
        return (
            (f"{self.recording.words(made[0])} {wrong} the step", f"that {right} it")
            if is_so
            else (made[0], "")
        )

    def entering(self, site):
        """The value that stands before the loop where later turns find what the turn before has made."""
        for edge in self.recording.consumers.get(id(site.first.output), []):
            for other in self.sites:
                if len(other.steps) == len(site.steps) > 1 and other.steps[1] is edge.step:
                    return other.first.arguments[edge.slot]


def equal(some, others):
    return all(a is b or (a.shape == b.shape and torch.equal(a, b)) for a, b in zip(some, others))


def factors_at_values(recording):
    """The whole gradient at a value multiplied or divided by another value."""
    pool = [t for _, t in recording.named if floating(t)] + [
        s.output for s in recording.steps if s.output is not None
    ]
    for site in recording.plain():
        value = site.first.output
        if len(site.steps) > 1 or value.numel() < 2:
            continue
        for a in [a for a in pool if a.numel() > 1 and stretches(a.shape, value.shape)][-NEAR:]:
            factors = (
                ("too many (or a division missing)", a.detach()),
                ("missing (or a division too many)", 1 / a.detach()),
            )
            for kind, change in factors:
                if bool(change.isfinite().all()):
                    text, things = (
                        f"in what comes back to {{}} a factor is {kind}: {{}}",
                        (value, recording.words(a)),
                    )
                    hooks = [(value, lambda g, change=change: g * change)]
                    yield Plant(
                        "named factor", text, things, hooks, recording.reach.get(id(value), frozenset())
                    )


def stretches(small, large):
    """Whether a shape broadcasts to another, which does not change."""
    return len(small) <= len(large) and all(m in (1, n) for m, n in zip(small[::-1], large[::-1]))


def reshaped(recording):
    """A reshape where a transpose belongs, on the way back through a transpose."""
    text = "on the way back to {}{} the axes are put back by a reshape, where a transpose is needed"
    for site in recording.plain(TRANSPOSES | {"permute", "movedim"}):
        for steps, which in site.groups():
            edges = [s.edges[0] for s in steps]
            rule = lambda e, g: g.reshape(e.source.shape)
            yield swapped(recording, "misplaced", text, (edges[0].source, which), edges, rule)


# ---- a step back skipped


def too_far(recording):
    """The gradient of a parameter made from the gradient behind its product, not from that before."""
    leaves = {id(t) for t in recording.leaves}
    for site in recording.plain(PRODUCTS):
        for k, edge in enumerate(site.first.edges):
            for j, other in enumerate(site.first.edges):
                if j != k and id(edge.source) in leaves and other.source.shape == site.first.output.shape:
                    text = "the gradient of {0} is made from that of {1}, not from that of {2}: one step too far back"
                    if site.name in SCALED:  # the same numbers
                        text += "; or {2} is taken where {1} belongs: overwritten in place?"
                    things = edge.source, other.source, recording.words(site.first.output)
                    rule = lambda e, g, j=j: e.step.pull(e, e.step.pull(e.step.edges[j], g))
                    yield swapped(recording, "step skipped", text, things, site.edges(k), rule)


def skipped(recording):
    """On one way back the gradient comes from too far ahead.

    On a way of its own (to a parameter, to one use of a value) one step may be skipped; where the
    whole gradient passes, several (one alone is a forgotten derivative).
    """
    several = {id(e) for edges in recording.consumers.values() if len(edges) > 1 for e in edges}
    leaves = {id(t) for t in recording.leaves}
    text = "in what comes back to {} from {} the step back through {} is skipped"
    rule = lambda e, g: e.step.pull(e, g)
    for site in recording.plain():
        arrives = recording.arriving[id(site.first.output)]
        for k, edge in enumerate(site.first.edges):
            own = len(site.first.edges) > 1 and (id(edge.source) in leaves or id(edge) in several)
            for values in zip(*(later(recording, s) for s in site.steps)):
                passed, value = values[0]
                if (own or passed > 1) and not torch.equal(arrives, recording.arriving[id(value)]):
                    edges = site.edges(k)
                    hooks = [h for e, (_, v) in zip(edges, values) for h in instead(e, rule, v)]
                    things = edge.source, edge, recording.words(value)
                    yield Plant("step skipped", text, things, hooks, reach_of(recording, edges))


def later(recording, step):
    """(steps passed, value) for what is made from this step's output with its shape, nearest first."""
    found, front, seen = [], [step.output], []
    for passed in range(1, AHEAD + 1):
        edges = [e for value in front for e in recording.consumers.get(id(value), [])]
        made = [e.step.output for e in edges if e.step.is_plain and e.step.place != step.place]
        front = list({id(v): v for v in made if v.shape == step.output.shape and id(v) not in seen}.values())
        seen += map(id, front)
        found += [(passed, v) for v in front]
    return found
