"""The register of the course, utils/chapters/course.toml: every chapter's number, names, titles and place."""

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FILE = Path("utils/chapters/course.toml")


@dataclass(frozen=True)
class Entry:
    """A chapter, written or still to come; the fields are those of course.toml."""

    number: int
    name: str
    title: str
    chinese: str
    summary: str
    label: str = ""
    needs: tuple = ()
    place: tuple = ()
    concepts: str = ""

    @property
    def two_digits(self):
        return f"{self.number:02d}"

    @property
    def file_name(self):
        """Of its notebook: 04_normalization.ipynb."""
        return f"{self.two_digits}_{self.name}.ipynb"

    @property
    def module(self):
        """The package of what belongs to this chapter alone."""
        return f"utils.chapters.{self.name}"


def register(root=ROOT):
    """{number: Entry}, in order.  ValueError where course.toml is missing or an entry is incomplete."""
    path = Path(root) / FILE
    try:
        return parse(path.read_text(encoding="utf-8"))
    except OSError:
        raise ValueError(f"{FILE.as_posix()} cannot be read; expected it at {path}") from None


@lru_cache(maxsize=8)
def parse(text):
    """The entries of a register, from its text."""
    try:
        listed = tomllib.loads(text).get("chapter", [])
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{FILE.as_posix()} is not valid TOML: {error}") from None
    entries = {}
    for given in listed:
        try:
            given = {key: tuple(value) if isinstance(value, list) else value for key, value in given.items()}
            entry = Entry(**given)
        except TypeError as error:
            raise ValueError(f"{FILE.as_posix()}, entry {given}: {error}") from None
        if entry.number in entries:
            raise ValueError(f"{FILE.as_posix()}: number {entry.number} stands twice")
        entries[entry.number] = entry
    for entry in entries.values():
        unknown = set(entry.needs) - set(entries)
        if unknown:
            raise ValueError(f"{FILE.as_posix()}: chapter {entry.number} needs {sorted(unknown)}, not there")
    return dict(sorted(entries.items()))


def written(root=ROOT):
    """The entries of the chapters that have a notebook, {number: Entry}."""
    chapters = Path(root) / "chapters"
    return {n: entry for n, entry in register(root).items() if (chapters / entry.file_name).is_file()}
