"""Paths to lose, to count twice, to overwrite: what comes back to a value that is used in several places."""

from functools import partial
from itertools import combinations

import numpy as np

from utils.crosscheck.suspects.plants import ANY, Plant, reach_of, rescaled
from utils.crosscheck.suspects.recording import one_by_one

PAIRS = 14  # branches of which every two may be lost together


class Branch:
    """One of several uses of a value: the edges into that use (one, or one for every turn of a loop)."""

    def __init__(self, recording, edges, which=""):
        self.recording, self.edges, self.which = recording, edges, which
        self.reach = reach_of(recording, edges)
        # a value that goes into one step alone can be lost there, not counted twice
        shared = any(len(recording.consumers[id(e.source)]) > 1 for e in edges)
        self.factors = (0.0, 2.0, -1.0) if shared else (0.0, -1.0)

    @property
    def in_time(self):
        """Whether the use is in the next turn of the loop that made the value."""
        edge, turns = self.edges[-1], self.recording.turns
        maker = self.recording.maker.get(id(edge.source))
        return maker is not None and turns[edge.step.number] > turns[maker[0].number]

    @property
    def way(self):
        """`to x from tanh(x)`; a part of a split value needs no name of its own."""
        edge = typical(self.recording, self.edges)
        maker = self.recording.maker.get(id(edge.source))
        part = maker is not None and len(maker[0].outputs) > 1 and not hasattr(edge.source, "label")
        to = "" if part else f"to {self.recording.words.told(edge.source)} "
        steps = self.which or (", at every step" if len(self.edges) > 1 else "")
        return f"{to}from {self.use(edge)}{steps}"

    def use(self, edge):
        """The use in words; where the same formula is written twice, with where it goes."""
        words, uses = self.recording.words, self.recording.consumers[id(edge.source)]
        told = words.told(edge)
        if all(e.step.place == edge.step.place or words.told(e) != told for e in uses):
            return told
        ahead = [words(s.output) for s in words.onward(edge.step, 4) if s.output is not None]
        place = next((w for w in ahead if w != told and told.strip("`") in w), None)
        return f"{told} in {place}" if place else f"one of the uses that are written {told}"

    def sentence(self, factor):
        if factor == 0.0 and self.in_time:
            return f"the path through time is missing: nothing comes back {self.way}, where it enters the next step"
        if factor == 0.0:
            return f"one path is missing: nothing comes back {self.way}"
        if factor == -1.0:
            return f"the wrong sign of what comes back {self.way}"
        twice = factor == 2.0 and factor in self.factors
        reasons = list(origins_of_factor(self.recording, self.edges[0], factor))
        if twice and not reasons:
            return f"one path is counted twice: what comes back {self.way}"
        reasons = ["counted twice"] * twice + reasons
        why = f": {', or '.join(reasons)}?" if reasons else "; it should be 1"
        return f"what comes back {self.way} has a factor of {factor:.3g}{why}"


def origins_of_factor(recording, edge, factor):
    """How a factor of a path may have come about: a constant or a division by a count on it that was forgotten or doubled."""
    for step in recording.words.onward(edge.step, 8):
        if constant := constant_at(recording, step, factor):
            yield constant
        if mean := mean_at(recording, step, factor):
            yield mean


def mean_at(recording, step, factor):
    """A mean that explains a factor, in words, or None."""
    if step.name == "mean" and step.output is not None and len(step.edges) == 1:
        n = step.edges[0].source.numel() // max(step.output.numel(), 1)
        if n > 1 and np.isclose(factor, n, rtol=1e-6):
            return f"the mean over {n} numbers in {recording.words(step.output)} taken for a sum"
        if n > 1 and np.isclose(factor, 1 / n, rtol=1e-6):
            return f"the sum over {n} numbers in {recording.words(step.output)} divided twice"


def constant_at(recording, step, factor):
    """A constant of a step that explains a factor, in words, or None."""
    near = lambda a: abs(a - factor) < 1e-6 * abs(a)
    constant = next((a for a in step.arguments.values() if type(a) in (int, float)), None)
    if step.name in ("mul", "rmul", "div", "truediv") and constant and constant not in (1, -1):
        constant = constant if step.name in ("mul", "rmul") else 1 / constant
        if near(1 / constant) or near(constant):
            how = "forgotten" if near(1 / constant) else "twice"
            return f"the factor {constant:.3g} in {recording.words(step.output)} {how}"


