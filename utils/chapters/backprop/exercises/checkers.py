"""Checkers of chapter 01's exercises that build something: a backward pass, a training loop, a gradient that hides a bug."""

import contextlib
import io
from dataclasses import dataclass, field

import numpy as np

from utils.chapters.backprop.exercises.graphs import GRAPHS, TooLong
from utils.exercises.cards import Outcome
from utils.exercises.checkers.values import as_numbers, by_name, sprung
from utils.exercises.reading import (
    Trouble,
    Unwritten,
    has_dots,
    kind_of,
    needs_function,
    placeholder_left,
    run,
)
from utils.exercises.wording import be, codes, sentence
from utils.nn.reverse_mode import Value, topological_order

close = lambda a, b: bool(np.allclose(a, b, rtol=1e-9, atol=1e-12))
ENDLESS = "endless"


@dataclass(frozen=True)
class Backward:
    """Expects backward(root), which fills .grad of all Nodes of a graph.  traps: {a likely wrong one: the sentence}."""

    traps: dict = field(default_factory=dict)

    parts = ()

    def trap_answers(self):
        return list(self.traps)

    def examine(self, answer):
        needs_function(answer, ["root"])
        for position, graph in enumerate(GRAPHS):
            # what the reader prints is shown for the first graph only
            silence = contextlib.redirect_stdout(io.StringIO()) if position else contextlib.nullcontext()
            with silence:
                found = self.gradients(answer, graph)
            if not self.right(found, graph):
                told = self.caught(answer) or self.remark(found, graph, shared=position > 0)
                return Outcome("wrong", sentence(told))
        return Outcome("right", "All gradients of all graphs agree with `Value` and with PyTorch.")

    def right(self, found, graph):
        """True if every gradient is that of Value, and those of the inputs are PyTorch's."""
        if found is ENDLESS or not close(found, graph.truth()):
            return False
        nodes, inputs = graph.nodes()
        return close(found[[nodes.index(node) for node in inputs.values()]], graph.torch_truth())

    def gradients(self, answer, graph):
        """The gradient of every Node after the answer ran; ENDLESS; Trouble where it stops with an error."""
        nodes, _ = graph.nodes()
        try:
            run(answer, nodes[-1])
        except TooLong:
            return ENDLESS
        if all(node.grad == 0 for node in nodes) and placeholder_left(answer):
            raise Unwritten
        try:
            return np.array([float(node.grad) for node in nodes])
        except (TypeError, ValueError):
            bad = next(node.grad for node in nodes if not isinstance(node.grad, (int, float)))
            raise Trouble(f"the gradient of a number became {kind_of(bad)}; expected a number") from None

    def caught(self, answer):
        """The words for the trap that gives the same gradients on every graph, or None."""
        with contextlib.redirect_stdout(io.StringIO()):
            for trap, words in self.traps.items():
                if all(same(self.try_on(answer, graph), self.try_on(trap, graph)) for graph in GRAPHS):
                    return words
        return None

    def try_on(self, answer, graph):
        try:
            return self.gradients(answer, graph)
        except (Trouble, Unwritten) as trouble:
            return str(trouble)

    def remark(self, found, graph, shared):
        """What is wrong on this graph, in words; shared: some number of it is used twice."""
        if found is ENDLESS:
            return (
                f"for `{graph.formula}` it never ends: it walks path by path, and (1.9) says how many there are. "
                "How often must a number be visited?"
            )
        nodes, inputs = graph.nodes()
        truth, ask = graph.truth(), ". Is every arrival added, and a gradient complete when it is handed on?"
        if not close(found[-1], 1):
            return f"for `{graph.formula}` the gradient of the root itself is {found[-1]:.4g}. What is it by definition?"
        for name, node in inputs.items():
            at = nodes.index(node)
            if not close(found[at], truth[at]):
                return f"for `{graph.formula}` the gradient of `{name}` is {found[at]:.4g}; expected {truth[at]:.4g}{ask * shared}"
        return f"for `{graph.formula}` the inputs are right, but a number in between has a wrong gradient"


def same(a, b):
    both = isinstance(a, np.ndarray) and isinstance(b, np.ndarray)
    return close(a, b) if both else type(a) is type(b) and a == b


# ---- a training loop


def line(parameters):
    """Half the squared error of a line through four points."""
    slope, offset = parameters
    errors = [slope * x + offset - y for x, y in ((-1.0, -2.0), (0.0, 1.0), (1.0, 1.5), (2.0, 5.0))]
    return sum((e * e for e in errors[1:]), errors[0] * errors[0]) * 0.5


def unit(parameters):
    """One sigmoid unit that is to answer 0.9; its weight is used twice."""
    weight, bias = parameters
    error = (weight * 2.0 + bias + weight * weight * 0.1).sigmoid() - 0.9
    return error * error


PROBLEMS = [(line, (0.0, 0.0), 0.1, 8), (unit, (-0.5, 0.2), 0.7, 5)]


def adding_backward(root):
    """As PyTorch's: gradients are added to what .grad holds already."""
    order = topological_order(root)
    arrived = {id(node): 0.0 for node in order}
    arrived[id(root)] = 1.0
    for node in reversed(order):
        for parent, slope in zip(node.parents, node.slopes):
            arrived[id(parent)] += arrived[id(node)] * slope
    for node in order:
        node.grad += arrived[id(node)]


