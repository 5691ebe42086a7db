"""What a reader sees: every answer of the engine as plain text and as one HTML card."""

import re
from dataclasses import dataclass, field
from html import escape

from utils import style

BARS = {"right": style.PARAMETER, "wrong": style.GRADIENT, "todo": style.TARGET, "plain": style.ACTIVATION}
WORDS = {"todo": "not written yet", "wrong": "not yet", "right": "right"}
CARD = (
    "margin:4px 0;padding:6px 14px 8px;max-width:800px;box-sizing:border-box;"
    "border-left:4px solid {bar};background-color:var(--jp-layout-color2,#f3f5f7);"
    "color:var(--jp-content-font-color1,#1f2328);font-size:13px;line-height:1.5"
)
PARAGRAPH = '<p style="margin:4px 0 0;white-space:pre-line">{}</p>'
PRE = (
    '<pre style="margin:6px 0 0;padding:8px 10px;overflow-x:auto;white-space:pre;'
    'background-color:var(--jp-layout-color1,#fff);color:inherit;line-height:1.4">{}</pre>'
)


class Block(str):
    """Text in columns or code, shown as it is."""


@dataclass(frozen=True)
class Card:
    """A head, a body below it, perhaps something folded away.

    head: one line; body: sentences, `code` between backticks, and Blocks; tone: "right", "wrong",
    "todo" or "plain", the colour of the bar; folded: (summary, text) of what HTML hides until asked;
    unfold: what plain text says instead.
    """

    head: str
    body: tuple = ()
    tone: str = "plain"
    folded: tuple | None = None
    unfold: str = ""

    @property
    def blocks(self):
        return [part for part in self.body if isinstance(part, Block)]

    @property
    def sentences(self):
        return [part for part in self.body if part and not isinstance(part, Block)]

    def __repr__(self):
        parts = [part if isinstance(part, Block) else plain(part) for part in self.body]
        return "\n".join(filter(None, [plain(self.head), *parts, plain(self.unfold)]))

    def _repr_html_(self):
        parts = [f"<strong>{in_html(self.head)}</strong>"]
        for part in filter(None, self.body):
            block = isinstance(part, Block)
            parts.append(PRE.format(escape(part)) if block else PARAGRAPH.format(in_html(part)))
        if self.folded:
            summary, text = self.folded
            parts.append(
                f'<details style="margin:6px 0 0"><summary>{in_html(summary)}</summary>'
                f"{PRE.format(escape(text))}</details>"
            )
        return f'<div style="{CARD.format(bar=BARS[self.tone])}">{"".join(parts)}</div>'


def plain(text):
    """Without the backticks."""
    return text.replace("`", "")


def in_html(text):
    """Escaped, with `code` between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))


@dataclass(frozen=True)
class Outcome:
    """What a checker finds: status "todo", "wrong" or "right", and a sentence or two about it."""

    status: str
    message: str = ""


@dataclass(frozen=True)
class Verdict:
    """The answer to an answer.

    number: of the exercise or quiz; status: "todo", "wrong" or "right"; message: why; hint_level:
    how many hints were given in this session; title, word (for the status), after (an explanation),
    next_step (what one may do now) and notes are shown too.
    """

    number: str
    status: str
    message: str = ""
    hint_level: int = 0
    title: str = ""
    after: str = ""
    next_step: str = ""
    word: str = ""
    notes: tuple = field(default=(), compare=False)

    @property
    def card(self):
        head = f"{self.title or self.number}: {self.word or WORDS[self.status]}."
        return Card(head, (self.message, self.after, self.next_step, *self.notes), self.status)

    def __repr__(self):
        return repr(self.card)

    def _repr_html_(self):
        return self.card._repr_html_()
