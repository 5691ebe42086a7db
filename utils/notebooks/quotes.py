"""Quoted numbers: where a number of the prose comes from, kept in the metadata of its cell, and filled in by `quote`.

A number needs a source when it has two decimals or more, or stands before a per cent sign; formulas, code and the
numbers of equations do not count. The metadata `quotes` of a markdown cell maps it, as it is written, to one of

cell:worked-loss          the output or the code of that cell of the notebook holds it
test:tests/a.py::name     the source of that function holds it: a claim that a test proves
results:some runs::name   an accuracy that these runs of the chapter's results.json reached, or their median
table:a.md::heading::row  a number in the rows that begin so, below that heading of a page
given                     it is an input: from a definition, from a paper, worked out by hand in the text

Cells and tests hold it digit by digit, 84 % also as 0.84. Results and tables hold more digits: they are rounded, and
0.844 is 84 %.
"""

import ast
import re
from functools import lru_cache
from pathlib import Path
from statistics import median

from utils.notebooks.files import Remark, read_chapters, write_chapter
from utils.notebooks.rules.prose import references

N = r"\d+(?:\.\d+)?"
QUANTITY = re.compile(
    rf"(?<![\w.:/-])(?:{N}(?: to | and |–|, ))*{N}\s?%|(?<![\w.:/-])\d+\.\d\d+(?![\w]|\.\d)"
)
# an arXiv number or a section is no quantity
NO_QUANTITY = re.compile(r"\b\d{4}\.\d{4,5}\b|\b[Ss]ections? \d+\.\d+")
GIVEN = "given"
CHAPTER = re.compile(r"^\d\d_")  # the number before the name


def quantities(document, equations):
    """The numbers of a text that need a source, in order, each once.  equations: all tags of the course."""
    text = NO_QUANTITY.sub(" ", document.text)
    tagged = {f"({tag})" for tags in equations.values() for tag in tags} | {
        f"({reference})" for reference in references(text)
    }
    for tag in tagged:
        text = text.replace(tag, " ").replace(f"eq. {tag[1:-1]}", " ")
    return list(dict.fromkeys(match[0] for match in QUANTITY.finditer(text)))


def holds(text, quantity):
    """True where every number of the quantity stands in the text, digit by digit."""
    return all(re.search(rf"(?<![\d.]){re.escape(n)}(?!\d|\.\d)", text) for n in re.findall(N, quantity))


def percents(text):
    """The numbers that stand before a per cent sign, alone or in a row: those of "89 to 95 %" and of "89%"."""
    found = [match[0] for match in QUANTITY.finditer(text) if match[0].endswith("%")]
    return {number for quantity in found for number in re.findall(N, quantity)}


def rounds_to(numbers, quantity):
    """True where every number of the quantity is one of these, rounded; per cents are hundredths of them."""
    scale = 100 if quantity.endswith("%") else 1
    rounded = lambda number, decimals: f"{number * scale:.{decimals}f}"
    return all(
        n in {rounded(number, len(n.partition(".")[2])) for number in numbers}
        for n in re.findall(N, quantity)
    )


def as_shares(quantity):
    """98.4 % as code says it, 0.984; anything else as it is."""
    if not quantity.endswith("%"):
        return quantity
    share = lambda n: f"{float(n[0]) / 100:.{len(n[0].partition('.')[2]) + 2}f}"
    return re.sub(N, share, quantity)


def told_by(cell):
    """What a code cell says: its source, what it printed, and the plain text of what it showed."""
    parts = [cell.source]
    for output in cell.get("outputs", []):
        parts.append(output.get("text", ""))
        parts.append(output.get("data", {}).get("text/plain", ""))
    return "\n".join(parts)


def source_of(chapter, root, where):
    """The text that a mark names, or None where there is no such thing."""
    kind, _, name = where.partition(":")
    if kind == "cell":
        found = [cell for _, cell in chapter.cells("code") if cell.id == name]
        return told_by(found[0]) if found else None
    if kind == "test":
        path, _, function = name.partition("::")
        return function_source(Path(root) / path, function)
    return None


