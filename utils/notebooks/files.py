"""Notebook files: finding, reading and writing them, and the sentences that the commands say about them."""

import json
import os
import re
import stat
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import nbformat
from nbformat.validator import iter_validate

from utils.notebooks.markdown import Document
from utils.register import FILE, register

ROOT = Path(__file__).resolve().parents[2]
RAISES = "raises-exception"  # the tag of a cell that has to raise one
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
CONFLICT = re.compile(r"^(?:<{7}|>{7}|\|{7})(?: .*)?$|^={7}$", re.MULTILINE)  # what git leaves of a merge
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
        return f"{where}: {self.text}".encode(errors="backslashreplace").decode()  # no half characters


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


def all_texts(value):
    """Yields every text inside lists and dicts, the keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from all_texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from all_texts(inner)


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


def entry_named(root, which):
    """The register's entry of "05", "5", "optimization" or "05_optimization". Raises BrokenFile if there is none."""
    try:
        entries = register(root)
    except ValueError as error:
        raise BrokenFile(FILE.as_posix(), str(error).removeprefix(FILE.as_posix()).lstrip(":, ")) from None
    wanted = Path(which).stem
    for entry in entries.values():
        if wanted in (entry.two_digits, str(entry.number), entry.name, Path(entry.file_name).stem):
            return entry
    raise BrokenFile(FILE.as_posix(), f"has no chapter {which}")


def find_notebooks(root, paths=None):
    """The notebooks that a command works on, sorted; without paths all of chapters/.

    paths: notebooks, folders of notebooks, or chapters as entry_named takes them. Raises BrokenFile where there is none.
    """
    if not paths:
        return sorted((Path(root) / "chapters").glob("*.ipynb"))
    found = []
    for path in map(Path, paths):
        if not path.exists() and path.name == str(path):
            path = Path(root) / "chapters" / entry_named(root, path).file_name
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
    text = read_text(name, path)
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: also a number of thousands of digits
        if found := CONFLICT.search(text):
            line = text.count("\n", 0, found.start()) + 1
            raise BrokenFile(
                name, f"holds a conflict marker, {found[0]}, in line {line}; settle the merge"
            ) from None
        raise BrokenFile(name, f"is not valid JSON ({_first_line(error)})") from None

    version = (raw.get("nbformat"), raw.get("nbformat_minor")) if isinstance(raw, dict) else (None, None)
    if version != (4, 5):
        told = ".".join(map(str, version)) if None not in version else "none"
        raise BrokenFile(name, f"must be in notebook format 4.5; the format it names: {told[:20]}")
    try:
        error = next(iter_validate(raw, version=4, version_minor=5), None)
        if error is not None:
            raise BrokenFile(name, f"is not a valid notebook: {_schema_complaint(error)}")
        if place := _lone_surrogate(raw):
            raise BrokenFile(name, f"holds half a character (a lone surrogate) in {place}; write it anew")
        chapter = Chapter(path, name, nbformat.v4.reads(text))
        assert chapter.documents is not None  # parses the Markdown, so that a rule never meets what cannot be
    except RecursionError:
        raise BrokenFile(name, "is nested too deeply to be read") from None
    except (
        TypeError,
        AttributeError,
        KeyError,
    ) as error:  # nbformat's own checks stumble before they complain
        raise BrokenFile(name, f"is not a valid notebook ({_first_line(error)})") from None
    return chapter


def read_text(name, path):
    """The text of a file. Raises BrokenFile when it cannot be read or is not UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise BrokenFile(name, f"cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise BrokenFile(name, "is not UTF-8 text") from None


def _lone_surrogate(raw):
    """Where the notebook holds a text that cannot be written as UTF-8: "cell 3"; None when it can be written."""
    parts = [(f"cell {number}", cell) for number, cell in enumerate(raw["cells"], start=1)]
    for place, part in [*parts, ("its metadata", raw)]:
        try:
            json.dumps(part, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            return place
    return None


def _first_line(error):
    return (str(error).splitlines() or ["no reason given"])[0]


def _schema_complaint(error):
    """The first line of a schema error, with the place: 'cells[3]: 'id' is a required property'."""
    place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)
    message = _first_line(error.message)[:200]
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
    """Writes the notebook in the form in which Jupyter saves it, so that a diff shows only what changed.

    Raises BrokenFile when it cannot be written.
    """
    text = nbformat.v4.writes(chapter.notebook)  # indent 1, sorted keys, one line of source per line
    write_bytes(chapter.path, (text.rstrip("\n") + "\n").encode(), chapter.name)


def write_bytes(path, content, name):
    """Replaces a file in one step (an interrupted write leaves the old one whole), or leaves an equal one alone.

    name: what the sentences call it. Raises BrokenFile when it is read-only, or cannot be written.
    """
    try:
        if path.is_file() and path.read_bytes() == content:
            return
        require_writable(path, name)
        draft = path.with_name(path.name + ".new")
        try:
            draft.write_bytes(content)
            os.replace(draft, path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise BrokenFile(name, f"cannot be written ({error.strerror})") from None


def require_writable(path, name):
    """Raises BrokenFile when the file is marked as read-only: replacing it in one step would not ask."""
    if path.is_file() and not (path.stat().st_mode & stat.S_IWUSR and os.access(path, os.W_OK)):
        raise BrokenFile(name, "is read-only and was left as it is; make it writable first")


def no_course(root, paths=None):
    """Why a root is no course to work on, half a sentence; None when there is something to do."""
    chapters = Path(root) / "chapters"
    if not chapters.is_dir():
        return "holds no folder chapters/; --root must name the folder of the course"
    if not paths and not any(chapters.glob("*.ipynb")):
        return "holds no notebook in chapters/"
    return None
