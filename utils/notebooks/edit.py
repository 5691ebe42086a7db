"""edit: a notebook as one readable text, by jupytext, and back: prose and code to read and write without outputs.

The notebook stays the truth; the text beside it is for one sitting, and git does not see it. It keeps every cell's
id, tags, concepts, slide type and sources of numbers. A hidden copy of the text as it was written tells, cell by
cell, what was edited there and what in the notebook: outputs do not count, and only a cell edited in both is refused.
"""

import copy
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
KEPT = ("tags", "concepts", "slide", "quotes")  # what the text says of a cell, beside its source
LECTURE = {"core", "skip"}


def edit(root, chapter, back=False):
    """Writes chapters/04_normalization.edit.md, or with back takes its edits into the notebook. Yields remarks.

    Either direction refuses to write over what was edited on the other side. Outputs of unchanged code are kept.
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
    if text.exists() and merged(chapter, *both_texts(root, text), name)[1]:
        raise BrokenFile(
            name, "holds edits that the notebook does not have; take them by --back, or delete it"
        )
    write_both(root, chapter, text)
    yield chapter.remark(f"is in {name} to be edited; --back takes it into the notebook", refused=False)


def take_back(root, chapter, text):
    name = told_name(root, text)
    if not text.is_file():
        raise BrokenFile(name, f"does not exist; `edit {chapter.number:02d}` writes it")
    cells, changes = merged(chapter, *both_texts(root, text), name)
    if not changes:
        yield chapter.remark("has no edit to take", refused=False)
        return
    chapter.notebook.cells = cells
    write_chapter(chapter)
    for number, change in changes:
        yield chapter.remark(change, number, refused=False)
    write_both(root, read_chapter(root, chapter.path), text)  # the next edit begins here


def copy_of(text):
    return text.with_name(f".{text.name}")


def write_both(root, chapter, text):
    for path in (text, copy_of(text)):
        write_bytes(path, as_text(chapter), told_name(root, path))


def both_texts(root, text):
    """The cells of the text as it was written and as it is. Raises BrokenFile."""
    before, name = copy_of(text), told_name(root, text)
    after = from_text(text, name)
    if not before.is_file():
        raise BrokenFile(name, f"has lost its copy {before.name}; move it away, `edit` anew, paste the edits")
    return from_text(before, told_name(root, before)), after


def as_text(chapter):
    """The bytes of the readable file: Markdown, with the code in fences, and in its head what is kept of each cell."""
    bare = copy.deepcopy(chapter.notebook)
    bare.metadata = nbformat.from_dict({"kernelspec": bare.metadata.get("kernelspec", {})})
    for cell in bare.cells:
        cell.metadata = nbformat.from_dict({"id": cell.id} | kept(cell))
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return jupytext().writes(bare, fmt=FORMAT).encode()


def kept(cell):
    """What the text says of a cell of the notebook; a slide type - is not said."""
    slideshow = cell.metadata.get("slideshow")
    slide = slideshow.get("slide_type", "-") if isinstance(slideshow, dict) else "-"  # else check complains
    found = dict(cell.metadata) | {"slide": "" if slide == "-" else slide}
    return {key: found[key] for key in KEPT if found.get(key)}


def from_text(text, name):
    """The cells that a readable file describes, {id: cell}; a cell without an id, or with another's, gets a new one."""
    content = read_text(name, text)
    try:
        cells = jupytext().reads(content, fmt=FORMAT).cells
    except Exception as error:  # of YAML, of JSON in a cell's head, of the format
        raise BrokenFile(
            name, f"cannot be read ({type(error).__name__}: {str(error).splitlines()[0]})"
        ) from None
    found = {}
    for cell in cells:
        key = cell.metadata.pop("id", None)
        found[cell.id if key is None or key in found else key] = cell
    return found


def jupytext():
    """The library, which only authors have installed. Raises BrokenFile."""
    try:
        return importlib.import_module("jupytext")
    except ImportError:
        how = "python -m pip install -r tests/requirements.txt"
        raise BrokenFile("jupytext", f"is not installed; install it: {how}") from None


def said(cell, about):
    """What of a cell can be edited, to be compared."""
    return cell.cell_type, cell.source.strip("\n"), {key: about[key] for key in KEPT if about.get(key)}


def merged(chapter, before, after, name):
    """(the cells after the edit, sentences about them with their new numbers).

    before, after: the cells of the text as it was written and as it is, {id: cell}. Raises BrokenFile where a cell
    was edited in the text and in the notebook, differently.
    """
    now = {cell.id: cell for cell in chapter.notebook.cells}
    was, wanted = ({key: said(cell, cell.metadata) for key, cell in text.items()} for text in (before, after))
    there = {key: said(cell, kept(cell)) for key, cell in now.items()}
    edited = {key for key in was | wanted if was.get(key) != wanted.get(key)}
    clash = [key for key in edited if there.get(key) not in (was.get(key), wanted.get(key))]
    if clash:
        told = ", ".join(sorted(clash))
        raise BrokenFile(name, f"cell {told} was edited here and in {chapter.name}; give both the same text")
    common = was.keys() & wanted.keys() & now.keys()
    moved = [key for key in was if key in common] != [key for key in wanted if key in common]
    cells, changes = [], []
    for key in woven(wanted, now) if moved else woven(now, wanted):
        if key in edited and key in wanted and wanted[key] != there.get(key):
            cells.append(taken(after[key], now.get(key), cells[-1:]))
            changes += [(len(cells), change) for change in differences(there.get(key), wanted[key])]
        elif key in now and not (key in edited and key not in wanted):
            cells.append(now[key])
    changes += [(None, f"the cell {key} is gone") for key in now if key in edited and key not in wanted]
    return cells, changes + [(None, "its cells have another order")] * moved


def woven(first, other):
    """The keys in the order of the first, each that only the other has behind the one that it follows there."""
    keys, behind = list(first), 0
    for key in other:
        if key not in first:
            keys.insert(behind, key)
        behind = keys.index(key) + 1
    return keys


def differences(old, new):
    """What a sentence says of a cell's edit."""
    if old is None or old[0] != new[0]:
        return ["is new"]
    other = [key for key in KEPT if old[2].get(key) != new[2].get(key)]
    return ["was edited"] * (old[1] != new[1]) + [f"has other {', '.join(other)}"] * bool(other)


def taken(edit, cell, above):
    """The notebook's cell as the text wants it. New code has no output; a new cell is core or skip as the one above."""
    about = {key: edit.metadata.get(key) for key in KEPT}
    if cell is None or cell.cell_type != edit.cell_type:
        cell = getattr(nbformat.v4, f"new_{edit.cell_type}_cell")()
        about["tags"] = about["tags"] or [
            tag for other in above for tag in other.metadata.get("tags", []) if tag in LECTURE
        ]
    cell = copy.deepcopy(cell)
    if edit.source.strip("\n") != cell.source.strip("\n"):
        cell.source = edit.source
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    slide = about.pop("slide") or "-"
    cell.metadata["slideshow"] = nbformat.from_dict(
        {**cell.metadata.get("slideshow", {}), "slide_type": slide}
    )
    for key, value in about.items():
        cell.metadata.pop(key, None)
        if value:
            cell.metadata[key] = value
    return cell
