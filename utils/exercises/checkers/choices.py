"""Answers that are chosen: one of several, some of several, an order."""

from dataclasses import dataclass, field

from utils.exercises.cards import Outcome
from utils.exercises.reading import Trouble, has_dots, kind_of
from utils.exercises.wording import be, codes, join, sentence


@dataclass(frozen=True)
class Choice:
    """Expects one of the options.  options: {key: text}; right: its key; traps: {key: why not}."""

    options: dict
    right: str
    traps: dict = field(default_factory=dict)

    parts = ()

    def trap_answers(self):
        return list(self.traps)

    def examine(self, answer):
        if answer is None or has_dots(answer):
            return Outcome("todo")
        key = as_key(answer, self.options)
        if key == self.right:
            return Outcome("right")
        return Outcome("wrong", sentence(self.traps.get(key, f"`{key}` is not it")))


@dataclass(frozen=True)
class Subset:
    """Expects exactly the right ones among all.

    right, among: names; traps: {name: why it is out}; incomplete: what to ask of those that are left, the same for
    each of them, so that nobody finds the rest by counting.
    """

    right: tuple
    among: tuple
    traps: dict = field(default_factory=dict)
    incomplete: str = "ask of each that is left the same question"

    parts = ()

    def trap_answers(self):
        return [(*self.right, name) for name in self.traps]

    def examine(self, answer):
        if answer is None or has_dots(answer):
            return Outcome("todo")
        chosen = {as_key(item, dict.fromkeys(self.among)) for item in as_items(answer, self.among)}
        for name in self.among:
            if name in chosen and name not in self.right:
                return Outcome("wrong", sentence(self.traps.get(name, f"`{name}` does not belong")))
        if set(self.right) == chosen:
            return Outcome("right")
        lead = "Part of it is right" if chosen else "Nothing is chosen"
        return Outcome("wrong", sentence(f"{lead}: {self.incomplete}"))


@dataclass(frozen=True)
class Ordering:
    """Expects the items in an order.

    items: in a right order; before: pairs (a, b) where a must come before b, all neighbours of items
    where omitted, so that several orders may be right; traps: {pair: why}.
    """

    items: tuple
    before: tuple = ()
    traps: dict = field(default_factory=dict)

    parts = ()

    @property
    def pairs(self):
        return tuple(self.before) or tuple(zip(self.items, self.items[1:]))

    def trap_answers(self):
        """For each trap the right order with its pair exchanged."""
        swapped = []
        for a, b in self.traps:
            exchange = {a: b, b: a}
            swapped.append([exchange.get(item, item) for item in self.items])
        return swapped

    def examine(self, answer):
        if answer is None or has_dots(answer):
            return Outcome("todo")
        given = [as_key(item, dict.fromkeys(self.items)) for item in as_items(answer, self.items)]
        twice = [item for item in self.items if given.count(item) > 1]
        if twice:
            return Outcome("wrong", f"{codes(twice)} {be(twice)} there more than once.")
        missing = [item for item in self.items if item not in given]
        if missing:
            return Outcome("wrong", f"{codes(missing)} {be(missing)} missing.")
        if not self.before and given == list(self.items)[::-1]:
            return Outcome("wrong", "That is the right order, turned round.")
        for a, b in self.pairs:
            if given.index(a) > given.index(b):
                return Outcome("wrong", sentence(self.traps.get((a, b), f"`{b}` cannot come before `{a}`")))
        return Outcome("right")


def as_key(answer, options):
    """The option that is meant, by its key or its whole text, in small or capital letters."""
    if not isinstance(answer, str):
        raise Trouble(f"this is {kind_of(answer)}; expected one of {names(options)}")
    wanted = answer.strip().lower()
    for key, text in options.items():
        if wanted in (key.lower(), str(text).strip().lower()):
            return key
    raise Trouble(f"{answer.strip()[:40]!r} is none of {names(options)}")


def names(options):
    """All options, in an order that tells nothing about the right one."""
    return join([f"`{key}`" for key in sorted(options)])


def as_items(answer, options):
    """The chosen items: of a list, tuple or set, or of a text: one option, words, or the letters of one word."""
    if isinstance(answer, (list, tuple)) and len(answer) == 1:
        (answer,) = answer
        if not isinstance(answer, str):
            return [answer]
    if isinstance(answer, str):
        words = [answer] if is_option(answer, options) else answer.replace(",", " ").split()
        letters = len(words) == 1 and not is_option(words[0], options) and all(len(o) == 1 for o in options)
        return [*words[0]] if letters else words
    if isinstance(answer, (list, tuple)):
        return list(answer)
    if isinstance(answer, (set, frozenset)):
        return sorted(answer, key=str)
    raise Trouble(f"this is {kind_of(answer)}; expected several of them, in a list")


def is_option(text, options):
    return text.strip().lower() in {option.lower() for option in options}
