"""sync: copies shown code from the modules into the cells, or with --back from the cells into the modules.

A cell's metadata keeps the hash of the text that both sides had at the last sync. Either direction refuses to
write over a side that was edited since.
"""

from collections import defaultdict

from utils.notebooks.files import BrokenFile, read_chapters, write_bytes, write_chapter
from utils.notebooks.shown import ShownError, digest, require_only, shown_cells


def sync(root, paths=None, *, back=False):
    """Copies module -> cells (back: cells -> module) in the given notebooks; returns remarks."""
    chapters, remarks = read_chapters(root, paths)
    shown = []
    for chapter in chapters:
        cells, complaints = shown_cells(chapter)
        shown += cells
        remarks += complaints
    remarks += _push(root, shown) if back else _pull(root, shown)
    for chapter in chapters:
        try:
            write_chapter(chapter)
        except BrokenFile as broken:
            remarks = [remark for remark in remarks if remark.refused or remark.name != chapter.name]
            remarks.append(broken.remark)
    return remarks


def _pull(root, shown):
    """Module -> cells."""
    for cell in shown:
        try:
            text = cell.source.read(root)
        except ShownError as error:
            yield cell.remark(str(error))
            continue
        if cell.text == text:
            cell.remember()
        elif cell.text.strip() and cell.edited:
            yield cell.remark(_cell_was_edited(cell))
        else:
            cell.fill(text)
            yield cell.remark(f"took {cell.source.name} from {cell.source.told}", refused=False)


def _cell_was_edited(cell):
    name, module = cell.source.name, cell.source.told
    if cell.stored_hash is None:
        return f"holds another {name} than {module} and was never synced; empty the cell to take the module's"
    return (
        f"{name} was edited here since the last sync, so {module} is not copied over it; "
        "`sync --back` takes the edit into the module, an emptied cell takes the module's text"
    )


def _push(root, shown):
    """Cells -> modules. Cells that show the same definition are looked at together."""
    same_source = defaultdict(list)
    for cell in shown:
        same_source[cell.source].append(cell)
    for source, cells in same_source.items():
        try:
            yield from _push_one(root, source, cells)
        except ShownError as error:
            for cell in cells:
                yield cell.remark(str(error))
        except BrokenFile as broken:
            yield broken.remark


def _push_one(root, source, cells):
    text = source.read(root)
    different = [cell for cell in cells if cell.text.strip() and cell.text != text]
    edited = [cell for cell in different if cell.edited]
    if not edited:
        for cell in different:
            yield cell.remark(f"{source.told} is newer and the cell was not edited; run sync", refused=False)
        return
    if refusal := _why_not(source, edited, digest(text)):
        for cell in edited:
            yield cell.remark(refusal)
        return
    write_bytes(source.path(root), source.replace(root, edited[0].text), source.told)
    for cell in edited:
        cell.remember()
        yield cell.remark(f"wrote {source.name} to {source.told}", refused=False)
    for cell in cells:
        if cell not in edited:
            yield cell.remark(f"shows an older {source.name} now; run sync", refused=False)


def _why_not(source, edited, module_hash):
    """The sentence that refuses to write the edited cells' text to the module, or None."""
    if any(cell.stored_hash is None for cell in edited):
        return (
            f"holds another {source.name} than {source.told} and was never synced; "
            "empty the cell, sync, and edit it then"
        )
    if any(cell.stored_hash != module_hash for cell in edited):
        return (
            f"{source.name} was edited both here and in {source.told} since the last sync; "
            "settle it by hand: give both the same text"
        )
    if len({cell.text for cell in edited}) > 1:
        where = ", ".join(f"{cell.chapter.name} cell {cell.number}" for cell in edited)
        return f"{source.name} was edited in several cells in different ways ({where})"
    try:
        require_only(edited[0].text, source.name)
    except ShownError as error:
        return str(error)
    return None
