"""Wrong operands to plant: of a product, in the gradient that a product sends back; a step back that was skipped."""

import torch

from utils.crosscheck.suspects.paths import origin, typical, use_of
from utils.crosscheck.suspects.plants import Plant, groups, instead, is_plain, reach_of, sites
from utils.crosscheck.suspects.wording import TRANSPOSES

PRODUCTS = {
    "mul", "rmul", "multiply", "div", "truediv", "true_divide", "matmul", "mm", "bmm", "mv", "dot", "rmatmul", "linear",
    "einsum", "outer", "baddbmm", "addmm", "bilinear", "inner",
}  # fmt: skip
MATRIX = {"matmul", "mm", "bmm", "rmatmul", "linear"}
NEAR = 16  # values tried in place of an operand, those made next to it first
AHEAD = 8  # steps to look forward for a step back that may have been skipped


def floating(a):
    return isinstance(a, torch.Tensor) and a.is_floating_point()


def numeric(a):
    """A tensor that multiplies: of floats, or a mask."""
    return isinstance(a, torch.Tensor) and (a.is_floating_point() or a.dtype == torch.bool)


def products(recording):
    """(steps, which, edge position, slot of the other operand) for every product."""
    for site in sites(recording):
        if site.name not in PRODUCTS or not is_plain(site.first):
            continue
        slots = [slot for slot, a in site.first.arguments.items() if numeric(a)]
        for k, edge in enumerate(site.first.edges):
            for slot in slots:
                if slot != edge.slot:
                    for steps, which in groups(site, singles=3):
                        yield steps, which, k, slot


def turned_over(recording):
    """An operand left out, or transposed the wrong way round."""
    for steps, which, k, slot in products(recording):
        for kind, words, chosen in changes(steps, slot):
            yield operand_plant(recording, kind, words, chosen, (steps, which, k, slot))
        yield from turned_gradient(recording, steps, k)
    for site in sites(recording):
        yield from turned_matrix(recording, site)


def turned_gradient(recording, steps, k):
    """The gradient that a matrix product sends back, made from the transposed gradient at its output."""
    output = steps[0].output
    if steps[0].name.strip("_") in MATRIX and output.ndim >= 2 and output.shape[-1] == output.shape[-2]:
        words = lambda: (
            f"in what comes back to {origin(recording, steps[0].edges[k].source)} the gradient that comes back "
            f"to {recording.words(output)} is transposed the wrong way round"
        )
        parts = [instead(s, s.edges[k], lambda s=s: lambda g: s.pull(s.edges[k], g.mT)) for s in steps]
        yield Plant("transposed", words, parts, reach_of(recording, [s.edges[k] for s in steps]))


def turned_matrix(recording, site):
    """A function of one square matrix (an inverse) whose gradient takes the transposed matrix."""
    step = site.first
    if is_plain(step) and len(step.edges) == 1 and site.name in ("inv", "inverse", "pinv", "matrix_exp"):
        edge = step.edges[0]
        words = lambda: f"on the way back through {recording.words(step.output)} the transposes are missing"
        parts = [
            instead(s, s.edges[0], lambda s=s: lambda g: s.pull(s.edges[0], g, {edge.slot: edge.source.mT}))
            for s in site.steps
        ]
        yield Plant("transposed", words, parts, reach_of(recording, [edge]))


def wrong_operands(recording):
    """Another value in the place of the other operand."""
    pool = Pool(recording)
    for steps, which, k, slot in products(recording):
        if not floating(steps[0].arguments[slot]):
            continue
        for words, chosen in pool.alike(steps, slot):
            yield operand_plant(recording, "operand", words, chosen, (steps, which, k, slot))


def operand_plant(recording, kind, words, chosen, place):
    steps, which, k, slot = place
    parts = [with_operand(step, k, slot, other) for step, other in zip(steps, chosen)]
    sentence = lambda: told(recording, words, steps, which, k, slot)
    return Plant(kind, sentence, parts, reach_of(recording, [s.edges[k] for s in steps]))


def with_operand(step, k, slot, other):
    edge = step.edges[k]
    return instead(step, edge, lambda: lambda g: step.pull(edge, g, {slot: other}))


def changes(steps, slot):
    """The operand left out, or turned over: (kind, words, list of tensors)."""
    operands = [s.arguments[slot] for s in steps]
    first, name = operands[0], steps[0].name.strip("_")
    if name in ("mul", "rmul", "multiply", "div", "truediv"):
        yield "named factor", "the factor {right} is forgotten", [torch.ones_like(b) for b in operands]
    if first.ndim >= 2 and first.shape[-1] == first.shape[-2] and name in MATRIX:
        yield "transposed", "{right} is transposed the wrong way round", [b.mT for b in operands]
    if getattr(first, "label", "") == "the kernel":
        yield "kernel", "the kernel is not flipped as it must be", [b.flip(-1) for b in operands]
        if first.shape[0] == first.shape[1]:
            yield (
                "kernel",
                "the kernel's channels in and out are swapped",
                [b.transpose(0, 1) for b in operands],
            )


