"""A case of the gradient detective: an operation whose pullback has one bug, three probes, a list of suspects."""

import numpy as np

from utils.crosscheck import crosscheck
from utils.crosscheck.trees import is_floating
from utils.exercises.cards import Block, Card
from utils.exercises.detective.showing import side_by_side, titled
from utils.exercises.detective.suspects import halves
from utils.exercises.reading import kind_of
from utils.exercises.record import progress
from utils.exercises.wording import codes, count, sentence

PROBES = 3
STEP = 1e-5


class Case:
    """One case.  Show it; probe(dy), measure(dy), then accuse("a").

    inputs: {name: array}, as the operation got them; other: other numbers for the floating ones, for
    probe(dy, **case.other); value: what the operation returned (that part is honest); suspects: {letter: name of a bug}, one of which was committed; left: probes not yet used; closed:
    True after an accusation.  `ones`, `unit(0, 1)` and `random()` are upstream gradients that fit.
    """

    def __init__(self, operation, culprit, inputs, other, order, seed):
        self.operation, self.culprit, self.seed = operation, culprit, seed
        self.inputs = dict(zip(operation.inputs, inputs))
        self.other = {name: array for name, array in zip(operation.inputs, other) if is_floating(array)}
        self.suspects = {"abcdefgh"[i]: operation.suspects[j].name for i, j in enumerate(order)}
        self.tampered = operation.tampered(culprit)
        self.value = np.asarray(self.forward())
        self.left, self.closed, self.asked = PROBES, False, []

    def forward(self, **changed):
        """The value of the operation, for its inputs or for some of them changed."""
        inputs = self.inputs | {name: np.asarray(array) for name, array in changed.items()}
        return self.operation.function(*inputs.values())[0]

    @property
    def ones(self):
        return np.ones(self.value.shape)

    def unit(self, *place):
        """Zeros with a one in that place: unit(0, 1) for row 0, column 1.  ValueError for no such place."""
        found = np.zeros(self.value.shape)
        fits = len(place) == found.ndim and all(
            isinstance(i, int) and -n <= i < n for i, n in zip(place, found.shape)
        )
        if not fits:
            raise ValueError(f"place must be an index for each axis of {found.shape}; got {place}")
        found[place] = 1.0
        return found

    def random(self, seed=0):
        """Halves from -2 to 2, drawn anew for each seed."""
        rng = np.random.default_rng(seed)
        return halves(rng, *self.value.shape) if self.value.ndim else halves(rng, 1)[0]

    def probe(self, dy=None, *unnamed, **inputs):
        """Send an upstream gradient, see what comes back.  Costs one probe.

        dy: an array of the shape of the value; inputs: other numbers for some of the inputs, x=...
        What does not fit gets a sentence and costs nothing.
        """
        return self.ask(dy, unnamed, inputs, self.answer_of(self.tampered), "came back", "What came back")

    def measure(self, dy=None, *unnamed, **inputs):
        """What should come back, by finite differences of the value.  Costs one probe, as probe does."""
        return self.ask(dy, unnamed, inputs, self.differences, "should be", "Finite differences")

    def ask(self, dy, unnamed, inputs, answer, words, head):
        refusal = self.refusal(dy, unnamed, inputs)
        if refusal:
            return Card("That was no probe, and cost nothing.", (sentence(refusal),), "todo")
        dy = np.asarray(dy, dtype=float)
        inputs = {name: np.asarray(array, dtype=float) for name, array in inputs.items()}
        with np.errstate(all="ignore"):
            table = self.table(dy, inputs, answer, words)
        if table is None:
            return Card(
                "That was no probe, and cost nothing.", ("Nothing finite comes of these inputs.",), "todo"
            )
        self.left -= 1
        self.asked.append((dy, inputs, words))
        left = f"{count(self.left, 'probe')} left." if self.left else "No probes left: accuse somebody."
        return Card(f"{head}, probe {PROBES - self.left} of {PROBES}. {left}", (Block(table),))

    def table(self, dy, inputs, answer, words):
        """The question and what answers it, side by side; None if that is not finite."""
        found = answer(dy, tuple((self.inputs | inputs).values()))
        if not all(np.isfinite(array).all() for array in found.values()):
            return None
        asked = [(titled("sent: dy", dy), dy)] + [(titled(f"with {n}", a), a) for n, a in inputs.items()]
        return side_by_side(
            asked + [(titled(f"{words}: d{name}", array), array) for name, array in found.items()]
        )

    def refusal(self, dy, unnamed, inputs):
        """A sentence about what does not fit, or None."""
        if self.closed:
            return "the case is closed; `detective.new()` opens the next one"
        if not self.left:
            return f"all {PROBES} probes are used; `case.accuse(...)` is what is left to do"
        if unnamed:
            return f"only dy comes without a name; write `case.probe(dy, {next(iter(self.other))}=...)`"
        remark = misfit("dy", dy, self.value)
        for name, array in inputs.items():
            if name not in self.inputs:
                return f"there is no input `{name}`; there are {codes(list(self.inputs))}"
            if not is_floating(self.inputs[name]):
                return f"`{name}` stays as it is; it is not floating"
            remark = remark or misfit(name, array, self.inputs[name])
        return remark

    def answer_of(self, operation):
        """(dy, inputs) -> {name: gradient} of an operation."""

        def answer(dy, inputs):
            gradients = operation(*inputs)[1](dy[()])
            gradients = gradients if isinstance(gradients, tuple) else (gradients,)
            return {name: g for name, g in zip(self.inputs, gradients) if g is not None}

        return answer

    def differences(self, dy, inputs):
        """Central differences of sum(dy * value), for every floating input."""
        found = {}
        for name, array in zip(self.inputs, inputs):
            if not is_floating(array):
                continue
            slopes = np.zeros(array.shape)
            for place in np.ndindex(array.shape):
                nudge = np.zeros(array.shape)
                nudge[place] = STEP
                ahead, behind = (
                    self.forward(**dict(zip(self.inputs, inputs)) | {name: array + s * nudge})
                    for s in (1, -1)
                )
                slopes[place] = (dy * (ahead - behind)).sum() / (2 * STEP)
            found[name] = slopes
        return found

    def accuse(self, suspect):
        """Name the bug, by its letter or its name.  Closes the case; the explanation follows."""
        letter = self.letter_of(suspect)
        if self.closed:
            return Card("The case is closed.", ("`detective.new()` opens the next one.",), "todo")
        if letter is None:
            return Card("Nobody was accused.", (f"Expected one of {codes(list(self.suspects))}.",), "todo")
        self.closed = True
        right = self.suspects[letter] == self.culprit.name
        before, streak = level_for(progress.streak()), progress.close_case(right)
        found = f"suspect {self.letter_of(self.culprit.name)}, {self.culprit.name}"
        wrong_line, right_line = self.operation.lines(self.culprit)
        lines = Block(f"the line was  {wrong_line}\nit should be  {right_line}")
        clue = () if right else self.against(letter)
        body = (
            self.culprit.why,
            lines,
            self.verdict_of_crosscheck(),
            *clue,
            words_for_streak(streak, before),
        )
        head = f"Right: {found}." if right else f"It was somebody else: {found}."
        return Card(head, body, "right" if right else "wrong")

    def letter_of(self, suspect):
        """The letter of a suspect given by letter or name, or None."""
        wanted = suspect.strip().lower() if isinstance(suspect, str) else None
        return next((k for k, name in self.suspects.items() if wanted in (k, name.lower())), None)

    def against(self, letter):
        """What spoke against a wrong suspect, a sentence and a Block, from the probes sent or from a better one."""
        suspect = self.operation.suspect(self.suspects[letter])
        theirs, ours = self.answer_of(self.operation.tampered(suspect)), self.answer_of(self.tampered)
        sent = [
            (dy, inputs, f"Probe {i + 1} spoke")
            for i, (dy, inputs, w) in enumerate(self.asked)
            if w == "came back"
        ]
        better = [
            (dy, {}, f"Your probes could not tell; {name} would have spoken")
            for name, dy in self.standard_probes()
        ]
        with np.errstate(all="ignore"):
            for dy, inputs, words in [*sent, *better]:
                table = self.table(dy, inputs, theirs, f"with {letter}")
                if table and self.table(dy, inputs, ours, f"with {letter}") != table:
                    return (
                        f"{words} against {letter}: with that bug this would have come back.",
                        Block(table),
                    )
        return ()

    def standard_probes(self):
        """Three probes that tell all suspects apart, as (name, dy)."""
        unit = self.unit(*[0] * self.value.ndim) if self.value.ndim else np.array(2.0)
        return [
            ("a unit vector" if self.value.ndim else "2", unit),
            ("ones", self.ones),
            ("a random gradient", self.random()),
        ]

    def verdict_of_crosscheck(self):
        report = crosscheck(
            self.tampered, self.operation.theirs, *self.inputs.values(), names=list(self.inputs), raises=False
        )
        row = report.wrong[0]
        return sentence(f"`crosscheck` says: {row.name} {row.verdict}")

    def board(self):
        """The case with buttons and fields, to play without typing code."""
        from utils.exercises.widgets import Board  # anywidget takes a moment, and many never need it

        return Board(self)

    @property
    def card(self):
        arrays = [
            (titled(name, array), array) for name, array in (self.inputs | {"value": self.value}).items()
        ]
        listed = "\n".join(f"{letter}  {name}" for letter, name in self.suspects.items())
        place = ", ".join("0" * self.value.ndim)
        ways = f"`case.ones`, `case.unit({place})`, `case.random()`" if place else "1.0, 2.0"
        return Card(
            f"Case {self.seed}, level {self.operation.level}: {self.operation.name}. {self.operation.formula}.",
            (
                Block(self.operation.forward),
                Block(side_by_side(arrays)),
                "Somebody has changed one place in the pullback. Which of the suspects was it?",
                Block(listed),
                f"{count(self.left, 'probe')} left. `case.probe(dy)` shows what comes back for an upstream gradient dy: "
                f"{ways} or your own. `case.measure(dy)` shows what should, for the price of a probe. Then `case.accuse(...)` one of them.",
            ),
        )

    def __repr__(self):
        return repr(self.card)

    def _repr_html_(self):
        return self.card._repr_html_()


def misfit(name, given, like):
    """A sentence if `given` is no array of finite numbers of that shape, else None."""
    try:
        array = np.asarray(given)
    except Exception:
        return f"`{name}` is {kind_of(given)}; expected numbers of shape {like.shape}"
    if array.dtype.kind not in "iuf":
        return f"`{name}` is {kind_of(given)}; expected numbers of shape {like.shape}"
    if array.shape != like.shape:
        return f"`{name}` has shape {array.shape}; expected {like.shape}"
    if not np.isfinite(array).all() or np.abs(array).max(initial=0) > 1e4:
        return f"`{name}` holds numbers that are not finite, or larger than 10000"
    return None


def level_for(streak):
    """Three cases in a row, and the next level begins."""
    return min(4, 1 + streak // 3)


def words_for_streak(streak, before):
    level = level_for(streak)
    up = f" Level {level} begins." if level > before else ""
    row = f"{count(streak, 'case')} in a row.{up}" if streak else "The count of cases in a row starts anew."
    return f"{row} `detective.new()` opens the next one."
