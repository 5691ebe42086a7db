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
    """The steps at one place of the code: one, or one for every turn of a loop; or those of a helper called from several places."""

    def __init__(self, steps, helper=False):
        self.steps, self.first, self.helper = steps, steps[0], helper

    @property
    def name(self):
        return self.first.name.strip("_")


def sites(recording):
    """Every place of the code, then the helpers that several places call."""
    by_place, by_helper = {}, {}
    for step in recording.steps:
        alike = step.name, tuple(e.slot for e in step.edges), len(step.outputs)
        by_place.setdefault((step.place, alike), []).append(step)
        by_helper.setdefault((step.helper, alike), []).append(step)
    places = [Site(steps) for steps in by_place.values()]
    known = {tuple(map(id, site.steps)) for site in places}
    helpers = [Site(steps, helper=True) for steps in by_helper.values() if tuple(map(id, steps)) not in known]
    return places + helpers


def groups(site, singles=6):
    """All turns of a loop together, then one by one: (steps, words for which)."""
    steps = site.steps
    yield steps, ", wherever that is done" if site.helper else ""
    if len(steps) > 1 and not site.helper:
        yield from one_by_one(steps, singles)


def one_by_one(steps, singles=6):
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
