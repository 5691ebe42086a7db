"""Predictions: choose or type a number before you look; right or wrong, the explanation follows."""

import base64
import math
from dataclasses import dataclass, field
from html import escape

from utils.exercises.cards import Card, Verdict, in_html
from utils.exercises.reading import kind_of, short
from utils.exercises.record import progress
from utils.exercises.wording import codes, sentence

SURPRISE = "it comes out differently"
COVERED = "covered until the guess is made"  # utils/notebooks knows a covered picture by it


@dataclass(frozen=True)
class Quiz:
    """One prediction; the question stands in the notebook, above it.

    number: "01.2"; options: a dict key -> text, or a list, whose keys are a, b, c; right: the key of
    the right one.  Or instead of these value: the right number, met within rtol (relative) or atol.
    why: the explanation; traps: {key or number: what to say to it first}; ask: a few words above the
    options.  ValueError for a quiz that cannot be answered.
    """

    number: str
    options: object = None
    right: str = ""
    value: float | None = None
    rtol: float = 0.02
    atol: float = 0.0
    why: str = ""
    traps: dict = field(default_factory=dict)
    ask: str = ""

    def __post_init__(self):
        if (self.options is None) == (self.value is None):
            raise ValueError(f"quiz {self.number}: give either options or value")
        if self.options is not None and (
            self.right not in self.choices or not set(self.traps) <= set(self.choices)
        ):
            raise ValueError(f"quiz {self.number}: right and traps must be among {', '.join(self.choices)}")
        if not self.why:
            raise ValueError(f"quiz {self.number}: why is missing; right or wrong, it is shown")

    @property
    def choices(self):
        """{key: text}; empty where a number is asked for."""
        if isinstance(self.options, dict):
            return self.options
        return {"abcdefghij"[i]: text for i, text in enumerate(self.options or ())}

    @property
    def prompt(self):
        return self.ask or ("Choose, then read why" if self.choices else "Type a number, then read why")

    @property
    def truth(self):
        """The right answer, in words."""
        return f"{self.right}: {self.choices[self.right]}" if self.choices else short(float(self.value))

    def replies(self):
        """What each answer is told: dicts with status, message, and a key or low and high; the first that fits.

        The browser looks answers up in the same list, so a quiz can be answered while the kernel is busy.
        """
        right = {"status": "right", "message": ""}
        other = f"The answer is {self.truth}."
        if self.choices:
            wrong = {key: sentence(f"{self.traps.get(key, '')}") for key in self.choices if key != self.right}
            told = {key: f"{words} {other}".strip() for key, words in wrong.items()}
            return [{"key": self.right} | right] + [
                {"key": key, "status": "wrong", "message": words} for key, words in told.items()
            ]
        ranges = [self.range_of(self.value) | right]
        for number, words in self.traps.items():
            ranges.append(
                self.range_of(number) | {"status": "wrong", "message": f"{sentence(words)} {other}"}
            )
        return [*ranges, {"status": "wrong", "message": other}]

    def range_of(self, number):
        reach = max(self.atol, self.rtol * abs(number), 1e-12)
        return {"low": number - reach, "high": number + reach}

    def reply(self, answer):
        """The reply to an answer, or a sentence if it is none."""
        if self.choices:
            wanted = answer.strip().lower() if isinstance(answer, str) else answer
            texts = {key: (key.lower(), text.strip().lower()) for key, text in self.choices.items()}
            found = [reply for reply in self.replies() if wanted in texts[reply["key"]]]
            return found[0] if found else f"{short(answer, 40)} is none of {codes(list(self.choices))}"
        try:
            number = float(answer)
        except (TypeError, ValueError):
            return f"this is {kind_of(answer)}; expected a number"
        if math.isnan(number):
            return "nan is no number to predict"
        return next(r for r in self.replies() if r.get("low", number) <= number <= r.get("high", number))

    def lines(self):
        """The options as text."""
        wide = max((len(key) for key in self.choices), default=0)
        return [f"  {key:{wide}}  {text}" for key, text in self.choices.items()]


def key_of(asked, answer):
    """An answer as the card keeps it; empty for one that is none."""
    reply = asked.reply(answer)
    return "" if isinstance(reply, str) else reply.get("key") or str(float(answer))


def judge(asked, answer):
    """The Verdict on an answer, which is remembered if it is one."""
    reply = asked.reply(answer)
    title = f"Quiz {asked.number}"
    if isinstance(reply, str):
        how = f'`quiz("{asked.number}", ...)`'
        return Verdict(
            asked.number,
            "todo",
            f"{sentence(reply)} Answer with {how}.",
            title=title,
            word="not answered yet",
        )
    right = reply["status"] == "right"
    progress.answer(asked.number, right)
    return Verdict(
        asked.number,
        reply["status"],
        reply["message"],
        title=title,
        after=asked.why,
        word="right" if right else SURPRISE,
        notes=progress.take_notes(),
    )


def as_text(asked):
    """A quiz as plain text: what a page without widgets shows."""
    example = f'"{next(iter(asked.choices))}"' if asked.choices else "0.5"
    how = f'Answer here, or with quiz("{asked.number}", {example}).'
    return "\n".join([f"Quiz {asked.number}. {sentence(asked.prompt)}", *asked.lines(), how]).replace("`", "")


def as_html(asked, picture=None):
    """A quiz as HTML without widgets: the options; folded away the answer, and the explorable that it is about."""
    options = "".join(
        f'<li style="list-style:none">{escape(key)}&ensp;{in_html(text)}</li>'
        for key, text in asked.choices.items()
    )
    listed = f'<ul style="margin:4px 0;padding-left:4px">{options}</ul>' if options else ""
    answer = in_html(f"{asked.truth}. {asked.why}")
    folded = "" if picture is None else behind(picture)
    folded += f'<details style="margin:4px 0 0"><summary>The answer</summary>{answer}</details>'
    return (
        Card(f"Quiz {asked.number}. {sentence(asked.prompt)}")
        ._repr_html_()
        .replace("</div>", f"{listed}{folded}</div>")
    )


def behind(picture):
    """The still picture of an explorable, folded away; the words instead of it must not tell what it shows."""
    data = base64.b64encode(picture.poster()).decode()
    alt = escape(f"{picture.title}: the picture that the question is about. What it shows is said below.")
    readout = f'<p style="margin:4px 0 0;white-space:pre-wrap">{escape(picture.readout())}</p>'
    image = (
        f'<img alt="{alt}" src="data:image/png;base64,{data}" style="max-width:100%;background-color:#fff">'
    )
    return (
        f'<details style="margin:4px 0 0"><summary>The picture, once you have guessed</summary>'
        f"{image}{readout}</details>"
    )