def told(recording, words, steps, which, k, slot):
    step = typical(recording, [s.edges[k] for s in steps]).step
    right = origin(recording, step.arguments[slot])
    if isinstance(words, tuple):
        wrong, relation = words
        words = f"{wrong} is taken where {relation or '{right}'} belongs"
    behind = origin(recording, step.edges[k].source)
    if behind in recording.names.values():
        return f"in the gradient of {behind}{which} {words.format(right=right)}"
    return (
        f"on the way back from {recording.words(step.output)} to {behind}{which} {words.format(right=right)}"
    )


class Pool:
    """Values of a recording that may have been mistaken for one another."""

    def __init__(self, recording):
        self.recording = recording
        self.sites = [s for s in sites(recording) if s.first.output is not None and not s.helper]
        self.fixed = [t for _, t in recording.named if floating(t)]

    def alike(self, steps, slot):
        """Lists of values, one for each of the steps, shaped like the operand: (words, list of tensors)."""
        right = [s.arguments[slot] for s in steps]
        looks = [self.recording.maker[id(b)][0] if id(b) in self.recording.maker else None for b in right]
        if all(look is not None and look.name in TRANSPOSES and len(look.edges) == 1 for look in looks):
            turned = lambda look, a: look.call(look.arguments | {look.edges[0].slot: a.detach()})
            for words, chosen in self.near([look.edges[0].source for look in looks], steps):
                yield words, [turned(look, a) for look, a in zip(looks, chosen)]
        yield from self.near(right, steps)

    def near(self, right, steps):
        """Lists of values shaped like those given, the nearest first."""
        found = [*self.series(steps, right), *self.constants(right)]
        found.sort(key=lambda pair: pair[0])
        seen = [right]
        for _, words, chosen in found[:NEAR]:
            if not any(equal(chosen, other) for other in seen):
                seen.append(chosen)
                yield words, chosen

    def constants(self, right):
        for k, tensor in enumerate(self.fixed):
            if tensor.shape == right[0].shape:
                yield 1000 + k, (self.recording.words(tensor), ""), [tensor] * len(right)

    def series(self, steps, right):
        """What other places of the code made in the same turn of the loop, or one turn earlier."""
        for site in self.sites:
            made = [s.output for s in site.steps]
            if made[0].shape != right[0].shape:
                continue
            words = self.recording.words(made[0])
            far = abs(site.first.number - steps[0].number)
            if len(made) == len(steps):
                later = len(made) > 1 and all(a is b for a, b in zip(made, right[1:]))
                yield far, self.of_step(words, later), made
                if later:
                    yield far + 1, self.of_step(words, later), [right[0], *made[1:]]
            elif len(made) == len(steps) + 1 > 2:
                later = all(a is b for a, b in zip(made, right))
                yield far, self.of_step(words, later), made[1:]
                yield far, self.of_step(words, False, all(a is b for a, b in zip(made[1:], right))), made[:-1]
            elif len(steps) == 1:
                for k, one in enumerate(made):
                    yield abs(site.steps[k].number - steps[0].number), (self.recording.words(one), ""), [one]
            first = self.entering(site)
            if first is not None and len(made) == len(steps) > 1:
                earlier = all(a is b for a, b in zip(made, right))
                yield far + 1, self.of_step(words, False, earlier), [first, *made[:-1]]

    def of_step(self, words, later, earlier=False):
        if later:
            return f"{words} after the step", "that before it"
        return (f"{words} before the step", "that after it") if earlier else (words, "")

    def entering(self, site):
        """The value that stands before the loop where later turns find what the turn before has made."""
        made = [s.output for s in site.steps]
        for edge in self.recording.consumers.get(id(made[0]), []):
            for other in self.sites:
                if len(other.steps) == len(made) > 1 and other.steps[1] is edge.step:
                    return other.first.arguments[edge.slot]
        return None


def equal(some, others):
    return all(a is b or (a.shape == b.shape and torch.equal(a, b)) for a, b in zip(some, others))


def too_far(recording):
    """The gradient of a parameter made from the gradient behind its product, not from that before."""
    leaves = {id(t) for t in recording.leaves}
    for site in sites(recording):
        if site.name not in PRODUCTS or not is_plain(site.first):
            continue
        for k, edge in enumerate(site.first.edges):
            for j, other in enumerate(site.first.edges):
                if j == k or id(edge.source) not in leaves or other.source.shape != site.first.output.shape:
                    continue
                words = lambda edge=edge, other=other, site=site: (
                    f"the gradient of {origin(recording, edge.source)} is made from that of {origin(recording, other.source)}, "
                    f"not from that of {recording.words(site.first.output)}: one step too far back"
                )
                rule = lambda s, k=k, j=j: lambda g: s.pull(s.edges[k], s.pull(s.edges[j], g))
                parts = [instead(s, s.edges[k], lambda s=s, rule=rule: rule(s)) for s in site.steps]
                yield Plant(
                    "step skipped", words, parts, reach_of(recording, [s.edges[k] for s in site.steps])
                )


