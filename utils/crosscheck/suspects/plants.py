"""Mistakes to plant into PyTorch's computation: a plant is what is changed on the way back, and the sentence for it."""

from dataclasses import dataclass

ANY = ("any",)


@dataclass
class Plant:
    """A mistake that people make.

    kind: one or two words; text: the sentence, with {} for each of the things (values, edges, words); hooks:
    a list of (tensor, function of the gradient there); reach: positions of the leaves whose gradients it
    may change.  factors: the hooks take a path away, and the mistake may be one of these factors of that
    path, or ANY; text may be a function of the factor, which gives the whole sentence.
    """

    kind: str
    text: object
    things: tuple
    hooks: list
    reach: frozenset
    factors: tuple = ()

    def sentence(self, words, factor=None):
        return self.text(factor) if callable(self.text) else self.text.format(*map(words.told, self.things))


def reach_of(recording, edges):
    return frozenset().union(*(recording.reach.get(id(e.source), frozenset()) for e in edges))


def rescaled(edges, factor):
    """Hooks that multiply the gradient on each of the edges."""
    return [(e.tap, lambda g: factor * g) for e in edges]


def instead(edge, rule, value=None):
    """Hooks that send rule(edge, gradient at the step's output, or at `value`) along the edge in place of the right one."""
    seen = {}
    change = lambda g: rule(edge, seen["g"]) if "g" in seen else g
    return [(edge.step.output if value is None else value, lambda g: seen.update(g=g)), (edge.tap, change)]


def swapped(recording, kind, text, things, edges, rule):
    """A Plant with another rule for the way back along each of the edges."""
    hooks = [hook for edge in edges for hook in instead(edge, rule)]
    return Plant(kind, text, things, hooks, reach_of(recording, edges))
