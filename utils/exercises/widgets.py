"""The two cards that live in the browser: a quiz, and the detective's board.  Both are drawn by cards.js."""

import numpy as np
import traitlets

from utils.exercises import detective
from utils.exercises.cards import Block, Card
from utils.exercises.detective.levels import level_for
from utils.exercises.quizzes import COVERED, as_html, as_text
from utils.exercises.record import progress
from utils.exercises.wording import sentence
from utils.widgets import CourseWidget


class BrowserCard(CourseWidget):
    """A widget that is also plain text and HTML, for where no widget runs: fallback() -> (text, HTML)."""

    def __repr__(self):
        return self.fallback()[0]

    def _repr_mimebundle_(self, **kwargs):
        data, metadata = super()._repr_mimebundle_(**kwargs)
        text, html = self.fallback()
        return data | {"text/plain": text, "text/html": html}, metadata


class QuizCard(BrowserCard):
    """A quiz to answer.  The browser knows what every answer is told, so a busy kernel delays nothing.

    picture: an explorable that stays covered until the guess is made.
    """

    spec = traitlets.Dict().tag(sync=True)
    given = traitlets.Unicode().tag(sync=True)  # what the reader chose or typed last

    then = traitlets.Unicode().tag(sync=True)  # the id of the covered picture's widget

    def __init__(self, quiz, picture=None, given=""):
        self.quiz, self.picture = quiz, picture
        if picture is not None:
            picture.with_opening()  # a covered picture must not wait for a busy kernel when it is uncovered
        spec = {
            "number": quiz.number,
            "prompt": sentence(quiz.prompt),
            "why": quiz.why,
            "replies": quiz.replies(),
        }
        then = "" if picture is None else picture.model_id
        spec |= {"choices": list(quiz.choices.items())}
        super().__init__(kind="quiz", spec=spec, then=then, given=given)

    def fallback(self):
        covered = f"\n<{self.picture.title} | {COVERED}>" if self.picture else ""
        return as_text(self.quiz) + covered, as_html(self.quiz, self.picture)

    def offline_state(self):
        picture = self.picture and self.picture.offline_state()
        return {"kind": "quiz", "spec": self.spec, "given": "", "then": self.then, "picture": picture}

    @traitlets.observe("given")
    def _remember(self, change):
        reply = self.quiz.reply(change["new"])
        if isinstance(reply, dict):
            progress.answer(self.quiz.number, reply["status"] == "right")


class Board(BrowserCard):
    """A case of the detective with fields and buttons.

    case: the one on the board, replaced when the reader asks for the next; state: what the browser shows.
    """

    state = traitlets.Dict().tag(sync=True)

    def __init__(self, case):
        self.case, self.entries = case, []
        super().__init__(kind="board", state=self.describe())
        self.on_msg(lambda _, message, __: self.handle(message))

    def fallback(self):
        return repr(self.case), self.case._repr_html_()

    def handle(self, message):
        """Do what the reader asked for, and show it.  A message that makes no sense changes nothing."""
        action = message.get("do") if isinstance(message, dict) else None
        if action in ("probe", "measure"):
            self.entries.append(self.send_probe(action, message.get("dy"), bool(message.get("other"))))
        elif action == "accuse":
            self.entries.append(self.case.accuse(message.get("letter")))
        elif action == "new":
            self.case, self.entries = detective.new(), []
        self.state = self.describe()

    def send_probe(self, action, numbers, other):
        """The card of a probe; numbers: the fields, row by row; other: with the other inputs."""
        try:
            dy = np.array(numbers, dtype=float).reshape(self.case.value.shape)
        except (TypeError, ValueError):
            return Card("That was no probe, and cost nothing.", ("Every field needs a number.",), "todo")
        return getattr(self.case, action)(dy, **(self.case.other if other else {}))

    def describe(self):
        card, streak = self.case.card, progress.streak()
        return {
            "head": card.head,
            "blocks": card.blocks[:2],
            "suspects": list(self.case.suspects.items()),
            "inputs": " and ".join(self.case.other),
            "shape": list(self.case.value.shape),
            "left": self.case.left,
            "closed": self.case.closed,
            "standing": f"{streak} in a row, level {level_for(streak)}",
            "log": [
                {"head": c.head, "body": [[isinstance(part, Block), part] for part in c.body], "tone": c.tone}
                for c in self.entries
            ],
        }
