"""What a crosscheck says: a row per output and per gradient, as text and as HTML."""

from dataclasses import dataclass, field
from html import escape

# Each on a paper of its own, so that they can be read in the light and in the dark.
STYLE = {
    True: "color:#00513b;background-color:#e3f4ed;padding:1px 6px",
    False: "color:#8a3500;background-color:#fdeee4;padding:1px 6px;font-weight:bold",
}


@dataclass
class Row:
    """One array that was checked.

    name: `output`, `gradient of x`, `running_mean after the call`; shape; ok; verdict: the words
    shown.  Numbers, never shown: torch_error and difference_error, relative to the largest
    gradient (None where not measured); kinks: places where the one-sided differences keep apart;
    undecided: places that are too steep, too rough or too small for differences; step: the first at
    which an update rule differs.  diagnosis: kind and sentence of what is wrong, or None.
    """

    name: str
    shape: tuple | None
    ok: bool
    verdict: str
    torch_error: float | None = None
    difference_error: float | None = None
    kinks: int = 0
    undecided: int = 0
    step: int | None = None
    diagnosis: object = None


def wrong_row(name, shape, found, start="", **numbers):
    """The row of what does not agree.  found: its Diagnosis; start: words before the sentence."""
    return Row(name, shape, False, start + found.sentence, diagnosis=found, **numbers)


@dataclass
class Report:
    """The rows of a crosscheck.  `ok`: all agree.  `report["gradient of x"]` is a row."""

    rows: list = field(default_factory=list)

    @property
    def ok(self):
        return all(row.ok for row in self.rows)

    @property
    def wrong(self):
        """The rows that do not agree."""
        return [row for row in self.rows if not row.ok]

    def __getitem__(self, name):
        for row in self.rows:
            if row.name == name:
                return row
        raise KeyError(f"no row {name!r}; there are {[row.name for row in self.rows]}")

    def __str__(self):
        shapes = ["" if row.shape is None else str(row.shape) for row in self.rows]
        wide, wider = max(len(r.name) for r in self.rows), max(map(len, shapes))
        lines = [
            f"{'' if row.ok else 'WRONG: '}{row.name:{wide}}  {shape:{wider}}  {row.verdict}".rstrip()
            for row, shape in zip(self.rows, shapes)
        ]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self):
        name_cell = '<td style="text-align:left;padding:2px 14px 2px 0;white-space:nowrap">{}</td>'.format
        cell = '<td style="text-align:left;padding:2px 0">{}</td>'.format
        lines = []
        for row in self.rows:
            verdict = (
                f'<span style="{STYLE[row.ok]}">{"" if row.ok else "WRONG: "}{escape(row.verdict)}</span>'
            )
            shape = "" if row.shape is None else str(row.shape)
            lines.append(f"<tr>{name_cell(escape(row.name))}{name_cell(shape)}{cell(verdict)}</tr>")
        return f'<table style="font-size:13px;border-collapse:collapse">{"".join(lines)}</table>'


class CrosscheckError(AssertionError):
    """A value or a gradient is wrong; `.report` has the rows, the message shows them."""

    def __init__(self, report):
        super().__init__(f"\n{report}")
        self.report = report
