"""A case of the detective with fields and buttons, drawn by cards.js."""

import numpy as np
import traitlets

from utils.exercises.cards import Block, Card
from utils.exercises.detective.levels import level_for
from utils.exercises.record import progress
from utils.widgets import BrowserCard


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
            self.case, self.entries = self.case.following(), []
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