@dataclass(frozen=True)
class Training:
    """Expects train(parameters, loss_of, backward, learning_rate, steps) -> losses, that of each step before it.

    reference: a right one; traps: {a likely wrong one: the sentence it deserves}.
    """

    reference: object
    traps: dict = field(default_factory=dict)

    parts = ()

    def trap_answers(self):
        return list(self.traps)

    def examine(self, answer):
        needs_function(answer, ["parameters", "loss_of", "backward", "learning_rate", "steps"])
        for problem in PROBLEMS:
            moved, losses = self.result(answer, problem)
            right, right_losses = self.result(self.reference, problem)
            if close(moved, right) and len(losses) == len(right_losses) and close(losses, right_losses):
                continue
            return Outcome(
                "wrong", sentence(self.caught(answer) or remark(problem, moved, losses, right_losses))
            )
        _, losses = self.result(self.reference, PROBLEMS[0])
        return Outcome("right", f"The loss of the line falls from {first_and_last(losses)}.")

    def result(self, answer, problem):
        """(the parameters after training, the losses) as lists of numbers.  Unwritten or Trouble."""
        loss_of, start, rate, steps = problem
        parameters = [Value(number) for number in start]
        with contextlib.redirect_stdout(io.StringIO()):
            losses = run(answer, parameters, loss_of, adding_backward, rate, steps)
        moved = [parameter.data for parameter in parameters]
        if moved == list(start) and (has_dots(losses) or placeholder_left(answer)):
            raise Unwritten
        if losses is None:
            raise Trouble("it returns None; is a `return` missing?")
        if not isinstance(losses, (list, tuple, np.ndarray)):
            raise Trouble(f"it returns {kind_of(losses)}; expected a list with the loss of each step")
        if any(isinstance(loss, Value) for loss in losses):
            raise Trouble(
                "the losses are Values, which hold on to their whole graph; keep the numbers, `.data`"
            )
        return moved, [float(loss) for loss in losses]

    def caught(self, answer):
        """The words for the trap that gives the same numbers for every problem, or None."""
        for trap, words in self.traps.items():
            if all(self.alike(self.try_on(answer, p), self.try_on(trap, p)) for p in PROBLEMS):
                return words
        return None

    def try_on(self, answer, problem):
        try:
            return self.result(answer, problem)
        except (Trouble, Unwritten, TypeError):
            return None

    def alike(self, a, b):
        if a is None or b is None:
            return False
        return len(a[1]) == len(b[1]) and close(a[0], b[0]) and close(a[1], b[1])


def first_and_last(losses):
    return f"{losses[0]:.3g} to {losses[-1]:.3g}"


def remark(problem, moved, losses, right_losses):
    """What is wrong with a loop, in words."""
    _, start, _, steps = problem
    if len(losses) != len(right_losses):
        return f"for {steps} steps it returns {len(losses)} losses; expected one for each step"
    if not np.isfinite(moved).all():
        return "the parameters are not finite any more: the steps run away"
    if close(moved, start):
        return "the parameters stay where they were"
    if close(losses[0], right_losses[0]):
        return f"the loss goes from {first_and_last(losses)}; expected {first_and_last(right_losses)}"
    return f"the first loss is {losses[0]:.4g}; before any step it is {right_losses[0]:.4g}"


# ---- an upstream gradient that hides a bug


@dataclass(frozen=True)
class Hiding:
    """Expects, for each bug by name, an upstream gradient for which nobody sees it, and that is not zero.

    bugs: {name: (right, wrong, shape)}, the two pullbacks; known: {name: one that hides it}; traps: {name: {a
    likely wrong one: the sentence}}.
    """

    bugs: dict
    known: dict
    traps: dict = field(default_factory=dict)

    @property
    def parts(self):
        return tuple(self.bugs)

    def trap_answers(self):
        return [self.known | {name: key} for name, traps in self.traps.items() for key in traps]

    def examine(self, answer):
        given = by_name(answer, list(self.bugs))
        missing = [name for name, part in given.items() if part is None or has_dots(part)]
        for name in self.bugs:
            remark = None if name in missing else self.remark(name, given[name])
            if remark:
                return Outcome("wrong", sentence(f"`{name}`: {remark}"))
        written = [name for name in self.bugs if name not in missing]
        if not written:
            return Outcome("todo")
        if missing:
            text = f"{codes(written)} {be(written)} hidden; {codes(missing)} {be(missing)} not written yet"
            return Outcome("todo", sentence(text))
        return Outcome("right", "Right and wrong pullback return the same, and it is not zero.")

    def remark(self, name, given):
        """None where the bug is hidden, else why not."""
        right, wrong, shape = self.bugs[name]
        dy = as_numbers(given, np.zeros(shape)).astype(float)
        if dy.shape != shape:
            return f"its shape is {dy.shape}; expected {shape}"
        if not np.isfinite(dy).all():
            return "it is not finite (nan or inf)"
        for trap, words in self.traps.get(name, {}).items():
            if sprung(trap, given, dy, 1e-9, 0.0):
                return words
        if not dy.any():
            return "zero hides every bug, for then nothing comes down at all"
        if np.abs(right(dy) - wrong(dy)).max() > 1e-6 * np.abs(dy).max():
            return f"the right pullback returns {told(right(dy))}, the wrong one {told(wrong(dy))}: everybody sees it"
        return None


def told(array):
    return "(" + ", ".join(f"{number:.3g}" for number in array) + ")"
