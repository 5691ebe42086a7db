"""What the tour complains of: each kind, how bad it is, and what it means."""

from dataclasses import dataclass

# kind: (hard or not, what a reader meets). Hard ones fail CI.
KINDS = {
    "error": (True, "an error in the browser or in a cell"),
    "dead": (True, "a control, button or drawing that changes nothing, whatever the others say"),
    "blank": (True, "a picture that cannot be seen or read"),
    "idle": (False, "a control that does nothing in a state in which it is shown"),
    "stale": (False, "a picture that is not that of the setting, after fast moves"),
    "left": (False, "something that a reader who comes back does not find as it was left"),
    "small": (False, "text under 10 px, or 12 px on a phone"),
    "overlap": (False, "texts over each other"),
    "clipped": (False, "text that is cut off, or does not fit"),
    "axis": (False, "values piled at the edge of an axis, or beyond it"),
    "touch": (False, "a target under 44 px on a phone"),
    "sideways": (False, "something that scrolls sideways"),
    "contrast": (False, "text with a contrast below AA: 4.5, large text 3"),
    "nan": (False, "a read-out that speaks of what is no number"),
}
PHONE = 480  # a page of at most that many pixels is a phone's


@dataclass(frozen=True)
class Complaint:
    """kind: one of KINDS; words: what is wrong; state: in which state it was seen first."""

    kind: str
    words: str
    state: str = ""

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ValueError(f"kind: expected one of {', '.join(KINDS)}, got {self.kind!r}")

    @property
    def hard(self):
        """Whether it fails CI."""
        return KINDS[self.kind][0]

    def __str__(self):
        return f"{self.kind}: {self.words}" + (f" [{self.state}]" if self.state else "")


class Complaints(list):
    """Complaints in the order in which they were found, each once, with the state that showed it first."""

    def add(self, kind, words, state=""):
        """Returns whether it is new."""
        new = all((kind, words) != (one.kind, one.words) for one in self)
        if new:
            self.append(Complaint(kind, words, state))
        return new
