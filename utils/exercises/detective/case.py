"""A case of the gradient detective, its rules: an operation whose pullback has one bug, three probes, a list of suspects."""

from functools import partial

import numpy as np

from utils.crosscheck import crosscheck
from utils.crosscheck.trees import is_floating
from utils.exercises.detective import numbers, telling
from utils.exercises.detective.levels import level_for
from utils.exercises.record import progress
from utils.exercises.wording import codes

PROBES = 3


class Case:
    """One case.  Show it; probe(dy), measure(dy), then accuse("a").

    inputs: {name: array}, as the operation got them; other: other numbers for the floating ones, for
    probe(dy, **case.other); value: what the operation returned (that part is honest); suspects: {letter: name of a bug}, one of which was committed; left: probes not yet used; closed:
    True after an accusation; following: opens the next case.  `ones`, `unit(0, 1)` and `random()` are upstream gradients that fit.
    """

    def __init__(self, operation, culprit, inputs, other, order, seed, *, following):
        self.operation, self.culprit, self.seed, self.following = operation, culprit, seed, following
        self.inputs = dict(zip(operation.inputs, inputs))
        self.other = {name: array for name, array in zip(operation.inputs, other) if is_floating(array)}
        self.suspects = {"abcdefgh"[i]: operation.suspects[j].name for i, j in enumerate(order)}
        self.tampered = operation.tampered(culprit)
        self.value = np.asarray(operation.function(*inputs)[0])
        self.left, self.closed, self.asked = PROBES, False, []

    @property
    def ones(self):
        return np.ones(self.value.shape)

    def unit(self, *place):
        """Zeros with a one in that place: unit(0, 1) for row 0, column 1.  ValueError for no such place."""
        return numbers.unit(self.value.shape, place)

    def random(self, seed=0):
        """Halves from -2 to 2, drawn anew for each seed."""
        return numbers.random(self.value.shape, seed)

    def probe(self, dy=None, *unnamed, **inputs):
        """Send an upstream gradient, see what comes back.  Costs one probe.

        dy: an array of the shape of the value; inputs: other numbers for some of the inputs, x=...
        What does not fit gets a sentence and costs nothing.
        """
        return self.ask(dy, unnamed, inputs, self.answer_of(self.tampered), "came back", "What came back")

    def measure(self, dy=None, *unnamed, **inputs):
        """What should come back, by finite differences of the value.  Costs one probe, as probe does."""
        measured = partial(numbers.measured, self.operation.function, self.operation.inputs)
        return self.ask(dy, unnamed, inputs, measured, "should be", "Finite differences")

    def ask(self, dy, unnamed, inputs, answer, words, head):
        refusal = self.refusal(dy, unnamed, inputs)
        if refusal:
            return telling.of_no_probe(refusal)
        dy = np.asarray(dy, dtype=float)
        inputs = {name: np.asarray(array, dtype=float) for name, array in inputs.items()}
        shown = self.table(dy, inputs, answer, words)
        if shown is None:
            return telling.of_no_probe("nothing finite comes of these inputs")
        self.left -= 1
        self.asked.append((dy, inputs, words))
        return telling.of_probe(head, PROBES - self.left, PROBES, shown)

    def table(self, dy, changed, answer, words):
        """What answers a probe as text; None if that is not finite.  answer: (dy, inputs) -> gradients."""
        with np.errstate(all="ignore"):
            return numbers.table(words, dy, changed, answer(dy, tuple((self.inputs | changed).values())))

    def refusal(self, dy, unnamed, inputs):
        """A sentence about what does not fit, or None."""
        if self.closed:
            return "the case is closed; `detective.new()` opens the next one"
        if not self.left:
            return f"all {PROBES} probes are used; `case.accuse(...)` is what is left to do"
        if unnamed:
            return f"only dy comes without a name; write `case.probe(dy, {next(iter(self.other))}=...)`"
        remark = numbers.misfit("dy", dy, self.value)
        for name, array in inputs.items():
            if name not in self.inputs:
                return f"there is no input `{name}`; there are {codes(list(self.inputs))}"
            if not is_floating(self.inputs[name]):
                return f"`{name}` stays as it is; it is not floating"
            remark = remark or numbers.misfit(name, array, self.inputs[name])
        return remark

    def answer_of(self, function):
        """(dy, inputs) -> {name: gradient} of a function of the operation's inputs."""
        return partial(numbers.gradients, function, self.operation.inputs)

    def accuse(self, suspect):
        """Name the bug, by its letter or its name.  Closes the case; the explanation follows."""
        letter = self.letter_of(suspect)
        if self.closed:
            return telling.CLOSED
        if letter is None:
            return telling.of_nobody(self.suspects)
        self.closed = True
        right = self.suspects[letter] == self.culprit.name
        before, streak = level_for(progress.streak()), progress.close_case(right)
        return telling.of_accusation(self, right, None if right else self.against(letter), before, streak)

    def letter_of(self, suspect):
        """The letter of a suspect given by letter or name, or None."""
        wanted = suspect.strip().lower() if isinstance(suspect, str) else None
        return next((k for k, name in self.suspects.items() if wanted in (k, name.lower())), None)

    def against(self, letter):
        """What spoke against a wrong suspect, (words, table), from the probes sent or from a better one; or None."""
        suspect = self.operation.suspect(self.suspects[letter])
        theirs, ours = self.answer_of(self.operation.tampered(suspect)), self.answer_of(self.tampered)
        sent = [
            (dy, changed, f"Probe {i + 1} spoke")
            for i, (dy, changed, words) in enumerate(self.asked)
            if words == "came back"
        ]
        better = [
            (dy, {}, f"Your probes could not tell; {name} would have spoken")
            for name, dy in self.standard_probes()
        ]
        for dy, changed, words in [*sent, *better]:
            shown = self.table(dy, changed, theirs, f"with {letter}")
            if shown and self.table(dy, changed, ours, f"with {letter}") != shown:
                return f"{words} against {letter}", shown
        return None

    def standard_probes(self):
        """Three probes that tell all suspects apart, as (name, dy)."""
        return numbers.standard_probes(self.value.shape)

    def report(self):
        """What crosscheck says of the pullback."""
        names = list(self.inputs)
        return crosscheck(
            self.tampered, self.operation.theirs, *self.inputs.values(), names=names, raises=False
        )

    @property
    def card(self):
        return telling.of_case(self)

    def board(self):
        """The case with buttons and fields, to play without typing code."""
        from utils.exercises.detective.board import Board  # anywidget takes a moment, and many never need it

        return Board(self)

    def __repr__(self):
        return repr(self.card)

    def _repr_html_(self):
        return self.card._repr_html_()