def typical(recording, edges):
    """Of the turns of a loop the one to show: the second where the first takes what enters the loop."""
    if len(edges) < 2:
        return edges[0]
    first, second = (recording.maker.get(id(e.source)) for e in edges[:2])
    enters = second is not None and (first is None or first[0].place != second[0].place)
    return edges[1] if enters else edges[0]


def branches(recording):
    """Every Branch: all turns of a loop together, with and without what enters the loop, then one by one."""
    by_use, by_both, by_helper = {}, {}, {}
    several = {id(o) for s in recording.steps if len(s.outputs) > 1 for o in s.outputs}
    for key, edges in recording.consumers.items():
        for edge in edges:
            if len(edges) > 1 or key in several or len(edge.step.edges) > 1:
                use = edge.step.place, edge.slot[:2]
                by_use.setdefault(use, []).append(edge)
                by_both.setdefault((use, before(recording, edge)), []).append(edge)
                by_helper.setdefault((edge.step.helper, edge.step.name, edge.slot[:2]), []).append(edge)
    some = [(edges, "") for edges in [*by_use.values(), *by_both.values()]]
    some += [one for edges, _ in some if len(edges) > 1 for one in one_by_one(edges)]
    some += [(edges, ", wherever that is done") for edges in by_helper.values()]
    distinct = {tuple(map(id, edges)): (edges, which) for edges, which in reversed(some)}
    return [Branch(recording, edges, which) for edges, which in reversed(distinct.values())]


def before(recording, edge):
    """What made the value that an edge leads back to."""
    made = recording.maker.get(id(edge.source))
    return (made[0].place, made[1]) if made else id(edge.source)


def lost_or_doubled(recording):
    for b in branches(recording):
        if len(b.edges) == 1:
            yield Plant("path", b.sentence, (), rescaled(b.edges, 0.0), b.reach, b.factors)
        for factor in b.factors if len(b.edges) > 1 else ():
            words = partial(lambda b, factor, _: b.sentence(factor), b, factor)
            yield Plant("path", words, (), rescaled(b.edges, factor), b.reach)


def misweighted(recording):
    for b in branches(recording):
        if len(b.edges) == 1:
            yield Plant("path", b.sentence, (), rescaled(b.edges, 0.0), b.reach, ANY)


def two_lost(recording):
    found = [b for b in branches(recording) if not b.which]
    for a, b in combinations(found, 2) if len(found) <= PAIRS else ():
        if not set(map(id, a.edges)) & set(map(id, b.edges)):
            words = lambda _, a=a, b=b: f"two paths are missing: nothing comes back {a.way}, nor {b.way}"
            yield Plant("path", words, (), rescaled([*a.edges, *b.edges], 0.0), a.reach | b.reach)


def overwritten(recording):
    """`=` where `+=` belongs: of all turns of a loop only one counts; of all uses of a value only one."""
    turns, uses = {}, {}
    for edges in recording.consumers.values():
        for edge in edges if len(edges) > 1 else ():
            use = edge.step.place, edge.slot[:2]
            turns.setdefault((id(edge.source), use), []).append(edge)
            uses.setdefault(before(recording, edge), {}).setdefault(use, []).append(edge)
    found = []
    for edges in turns.values():
        for kept, which in ((edges[-1], "last"), (edges[0], "first")):
            text = (
                f"overwritten where it should be added up: of {len(edges)} contributions to {{}} from {{}} "
                f"only the {which} one counts"
            )
            found.append((text, kept, [e for e in edges if e is not kept]))
    for by_use in uses.values():
        for use, kept in by_use.items() if len(by_use) > 2 else ():
            text = "of all that comes back to {} only what comes from {} counts: the others must be added"
            found.append((text, kept[0], [e for u, edges in by_use.items() if u != use for e in edges]))
    for text, kept, others in found:
        if others:
            reach = reach_of(recording, others)
            yield Plant("overwritten", text, (kept.source, kept), rescaled(others, 0.0), reach)
