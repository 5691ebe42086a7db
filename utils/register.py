"""The register of the course, utils/chapters/course.toml: every chapter's number, names, titles and place."""

import re
import tomllib
from dataclasses import MISSING, dataclass, fields
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
    def bilingual(self):
        """Normalization · 归一化; a name that is the same in both languages stands once."""
        return " · ".join(dict.fromkeys(filter(None, (self.title, self.chinese))))

    @property
    def heading(self):
        """The first heading of its notebook, without the #: 04 Normalization · 归一化. The first page has no number."""
        return f"{self.two_digits} {self.bilingual}" if self.number else self.bilingual

    @property
    def file_name(self):
        """Of its notebook: 04_normalization.ipynb."""
        return f"{self.two_digits}_{self.name}.ipynb"

    @property
    def module(self):
        """The package of what belongs to this chapter alone."""
        return f"utils.chapters.{self.name}"


def register(root=ROOT):
    """{number: Entry}, in order.  ValueError where course.toml is missing, or an entry is incomplete or wrong."""
    path = Path(root) / FILE
    try:
        return dict(parse(path.read_text(encoding="utf-8")))
    except OSError:
        raise ValueError(f"{FILE.as_posix()} cannot be read; expected it at {path}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{FILE.as_posix()} is not UTF-8 text") from None


def written(root=ROOT):
    """The entries of the chapters that have a notebook, {number: Entry}."""
    chapters = Path(root) / "chapters"
    return {n: entry for n, entry in register(root).items() if (chapters / entry.file_name).is_file()}


@lru_cache(maxsize=8)
def parse(text):
    """The entries of a register, from its text."""
    try:
        content = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ValueError(f"{FILE.as_posix()} is not valid TOML: {error}") from None
    listed = content.get("chapter", [])
    if not (isinstance(listed, list) and all(isinstance(given, dict) for given in listed)):
        raise ValueError(f"{FILE.as_posix()}: every chapter must begin with [[chapter]]")
    entries = {}
    for place, given in enumerate(listed, start=1):
        entry = entry_of(given, f"{FILE.as_posix()}, entry {place} (number {given.get('number')})")
        for other in entries.values():
            for key in ("number", "name", "concepts"):
                if (value := getattr(entry, key)) == getattr(other, key) and value != "":
                    raise ValueError(f"{FILE.as_posix()}: {key} {value} stands twice")
        entries[entry.number] = entry
    require_needs(entries)
    return dict(sorted(entries.items()))


def entry_of(given, where):
    """An Entry of what stands below one [[chapter]]; ValueError names the key that is missing, unknown or wrong."""
    known = {field.name: field for field in fields(Entry)}
    if unknown := set(given) - set(known):
        raise ValueError(
            f"{where}: unknown key {', '.join(sorted(unknown))}; expected some of {', '.join(known)}"
        )
    if missing := [name for name, field in known.items() if field.default is MISSING and name not in given]:
        raise ValueError(f"{where}: {', '.join(missing)} is missing")
    for key, value in given.items():
        kind = list if known[key].type is tuple else known[key].type
        if type(value) is not kind or (kind is list and not all(type(number) is int for number in value)):
            expected = (
                "a list of whole numbers" if kind is list else "a text" if kind is str else "a whole number"
            )
            raise ValueError(f"{where}: {key} is {value!r}; expected {expected}")
    if not 0 <= given["number"] <= 99:
        raise ValueError(f"{where}: the number must be between 0 and 99")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", given["name"]):
        raise ValueError(
            f"{where}: name is {given['name']!r}; expected that of a Python package, as lstm_gru"
        )
    return Entry(**{key: tuple(value) if isinstance(value, list) else value for key, value in given.items()})


def require_needs(entries):
    """ValueError where a chapter needs one that is not there, or in the end itself."""
    for entry in entries.values():
        if unknown := set(entry.needs) - set(entries):
            raise ValueError(f"{FILE.as_posix()}: chapter {entry.number} needs {sorted(unknown)}, not there")
    for number in entries:
        path, near = set(), set(entries[number].needs)
        while near:
            path |= near
            near = {need for n in near for need in entries[n].needs} - path
        if number in path:
            raise ValueError(
                f"{FILE.as_posix()}: chapter {number} needs itself, by way of the chapters it needs"
            )
