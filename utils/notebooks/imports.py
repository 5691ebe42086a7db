"""What a notebook was run with: the modules of utils that its cells import, and theirs, as one digest."""

import ast
import hashlib
import io
import re
import tokenize
from functools import lru_cache
from pathlib import Path

MAGIC = re.compile(r"^(\s*)[%!].*$", re.MULTILINE)
KEY = "utils_digest"  # in the notebook's metadata, written by run


def digest_of_imports(chapter, root, entry=None):
    """The digest of every module that the chapter's outputs may depend on, hexadecimal.

    entry: the chapter's own in the register: its exercises are found through that, and not by an import.
    """
    return digest_of(imported_files(chapter, root, entry), root)


def digest_of(files, root):
    """Of the names and the code of files below the root; line ends, comments and docstrings do not count."""
    sha = hashlib.sha256()
    for path in sorted(files):
        sha.update(path.relative_to(root).as_posix().encode() + b"\0")
        text = path.read_bytes().replace(b"\r\n", b"\n")
        sha.update(code_of(text) + b"\0")
    return sha.hexdigest()[:16]


@lru_cache(maxsize=1000)
def code_of(text):
    """A module without its docstrings, comments and blank lines; one that does not parse as it is.  Both bytes."""
    try:
        tree, tokens = ast.parse(text), [*tokenize.tokenize(io.BytesIO(text).readline)]
    except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError):
        return text
    lines = text.splitlines()
    for token in tokens:
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1].decode()[:column].encode()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node, False):
            told = node.body[0]
            lines[told.lineno - 1 : told.end_lineno] = [None] * (told.end_lineno - told.lineno + 1)
    inside = {
        row for token in tokens for row in range(token.start[0], token.end[0])
    }  # of texts of several lines
    kept = [line if row in inside else line and line.rstrip() for row, line in enumerate(lines, start=1)]
    return b"\n".join(
        line for row, line in enumerate(kept, start=1) if line or (row in inside and line is not None)
    )


def imported_files(chapter, root, entry=None):
    """The files of utils that the code cells import, and those that these import, and so on."""
    wanted = set()
    for _, cell in chapter.cells("code"):
        wanted |= imported_names(MAGIC.sub(r"\1pass", cell.source))
    if entry is not None and any(name.startswith("utils.exercises") for name in wanted):
        wanted.add(f"{entry.module}.exercises")
    return files_behind(wanted, root)


def files_behind(names, root):
    """The files that importing some dotted names runs, and what these import, and so on."""
    root, wanted, found = Path(root), set(names), set()
    while wanted:
        files = {path for name in wanted for path in files_of(name, root)} - found
        found |= files
        wanted = {name for path in files for name in names_in(path, root, path.stat().st_mtime_ns)}
    return found


def imported_names(source, package=""):
    """What a source imports of utils, as dotted names; `from utils.nn import linear` may name a module or not.

    package: the one that the source stands in, for imports that begin with dots. Functions are looked into too: an import that waits for its moment counts. Code that does not parse has none.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            names |= {f"{base}.{alias.name}" for alias in node.names}
    return {name for name in names if name.split(".")[0] == "utils"}


@lru_cache(maxsize=1000)
def names_in(path, root, changed):
    """What a file imports; changed: when it was, so that an edited file is read again."""
    package = ".".join(path.relative_to(root).parts[:-1])
    try:
        return frozenset(imported_names(path.read_text(encoding="utf-8"), package))
    except (OSError, UnicodeDecodeError):
        return frozenset()


def files_of(name, root):
    """The files that importing a dotted name runs: the packages on the way, and the module where it is one."""
    folder, found = Path(root), []
    for part in name.split("."):
        folder = folder / part
        found += [path for path in (folder / "__init__.py", folder.with_name(f"{part}.py")) if path.is_file()]
    return found
