"""Shown code: the tag that names a definition in utils/, and finding, reading and replacing that definition."""

import ast
import hashlib
from dataclasses import dataclass
from pathlib import Path

from utils.notebooks.files import Chapter, tags

PREFIX = "show:"


class ShownError(Exception):
    """A tag, a module or a cell that cannot be used; the message is a sentence for the reader."""


@dataclass(frozen=True)
class Source:
    """What a tag `show:nn/normalization.py::layer_norm` names."""

    module: str  # relative to utils/
    name: str

    @classmethod
    def parse(cls, tag):
        module, _, name = tag.removeprefix(PREFIX).partition("::")
        inside = not module.startswith("/") and ".." not in module.split("/") and "\\" not in module
        if not (name.isidentifier() and module.endswith(".py") and inside):
            raise ShownError(f"the tag {tag} must look like show:nn/normalization.py::layer_norm")
        return cls(module, name)

    @property
    def told(self):
        return f"utils/{self.module}"

    def path(self, root):
        return Path(root) / "utils" / self.module

    def read_module(self, root):
        """The bytes of the module. Raises ShownError when there is none."""
        try:
            return self.path(root).read_bytes()
        except OSError:
            raise ShownError(f"the module {self.told} does not exist") from None

    def read(self, root):
        """The text of the definition, with its decorators and the comment above it."""
        code = self.read_module(root)
        span = find_definition(code, self.name, self.told)
        try:
            return normalise(b"".join(code.splitlines(keepends=True)[span]).decode())
        except UnicodeDecodeError:
            raise ShownError(f"{self.told} is not UTF-8 text") from None

    def replace(self, root, text):
        """The bytes of the module with this definition replaced, everything else untouched."""
        code = self.read_module(root)
        span = find_definition(code, self.name, self.told)
        lines = code.splitlines(keepends=True)
        last = lines[span.stop - 1]
        last_ending = last[len(last.rstrip(b"\r\n")) :]  # empty at the end of a file without final newline
        ending = b"\r\n" if lines[0].endswith(b"\r\n") else b"\n"
        lines[span] = [ending.join(line.encode() for line in text.split("\n")) + last_ending]
        return b"".join(lines)


@dataclass
class ShownCell:
    """A code cell with a show: tag."""

    chapter: Chapter
    number: int
    cell: dict
    source: Source
    tag: str

    @property
    def text(self):
        return normalise(self.cell.source)

    @property
    def stored_hash(self):
        """The hash of the source at the last sync; None for a cell that was not synced with this source."""
        shown = self.cell.metadata.get("shown")
        known = isinstance(shown, dict) and shown.get("source") == self.tag
        return shown.get("hash") if known else None

    @property
    def edited(self):
        return digest(self.text) != self.stored_hash

    def fill(self, text):
        """Shows a new text; what the old one printed goes, so that check asks for a run."""
        self.cell.source = text
        self.cell.outputs = []
        self.cell.execution_count = None
        self.remember()

    def remember(self):
        """Stores the hash of the text that the cell and the module have in common now."""
        self.cell.metadata["shown"] = {"source": self.tag, "hash": digest(self.text)}

    def remark(self, text, *, refused=True):
        return self.chapter.remark(text, self.number, refused=refused)


def shown_cells(chapter):
    """(the shown cells of a chapter, remarks about tags that cannot be used)."""
    found, remarks = [], []
    for number, cell in chapter.cells():
        shown = [tag for tag in tags(cell) if tag.startswith(PREFIX)]
        if not shown:
            continue
        try:
            if cell.cell_type != "code":
                raise ShownError("only a code cell can show code")
            if len(shown) > 1:
                raise ShownError("a cell shows one definition, not " + " and ".join(shown))
            found.append(ShownCell(chapter, number, cell, Source.parse(shown[0]), shown[0]))
        except ShownError as error:
            remarks.append(chapter.remark(str(error), number))
    return found, remarks


def normalise(text):
    """Line ends and the blank lines around a definition do not count as differences."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def find_definition(code, name, told):
    """The lines (a slice) of a top-level definition with its decorators and the comment directly above.

    code: bytes of a module. told: what the sentences call it. Raises ShownError when the code does not parse,
    or when the name is not defined exactly once, on lines of its own.
    """
    try:
        statements = ast.parse(code).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f" (line {error.lineno})" if getattr(error, "lineno", None) else ""
        raise ShownError(f"{told} is not valid Python{line}") from None
    found = [statement for statement in statements if name in defined_names(statement)]
    if len(found) != 1:
        times = "does not define" if not found else f"defines {len(found)} times"
        raise ShownError(f"{told} {times} {name} at its top level")
    first, last = _first_line(found[0]), found[0].end_lineno
    for other in statements:
        if other is not found[0] and _first_line(other) <= last and other.end_lineno >= first:
            raise ShownError(f"in {told}, {name} shares a line with another statement")
    lines = code.splitlines()
    while first > 1 and lines[first - 2].startswith(b"#"):
        first -= 1
    return slice(first - 1, last)


def defined_names(statement):
    """The names that one top-level statement defines: a function, a class, an assignment."""
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {statement.name}
    if isinstance(statement, ast.Assign):
        targets = [node for target in statement.targets for node in ast.walk(target)]
    elif isinstance(statement, ast.AnnAssign):
        targets = [statement.target]
    else:
        return set()
    return {node.id for node in targets if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def _first_line(statement):
    decorators = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(decorator.lineno for decorator in decorators)])


def require_only(text, name):
    """Raises ShownError unless the text is one definition of the name and nothing else."""
    code = text.encode()
    span = find_definition(code, name, "the cell")
    if (span.start, span.stop) != (0, len(code.splitlines())):
        raise ShownError(
            f"the cell must hold {name} with its decorators and the comment above it, nothing else"
        )
