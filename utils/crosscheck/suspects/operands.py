"""Wrong operands to plant: of a product, in the gradient that a product sends back; a step back that was skipped."""

import torch

from utils.crosscheck.suspects.paths import origin, typical, use_of
from utils.crosscheck.suspects.plants import Plant, groups, instead, is_plain, reach_of, sites

PRODUCTS = {
    "mul", "rmul", "multiply", "div", "truediv", "true_divide", "matmul", "mm", "bmm", "mv", "dot", "rmatmul", "linear",
    "einsum", "outer", "baddbmm", "addmm", "bilinear", "inner",
}  # fmt: skip
NEAR = 24  # values tried in place of an operand, those made next to it first
AHEAD = 8  # steps to look forward for a step back that may have been skipped


def floating(a):
    return isinstance(a, torch.Tensor) and a.is_floating_point()


def products(recording):
    """(steps, which, edge position, slot of the other operand) for every product."""
    for site in sites(recording):
        if site.name not in PRODUCTS or not is_plain(site.first):
            continue
        slots = [slot for slot, a in site.first.arguments.items() if floating(a)]
        for k, edge in enumerate(site.first.edges):
            for slot in slots:
                if slot != edge.slot:
                    for steps, which in groups(site.steps, singles=3):
                        yield steps, which, k, slot


def turned_over(recording):
    """An operand left out, or transposed the wrong way round."""
    for steps, which, k, slot in products(recording):
        for kind, words, chosen in changes(steps, slot):
            yield operand_plant(recording, kind, words, chosen, (steps, which, k, slot))


def wrong_operands(recording):
    """Another value in the place of the other operand."""
    pool = Pool(recording)
    for steps, which, k, slot in products(recording):
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
    if first.ndim >= 2 and first.shape[-1] == first.shape[-2] and name in ("matmul", "mm", "bmm", "rmatmul", "linear"):
        yield "transposed", "{right} is transposed the wrong way round", [b.mT for b in operands]
    if getattr(first, "label", "") == "the kernel":
        yield "kernel", "the kernel is not flipped as it must be", [b.flip(-1) for b in operands]
        if first.shape[0] == first.shape[1]:
            yield "kernel", "the kernel's channels in and out are swapped", [b.transpose(0, 1) for b in operands]


def told(recording, words, steps, which, k, slot):
    step = typical([s.edges[k] for s in steps]).step
    right = origin(recording, step.arguments[slot])
    if isinstance(words, tuple):
        wrong, relation = words
        words = f"{wrong} is taken where {relation or '{right}'} belongs"
    behind = origin(recording, step.edges[k].source)
    if behind in recording.names.values():
        return f"in the gradient of {behind}{which} {words.format(right=right)}"
    return f"on the way back from {recording.words(step.output)} to {behind}{which} {words.format(right=right)}"


class Pool:
    """Values of a recording that may have been mistaken for one another."""

    def __init__(self, recording):
        self.recording = recording
        self.sites = [s for s in sites(recording) if s.first.output is not None]
        self.fixed = [t for _, t in recording.named if floating(t)]

    def alike(self, steps, slot):
        """Lists of values, one for each of the steps, shaped like the operand: (words, list of tensors)."""
        right = [s.arguments[slot] for s in steps]
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
            elif len(steps) == 1:
                for k, one in enumerate(made):
                    yield abs(site.steps[k].number - steps[0].number), (self.recording.words(one), ""), [one]
            first = self.entering(site)
            if first is not None and len(made) == len(steps) > 1:
                earlier = all(a is b for a, b in zip(made, right))
                yield far + 1, self.of_step(words, False, earlier), [first, *made[:-1]]

    def of_step(self, words, later, earlier=False):
        if later:
            return f"{words} after the step", f"{words} before it"
        return (f"{words} before the step", f"{words} after it") if earlier else (words, "")

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


# ---- a step back skipped


def skipped(recording):
    """On one way back alone (to a parameter, or to one use of a value) the gradient comes from too far ahead."""
    several = {id(e) for edges in recording.consumers.values() if len(edges) > 1 for e in edges}
    leaves = {id(t) for t in recording.leaves}
    for site in sites(recording):
        if not is_plain(site.first):
            continue
        for k, edge in enumerate(site.first.edges):
            if len(site.first.edges) < 2 or (id(edge.source) not in leaves and id(edge) not in several):
                continue
            ahead = [later(recording, s) for s in site.steps]
            for place in range(min(map(len, ahead))):
                yield from skip(recording, site, k, [values[place] for values in ahead])


def later(recording, step):
    """Values made from this step's output with its shape, nearest first."""
    found, front = [], [step.output]
    for _ in range(AHEAD):
        edges = [e for value in front for e in recording.consumers.get(id(value), [])]
        front = [
            e.step.output
            for e in edges
            if is_plain(e.step) and e.step.output.shape == step.output.shape and e.step.place != step.place
        ]
        front = [v for k, v in enumerate(front) if not any(v is w for w in [*found, *front[:k]])]
        found += front
    return found


def skip(recording, site, k, values):
    before, behind = recording.arriving(site.first.output), recording.arriving(values[0])
    if torch.equal(before, behind):
        return
    edges = [s.edges[k] for s in site.steps]
    words = lambda: (
        f"in what comes back to {origin(recording, edges[0].source)} from {use_of(recording, edges[0])} "
        f"the step back through {recording.words(values[0])} is skipped"
    )
    parts = [
        (s, lambda s=s, e=e, v=v: [(e.tap, lambda g: s.pull(e, recording.arriving(v)))])
        for s, e, v in zip(site.steps, edges, values)
    ]
    yield Plant("step skipped", words, parts, reach_of(recording, edges))
