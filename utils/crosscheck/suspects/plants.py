"""Mistakes to plant into PyTorch's computation: what a plant is, and where it may stand."""

from dataclasses import dataclass

from utils.crosscheck.suspects.recording import writes


ANY = ("any",)


@dataclass
class Plant:
    """A mistake that people make.

    kind: one or two words; sentence: a function that names it, called when it fits; parts: list of
    (step, function that gives hooks, a list of (tensor, function)); reach: positions of the leaves
    whose gradients it may change.  factors: the hooks take a path away, and the mistake may be one
    of these factors of that path, or ANY; the sentence is then a function of the factor.
    """

    kind: str
    sentence: object
    parts: list
    reach: frozenset
    factors: tuple = ()

    def hooks(self, until=None):
        """The hooks at all steps, or at those up to a number."""
        return [h for step, made in self.parts if until is None or step.number <= until for h in made()]


class Site:
    """The steps at one place of the code: one, or one for every turn of a loop."""

    def __init__(self, steps):
        self.steps, self.first = steps, steps[0]

    @property
    def name(self):
        return self.first.name.strip("_")


def sites(recording):
    found = {}
    for step in recording.steps:
        key = step.place, step.name, tuple(e.slot for e in step.edges), len(step.outputs)
        found.setdefault(key, []).append(step)
    return [Site(steps) for steps in found.values()]


def groups(steps, singles=6):
    """All turns of a loop together, then one by one: (steps, words for which)."""
    yield steps, ""
    if len(steps) > 1:
        for k in range(len(steps)) if len(steps) <= singles else (0, len(steps) - 1):
            yield [steps[k]], f", in turn {k + 1} of {len(steps)}"


def reach_of(recording, edges):
    return frozenset().union(*(recording.reach.get(id(e.source), frozenset()) for e in edges))


def rescaled(edges, factor):
    """Parts that multiply the gradient on each of the edges."""
    return [(e.step, lambda e=e: [(e.tap, lambda g: factor * g)]) for e in edges]


def instead(step, edge, rule):
    """A part that sends rule()(gradient at the step's output) along the edge in place of the right one."""

    def hooks():
        seen, change = {}, rule()
        return [(step.output, lambda g: seen.update(g=g)), (edge.tap, lambda g: change(seen["g"]))]

    return step, hooks


def is_plain(step):
    """One output, nothing written into, no randomness."""
    return step.output is not None and not writes(step.name) and "dropout" not in step.name
