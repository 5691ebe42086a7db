"""Notebook files: finding, reading and writing them, and the sentences that the commands say about them."""

import json
import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import nbformat
from nbformat.validator import iter_validate

from utils.notebooks.markdown import Document

ROOT = Path(__file__).resolve().parents[2]
RAISES = "raises-exception"  # the tag of a cell that has to raise one
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
NUMBERED = re.compile(r"(\d\d)_\w+\.ipynb")


@dataclass(frozen=True)
class Remark:
    """One sentence about a file, or about one of its cells (counted from 1, all kinds of cells alike)."""

    name: str
    text: str
    cell: int | None = None
    refused: bool = True

    def __str__(self):
        where = self.name if self.cell is None else f"{self.name}, cell {self.cell}"
        return f"{where}: {self.text}"


class BrokenFile(Exception):
    """A file that cannot be used; carries the remark that says why."""

    def __init__(self, name, text):
        self.remark = Remark(name, text)
        super().__init__(str(self.remark))


@dataclass
class Chapter:
    """A notebook that is valid nbformat 4.5, and where it came from."""

    path: Path
    name: str  # the path as the remarks tell it: relative to the root of the course
    notebook: nbformat.NotebookNode

    @property
    def number(self):
        """4 for 04_normalization.ipynb, None for a file that is no numbered chapter."""
        return chapter_number(self.path)

    def cells(self, *kinds):
        """Yields (number, cell), numbers from 1; only cells of the given kinds, or all."""
        for number, cell in enumerate(self.notebook.cells, start=1):
            if not kinds or cell.cell_type in kinds:
                yield number, cell

    @cached_property
    def documents(self):
        """The markdown cells, parsed: cell number -> Document, in order."""
        return {number: Document.parse(cell.source) for number, cell in self.cells("markdown")}

    def remark(self, text, cell=None, *, refused=True):
        return Remark(self.name, text, cell, refused)


def chapter_number(path):
    match = NUMBERED.fullmatch(path.name)
    return int(match[1]) if match else None


def tags(cell):
    return cell.metadata.get("tags", [])


def concept_ids(cell):
    """The ids of the concepts that a cell treats; none when the metadata is malformed (check says so)."""
    found = cell.metadata.get("concepts", [])
    return found if isinstance(found, list) and all(isinstance(entry, str) for entry in found) else []


def told_name(root, path):
    """The path relative to the root, with forward slashes; a path outside the root as it is."""
    try:
        return Path(path).resolve().relative_to(Path(root).resolve()).as_posix()
    except ValueError:
        return Path(path).as_posix()


def find_notebooks(root, paths=None):
    """The notebooks that a command works on, sorted; without paths all of chapters/.

    paths: notebooks, or folders of notebooks. Raises BrokenFile where there is none.
    """
    if not paths:
        return sorted((Path(root) / "chapters").glob("*.ipynb"))
    found = []
    for path in map(Path, paths):
        if path.is_dir():
            found += sorted(path.glob("*.ipynb"))
        elif path.is_file() and path.suffix == ".ipynb":
            found.append(path)
        else:
            reason = "is not a notebook" if path.exists() else "does not exist"
            raise BrokenFile(told_name(root, path), reason)
    return list(dict.fromkeys(found))


def read_chapter(root, path):
    """Reads one notebook. Raises BrokenFile, never anything else, when it is no valid nbformat 4.5."""
    name = told_name(root, path)
    try:
        text = path.read_text(encoding="utf-8")
        raw = json.loads(text)
    except OSError as error:
        raise BrokenFile(name, f"cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise BrokenFile(name, "is not UTF-8 text") from None
    except (json.JSONDecodeError, RecursionError) as error:
        raise BrokenFile(name, f"is not valid JSON ({error})") from None

    version = (raw.get("nbformat"), raw.get("nbformat_minor")) if isinstance(raw, dict) else (None, None)
    if version != (4, 5):
        told = ".".join(map(str, version)) if None not in version else "none"
        raise BrokenFile(name, f"must be in notebook format 4.5; the format it names: {told}")
    error = next(iter_validate(raw, version=4, version_minor=5), None)
    if error is not None:
        raise BrokenFile(name, f"is not a valid notebook: {_schema_complaint(error)}")
    return Chapter(path, name, nbformat.v4.reads(text))


def _schema_complaint(error):
    """The first line of a schema error, with the place: 'cells[3]: 'id' is a required property'."""
    place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)
    message = str(error.message).splitlines()[0]
    return f"{place.lstrip('.')}: {message}" if place else message


def read_chapters(root, paths=None):
    """Reads what find_notebooks finds: (chapters, remarks about those that cannot be read)."""
    try:
        found = find_notebooks(root, paths)
    except BrokenFile as broken:
        return [], [broken.remark]
    chapters, remarks = [], []
    for path in found:
        try:
            chapters.append(read_chapter(root, path))
        except BrokenFile as broken:
            remarks.append(broken.remark)
    return chapters, remarks


def write_chapter(chapter):
    """Writes the notebook in the form in which Jupyter saves it, so that a diff shows only what changed."""
    text = nbformat.v4.writes(chapter.notebook)  # indent 1, sorted keys, one line of source per line
    write_bytes(chapter.path, (text.rstrip("\n") + "\n").encode())


def write_bytes(path, content):
    """Replaces a file in one step (an interrupted write leaves the old one whole), or leaves an equal one alone."""
    if path.is_file() and path.read_bytes() == content:
        return
    draft = path.with_name(path.name + ".new")
    draft.write_bytes(content)
    os.replace(draft, path)