def factors_at_values(recording):
    """The whole gradient at a value multiplied or divided by another value."""
    pool = [(t, recording.words(t)) for _, t in recording.named if floating(t)]
    pool += [(s.output, recording.words(s.output)) for s in recording.steps if s.output is not None]
    for site in sites(recording):
        if not is_plain(site.first) or len(site.steps) > 1 or site.first.output.numel() < 2:
            continue
        value = site.first.output
        fits = [(a.detach(), w) for a, w in pool if a.numel() > 1 and broadcasts(a.shape, value.shape)]
        for a, words in fits[-NEAR:]:
            for kind, change in (
                ("too many (or a division missing)", a),
                ("missing (or a division too many)", 1 / a),
            ):
                if bool(change.isfinite().all()):
                    sentence = lambda kind=kind, words=words, value=value: (
                        f"in what comes back to {origin(recording, value)} a factor is {kind}: {words}"
                    )
                    parts = [(site.first, lambda value=value, change=change: [(value, lambda g: g * change)])]
                    yield Plant("named factor", sentence, parts, recording.reach.get(id(value), frozenset()))


def broadcasts(small, large):
    """Whether the smaller shape stretches to the larger, which does not change."""
    padded = (1,) * (len(large) - len(small)) + tuple(small)
    return len(small) <= len(large) and all(m in (1, n) for m, n in zip(padded, large))


def reshaped(recording):
    """A reshape where a transpose belongs, on the way back through a transpose."""
    for site in sites(recording):
        if site.name not in TRANSPOSES | {"permute", "movedim"} or not is_plain(site.first):
            continue
        for steps, which in groups(site):
            words = lambda steps=steps, which=which: (
                f"on the way back to {origin(recording, steps[0].edges[0].source)}{which} the axes are put back "
                "by a reshape, where a transpose is needed"
            )
            parts = [
                instead(s, s.edges[0], lambda s=s: lambda g: g.reshape(s.edges[0].source.shape))
                for s in steps
            ]
            yield Plant("misplaced", words, parts, reach_of(recording, [s.edges[0] for s in steps]))


# ---- a step back skipped


def skipped(recording):
    """On one way back the gradient comes from too far ahead.

    On a way of its own (to a parameter, to one use of a value) one step may be skipped; where the
    whole gradient passes, several (one alone is a forgotten derivative).
    """
    several = {id(e) for edges in recording.consumers.values() if len(edges) > 1 for e in edges}
    leaves = {id(t) for t in recording.leaves}
    for site in sites(recording):
        if not is_plain(site.first):
            continue
        for k, edge in enumerate(site.first.edges):
            own = len(site.first.edges) > 1 and (id(edge.source) in leaves or id(edge) in several)
            ahead = [later(recording, s) for s in site.steps]
            for place in range(min(map(len, ahead))):
                passed, value = ahead[0][place]
                if (own or passed > 1) and not same_gradient(recording, site.first.output, value):
                    yield skip(recording, site, k, [values[place][1] for values in ahead])


def later(recording, step):
    """(steps passed, value) for what is made from this step's output with its shape, nearest first."""
    found, front, seen = [], [step.output], []
    for passed in range(1, AHEAD + 1):
        edges = [e for value in front for e in recording.consumers.get(id(value), [])]
        made = [e.step.output for e in edges if is_plain(e.step) and e.step.place != step.place]
        front = list({id(v): v for v in made if v.shape == step.output.shape and id(v) not in seen}.values())
        seen += map(id, front)
        found += [(passed, v) for v in front]
    return found


def same_gradient(recording, a, b):
    return torch.equal(recording.arriving(a), recording.arriving(b))


def skip(recording, site, k, values):
    edges = [s.edges[k] for s in site.steps]
    words = lambda: (
        f"in what comes back to {origin(recording, edges[0].source)} from {use_of(recording, edges[0])} "
        f"the step back through {recording.words(values[0])} is skipped"
    )
    parts = [taken_from(e, v) for e, v in zip(edges, values)]
    return Plant("step skipped", words, parts, reach_of(recording, edges))


def taken_from(edge, value):
    """A part that sends along an edge what would come if the gradient at its step were that at `value`."""

    def hooks():
        seen = {}
        change = lambda g: edge.step.pull(edge, seen["g"]) if "g" in seen else g
        return [(value, lambda g: seen.update(g=g)), (edge.tap, change)]

    return edge.step, hooks
