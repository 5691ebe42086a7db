"""edit: a notebook as one readable text, by jupytext, and back: prose and code to read and write without outputs.

The notebook stays the truth; the text beside it is for one sitting, and git does not see it. It keeps every cell's
id and tags, and in its head the digest of the notebook that it came from.
"""

import copy
import hashlib
import importlib
from pathlib import Path

import nbformat

from utils.notebooks.files import (
    BrokenFile,
    entry_named,
    read_chapter,
    read_text,
    told_name,
    write_bytes,
    write_chapter,
)

FORMAT = {"extension": ".md", "cell_metadata_filter": "all", "notebook_metadata_filter": "all"}


def edit(root, chapter, back=False):
    """Writes chapters/04_normalization.edit.md, or with back takes its edits into the notebook. Yields remarks.

    Either direction refuses to write over what was changed meanwhile. Outputs of unchanged code are kept.
    """
    root = Path(root)
    try:
        entry = entry_named(root, chapter)
        notebook = read_chapter(root, root / "chapters" / entry.file_name)
        text = notebook.path.with_suffix(".edit.md")
        yield from take_back(root, notebook, text) if back else write_out(root, notebook, text)
    except BrokenFile as broken:
        yield broken.remark


def write_out(root, chapter, text):
    name = told_name(root, text)
    if text.exists() and edited(root, chapter, text):
        raise BrokenFile(
            name, "holds edits that the notebook does not have; take them by --back, or delete it"
        )
    write_bytes(text, as_text(chapter), name)
    yield chapter.remark(f"is in {name} to be edited; --back takes it into the notebook", refused=False)


def take_back(root, chapter, text):
    name = told_name(root, text)
    if not text.is_file():
        raise BrokenFile(name, f"does not exist; `edit {chapter.number:02d}` writes it")
    edits = from_text(text, name)
    if edits.metadata.get("edit", {}).get("notebook") != digest(chapter):
        raise BrokenFile(
            name, f"is of an older {chapter.name}, which was changed meanwhile; settle it by hand"
        )
    cells, changes = merged(chapter, edits.cells)
    if not changes:
        yield chapter.remark("has no edit to take", refused=False)
        return
    chapter.notebook.cells = cells
    write_chapter(chapter)
    for number, change in changes:
        yield chapter.remark(change, number, refused=False)
    write_bytes(text, as_text(read_chapter(root, chapter.path)), name)  # the next edit begins here


def edited(root, chapter, text):
    """Whether a text holds what its notebook does not."""
    return bool(merged(chapter, from_text(text, told_name(root, text)).cells)[1])


def digest(chapter):
    return hashlib.sha256(chapter.path.read_bytes()).hexdigest()[:16]


def as_text(chapter):
    """The bytes of the readable file: Markdown, with the code in fences, and the tags of each cell."""
    bare = copy.deepcopy(chapter.notebook)
    bare.metadata = nbformat.from_dict(
        {"kernelspec": bare.metadata.get("kernelspec", {}), "edit": {"notebook": digest(chapter)}}
    )
    for cell in bare.cells:
        kept = {"id": cell.id, "tags": cell.metadata.get("tags", [])}
        cell.metadata = nbformat.from_dict({key: value for key, value in kept.items() if value})
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return jupytext().writes(bare, fmt=FORMAT).encode()


def from_text(text, name):
    """The notebook that a readable file describes: sources, ids and tags."""
    content = read_text(name, text)
    try:
        return jupytext().reads(content, fmt=FORMAT)
    except Exception as error:  # of YAML, of JSON in a cell's head, of the format
        raise BrokenFile(
            name, f"cannot be read ({type(error).__name__}: {str(error).splitlines()[0]})"
        ) from None


def jupytext():
    """The library, which only authors have installed. Raises BrokenFile."""
    try:
        return importlib.import_module("jupytext")
    except ImportError:
        how = "python -m pip install -r tests/requirements.txt"
        raise BrokenFile("jupytext", f"is not installed; install it: {how}") from None


def merged(chapter, edits):
    """(the cells after the edit, sentences about them with their new numbers)."""
    old = {cell.id: cell for cell in chapter.notebook.cells}
    cells, changes = [], []
    for number, edit in enumerate(edits, start=1):
        cell = old.pop(edit.metadata.get("id"), None)
        if cell is None or cell.cell_type != edit.cell_type:
            cell = copy.deepcopy(edit)
            cell.metadata = nbformat.from_dict({"slideshow": {"slide_type": "-"}})
            cell.id = nbformat.v4.new_code_cell().id
            changes.append((number, "is new"))
        else:
            cell = copy.deepcopy(cell)
            changes += [(number, change) for change in take(cell, edit)]
        tags = edit.metadata.get("tags", [])
        if tags != cell.metadata.get("tags", []):
            cell.metadata["tags"] = tags
        cells.append(cell)
    changes += [(None, f"the cell {gone} is gone") for gone in old]
    order = [cell.id for cell in chapter.notebook.cells if cell.id not in old]
    if [cell.id for cell in cells if cell.id in order] != order:
        changes.append((None, "its cells have another order"))
    return cells, changes


def take(cell, edit):
    """Puts an edit's source into a cell; yields what changed. New code loses what the old one printed."""
    if edit.source.strip("\n") != cell.source.strip("\n"):
        cell.source = edit.source
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        yield "was edited"
    if edit.metadata.get("tags", []) != cell.metadata.get("tags", []):
        yield "has other tags"