def numbers_of(chapter, root, where):
    """The numbers that a mark names in results or in a table, or None where there is no such thing."""
    kind, _, name = where.partition(":")
    if kind == "results":
        return reached_in(Path(root), CHAPTER.sub("", chapter.path.stem), *name.partition("::")[::2])
    if kind == "table":
        path, heading, row = (*name.split("::"), "", "")[:3]
        return numbers_of_rows(Path(root) / path, heading, row)
    return None


def reached_in(root, chapter, experiment, name):
    from utils.results import reached  # only here: check should not wait for the kernel's machinery

    try:
        scores = reached(chapter, experiment, root / "utils" / "chapters")[name]
    except (ValueError, KeyError, TypeError):
        return None
    return [*scores, median(scores)]


def numbers_of_rows(path, heading, row):
    """The numbers of a page's table rows that begin so, below a heading; None where there are none."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    below, found = False, []
    for line in lines:
        if line.startswith("#"):
            below = line.lstrip("# ") == heading
        elif below and row and line.startswith(f"| {row}"):
            found += [float(n) for cell in line.split("|")[2:] for n in re.findall(rf"(?<!\d){N}", cell)]
    return found or None


def supported(chapter, root, quantity, where):
    """Whether a source holds a quantity; None where there is no such source."""
    if where.partition(":")[0] in ("results", "table"):
        numbers = numbers_of(chapter, root, where)
        return None if numbers is None else rounds_to(numbers, quantity)
    text = source_of(chapter, root, where)
    return None if text is None else any(holds(text, form) for form in (quantity, as_shares(quantity)))


@lru_cache(maxsize=256)
def function_source(path, name):
    """The source of a top-level definition of a file, or None."""
    try:
        text = path.read_text(encoding="utf-8")
        statements = ast.parse(text).body
    except (OSError, SyntaxError, ValueError):
        return None
    for statement in statements:
        targets = getattr(statement, "targets", [])
        if getattr(statement, "name", None) == name or any(getattr(t, "id", None) == name for t in targets):
            return ast.get_source_segment(text, statement)
    return None


def marks(cell):
    """{quantity: source} of a cell; empty where the metadata is malformed, which `check` says."""
    found = cell.metadata.get("quotes", {})
    return dict(found) if isinstance(found, dict) else {}


def printing_cell(chapter, number, quantity):
    """The id of the code cell nearest to a text, before it where two are as near, that holds a quantity; or None.

    A per cent must be one there, too: a 4 somewhere in a cell is no source of 4 %.
    """
    wanted = percents(quantity)
    holding = [
        n
        for n, cell in chapter.cells("code")
        if holds(told_by(cell), quantity) and wanted <= percents(told_by(cell))
    ]
    nearest = min(holding, key=lambda n: (abs(n - number), n > number), default=None)
    return None if nearest is None else chapter.notebook.cells[nearest - 1].id


def quote(root, paths=None):
    """Fill in the sources that can be found, forget marks of numbers that are gone, and name what is left."""
    from utils.notebooks.course import Course

    chapters, remarks = read_chapters(root, paths)
    course = Course(Path(root), [chapter.path for chapter in chapters], chapters)
    for chapter in chapters:
        changed = False
        for number, document in chapter.documents.items():
            cell = chapter.notebook.cells[number - 1]
            there = quantities(document, course.equations)
            old = marks(cell)
            kept = {quantity: old[quantity] for quantity in there if is_sound(chapter, root, quantity, old)}
            for quantity in (q for q in there if q not in kept):
                found = printing_cell(chapter, number, quantity)
                if found:
                    kept[quantity] = f"cell:{found}"
                else:
                    remarks.append(chapter.remark(f"no cell holds {quantity}", number, refused=False))
            if kept != old:
                cell.metadata.pop("quotes", None)
                if kept:
                    cell.metadata["quotes"] = kept
                changed = True
        if changed:
            write_chapter(chapter)
            remarks.append(Remark(chapter.name, "the sources of its numbers are written", refused=False))
    return remarks


def is_sound(chapter, root, quantity, old):
    """True where the mark of a quantity, if it has one, names what holds it."""
    where = old.get(quantity)
    if where in (None, GIVEN):
        return where == GIVEN
    return bool(supported(chapter, root, quantity, where))
