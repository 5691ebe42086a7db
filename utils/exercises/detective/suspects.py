"""What the detective works on: operations, and for each a list of suspects, ways in which its pullback goes wrong."""

import inspect
import textwrap
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Suspect:
    """A bug: its name, the code `right` that becomes `wrong` in the pullback, and why that matters."""

    name: str
    right: str
    wrong: str
    why: str


@dataclass(frozen=True)
class Operation:
    """An operation that may be tampered with.

    function: right, of the protocol, one output; level: 1 to 4; formula: what it computes, in a line;
    theirs: the same on tensors; draw: rng -> its inputs, a tuple of small arrays; suspects: its bugs.
    """

    function: object
    level: int
    formula: str
    theirs: object
    draw: object
    suspects: tuple

    @property
    def name(self):
        return self.function.__name__.replace("_", " ")

    @property
    def inputs(self):
        """The names of the inputs."""
        return tuple(inspect.signature(self.function).parameters)

    @property
    def source(self):
        return textwrap.dedent(inspect.getsource(self.function))

    @property
    def split(self):
        """The source in three: above the pullback's body, the body, below it."""
        lines = self.source.splitlines(keepends=True)
        start = next(i for i, line in enumerate(lines) if line.startswith("    def pullback(")) + 1
        after = (i for i in range(start, len(lines)) if lines[i].strip() and not lines[i].startswith(" " * 8))
        end = next(after)
        return "".join(lines[:start]), "".join(lines[start:end]), "".join(lines[end:])

    @property
    def forward(self):
        """The source with the pullback's body left out: what the reader may see."""
        above, _, below = self.split
        return f"{above}        ...  # this is what you probe\n\n{below}".rstrip()

    def suspect(self, name):
        return next(suspect for suspect in self.suspects if suspect.name == name)

    def lines(self, suspect):
        """The line of the pullback that is wrong, and what it should be."""
        right = next(line for line in self.split[1].splitlines() if suspect.right in line)
        return right.replace(suspect.right, suspect.wrong).strip(), right.strip()

    def tampered(self, suspect):
        """The operation with that bug: its own source, one piece of the pullback replaced.

        ValueError unless the piece is there exactly once.
        """
        above, body, below = self.split
        if body.count(suspect.right) != 1:
            raise ValueError(
                f"{self.name}, {suspect.name}: {suspect.right!r} must be in the pullback exactly once"
            )
        names = dict(self.function.__globals__)
        text = above + body.replace(suspect.right, suspect.wrong) + below
        exec(compile(text, f"<{self.name} with a bug>", "exec"), names)
        return names[self.function.__name__]


def halves(rng, *shape):
    """Small numbers to calculate with: halves from -2 to 2, never 0, no two neighbours equal in a row."""
    numbers = np.array([-2.0, -1.5, -1.0, -0.5, 0.5, 1.0, 1.5, 2.0])
    rows = [rng.choice(numbers, size=shape[-1], replace=False) for _ in range(int(np.prod(shape[:-1])))]
    return np.array(rows).reshape(shape)
