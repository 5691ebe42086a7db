"""Paths to lose, to count twice, to overwrite: what comes back to a value that is used in several places."""

from itertools import combinations

from utils.crosscheck.suspects.plants import ANY, Plant, one_by_one, reach_of, rescaled
from utils.crosscheck.suspects.recording import writes
from utils.crosscheck.suspects.wording import LOOKS, TRANSPOSES

PAIRS = 14  # branches of which every two may be lost together


class Branch:
    """One of several uses of a value: the edges into that use (one, or one for every turn of a loop)."""

    def __init__(self, recording, edges, which=""):
        self.recording, self.edges, self.which = recording, edges, which
        self.reach = reach_of(recording, edges)
        # a value that goes into one step alone can be lost there, not counted twice
        self.factors = (0.0, 2.0, -1.0) if any(is_shared(recording, e) for e in edges) else (0.0, -1.0)

    @property
    def in_time(self):
        """Whether the use is in the next turn of the loop that made the value."""
        edge = self.edges[-1]
        maker = self.recording.maker.get(id(edge.source))
        return maker is not None and self.recording.turn(edge.step) > self.recording.turn(maker[0])

    @property
    def way(self):
        """`to x from tanh(x)`; a part of a split value needs no name of its own."""
        edge = typical(self.recording, self.edges)
        source = edge.source
        maker = self.recording.maker.get(id(source))
        part = maker is not None and len(maker[0].outputs) > 1
        to = "" if part and not hasattr(source, "label") else f"to {origin(self.recording, source)} "
        steps = self.which or (", at every step" if len(self.edges) > 1 else "")
        return f"{to}from {use_of(self.recording, edge)}{steps}"

    def lost(self):
        return rescaled(self.edges, 0.0)

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
        reasons = (["counted twice"] if twice else []) + reasons
        why = f": {', or '.join(reasons)}?" if reasons else "; it should be 1"
        return f"what comes back {self.way} has a factor of {factor:.3g}{why}"


def origins_of_factor(recording, edge, factor):
    """How a factor of a path may have come about: a constant or a division by a count on it that was forgotten or doubled."""
    near = lambda a: abs(a - factor) < 1e-6 * abs(a)
    for step in (edge.step, *only_next(recording, edge.step, most=8)):
        name, given = step.name.strip("_"), list(step.arguments.values())
        constant = next((a for a in given if type(a) in (int, float)), None)
        if name in ("mul", "rmul", "div", "truediv") and constant and constant not in (1, -1):
            constant = constant if name in ("mul", "rmul") else 1 / constant
            if near(1 / constant) or near(constant):
                yield f"the factor {constant:.3g} in {recording.words(step.output)} {'forgotten' if near(1 / constant) else 'twice'}"
        if name == "mean" and step.output is not None and len(step.edges) == 1:
            n = step.edges[0].source.numel() // max(step.output.numel(), 1)
            if n > 1 and near(n):
                yield f"the mean over {n} numbers in {recording.words(step.output)} taken for a sum"
            if n > 1 and near(1 / n):
                yield f"the sum over {n} numbers in {recording.words(step.output)} divided twice"


def is_shared(recording, edge):
    """Whether the value has other uses."""
    return len(recording.consumers[id(edge.source)]) > 1


def typical(recording, edges):
    """Of the turns of a loop the one to show: the second where the first takes what enters the loop."""
    if len(edges) < 2:
        return edges[0]
    makers = [recording.maker.get(id(e.source)) for e in edges[:2]]
    enters = makers[1] is not None and (makers[0] is None or makers[0][0].place != makers[1][0].place)
    return edges[1] if enters else edges[0]


def origin(recording, value):
    """A value in words, past mere looks at a leaf."""
    while id(value) in recording.maker and not hasattr(value, "label"):
        step, _ = recording.maker[id(value)]
        if step.name not in LOOKS | TRANSPOSES or len(step.edges) != 1:
            break
        value = step.edges[0].source
    return recording.words(value)


def use_of(recording, edge):
    """The value that an edge goes into, in words: past mere looks (a reshape, a transpose)."""
    step = edge.step
    for _ in range(6):
        onward = recording.consumers.get(id(step.output), []) if step.output is not None else []
        if step.name not in LOOKS | TRANSPOSES or len(onward) != 1:
            break
        step = onward[0].step
    if writes(step.name) or step.output is None:
        return f"its {step.name.strip('_')}"
    for onward in (step, *only_next(recording, step)):
        if hasattr(onward.output, "label"):
            return onward.output.label
    if step.name in ("stack", "cat", "concat", "hstack", "vstack"):
        return "the result" if recording.is_result(step.output) else f"a {step.name}"
    return recording.words(step.output)


def only_next(recording, step, most=4):
    """The next steps, as long as there is but one."""
    for _ in range(most):
        onward = recording.consumers.get(id(step.output), []) if step.output is not None else []
        if len(onward) != 1:
            return
        step = onward[0].step
        yield step


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
    for branch in branches(recording):
        if len(branch.edges) == 1:
            yield Plant("path", branch.sentence, branch.lost(), branch.reach, factors=branch.factors)
            continue
        for factor in branch.factors:
            words = lambda b=branch, f=factor: b.sentence(f)
            yield Plant("path", words, rescaled(branch.edges, factor), branch.reach)


def misweighted(recording):
    for branch in branches(recording):
        if len(branch.edges) == 1:
            yield Plant("path", branch.sentence, branch.lost(), branch.reach, factors=ANY)


def two_lost(recording):
    found = [b for b in branches(recording) if not b.which]
    if len(found) > PAIRS:
        return
    for a, b in combinations(found, 2):
        if not set(map(id, a.edges)) & set(map(id, b.edges)):
            words = lambda a=a, b=b: f"two paths are missing: nothing comes back {a.way}, nor {b.way}"
            yield Plant("path", words, a.lost() + b.lost(), a.reach | b.reach)


def overwritten(recording):
    """`=` where `+=` belongs: of all turns of a loop only one counts; of all uses of a value only one."""
    turns, uses = {}, {}
    for edges in recording.consumers.values():
        if len(edges) > 1:
            for edge in edges:
                use = edge.step.place, edge.slot[:2]
                turns.setdefault((id(edge.source), use), []).append(edge)
                uses.setdefault(before(recording, edge), {}).setdefault(use, []).append(edge)
    for edges in turns.values():
        if len(edges) > 1:
            for kept, which in ((edges[-1], "last"), (edges[0], "first")):
                others, many = [e for e in edges if e is not kept], len(edges)
                words = lambda which=which, e=kept, many=many: (
                    f"overwritten where it should be added up: of {many} contributions to "
                    f"{origin(recording, e.source)} from {use_of(recording, e)} only the {which} one counts"
                )
                yield Plant("overwritten", words, rescaled(others, 0.0), reach_of(recording, others))
    for by_use in uses.values():
        for use, kept in by_use.items():
            others = [e for u, edges in by_use.items() if u != use for e in edges]
            if len(by_use) > 2:
                words = lambda e=kept[0]: (
                    f"of all that comes back to {origin(recording, e.source)} only what comes "
                    f"from {use_of(recording, e)} counts: the others must be added"
                )
                yield Plant("overwritten", words, rescaled(others, 0.0), reach_of(recording, others))
