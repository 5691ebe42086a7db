"""recolour: gives the formulas of a notebook the shades that can be read as letters, in place of those of marks."""

from utils.notebooks.files import BrokenFile, read_chapters, write_chapter
from utils.notebooks.markdown import CODE_OR_MATH
from utils.notebooks.rules.prose import LETTERS, NAMED_COLOUR


def recolour(root, paths=None):
    """Rewrites the notebooks, all without `paths`; yields a remark about each that changed: how often, in which cells."""
    chapters, remarks = read_chapters(root, paths)
    yield from remarks
    for chapter in chapters:
        changed = {}
        for number, cell in chapter.cells("markdown"):
            text, count = recoloured(cell.source)
            if count:
                cell.source, changed[number] = text, count
        if not changed:
            continue
        try:
            write_chapter(chapter)
        except BrokenFile as broken:
            yield broken.remark
            continue
        cells = ", ".join(map(str, changed))
        yield chapter.remark(f"{sum(changed.values())} colours changed in cells {cells}", refused=False)


def recoloured(source):
    """(the Markdown with the shades of letters in its formulas, how many were changed); code stays as it is."""
    count = 0

    def shade(match):
        nonlocal count
        new = LETTERS.get(match[1].upper())
        count += new is not None
        return match[0].replace(match[1], new) if new else match[0]

    def formula(match):
        return match[0] if match["math"] is None else NAMED_COLOUR.sub(shade, match[0])

    return CODE_OR_MATH.sub(formula, source), count
