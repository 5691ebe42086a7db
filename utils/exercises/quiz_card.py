"""The card of a quiz, drawn by cards.js."""

import traitlets

from utils.exercises.quizzes import COVERED, as_html, as_text
from utils.exercises.record import progress
from utils.exercises.wording import sentence
from utils.widgets import BrowserCard


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
