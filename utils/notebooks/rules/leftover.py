"""The rule about what `new` wrote and nobody has replaced yet: sentences, code cells, definitions, a concept."""

import ast
import re

from utils.notebooks import skeleton
from utils.notebooks.files import Remark
from utils.notebooks.index import CHINESE

LEFT = "still the skeleton's"  # `new` lists these remarks as what is to be written
ENDS = re.compile(r"\n+|(?<=[.?!])\s+|(?<=[。？！])")
SHORT = 4  # a sentence of fewer words, or Chinese characters, may be anybody's


def nothing_of_the_skeleton(course):
    """A chapter holds nothing of the example that its author was to replace."""
    for number, entry in course.written.items():
        sheet = skeleton.sheet_of(entry)
        if number in course.by_number:
            yield from in_notebook(course.by_number[number], sheet)
        for path, text in skeleton.FILES.items():
            name = skeleton.fill(path, sheet)
            old, here = (definitions(text) for text in (skeleton.fill(text, sheet), read(course.root / name)))
            if same := [key for key in old if here.get(key) == old[key]]:
                how = "replace it; delete file and uses where the course has the operation already"
                yield Remark(name, f"{', '.join(same)}: {LEFT}; {how}")
        concept = course.concepts.get(f"{entry.concepts}-01")
        if concept and concept.english == f"square of {entry.title}":
            yield Remark(
                "chapters/concepts.csv", f"{concept.id}, {concept.english}, is {LEFT}; write your concepts"
            )


def in_notebook(chapter, sheet):
    filled = [skeleton.fill(text, sheet | {"links": ""}) for text, *_ in skeleton.CELLS]
    stays = {skeleton.fill(text, sheet) for text in skeleton.FURNITURE}
    example = {
        sentence for text in filled if not text.startswith(">>>") for sentence in sentences(text)
    } - stays
    code = {text.removeprefix(">>>").strip() for text in filled if text.startswith(">>>")} - stays - {""}
    for number, cell in chapter.cells():
        if cell.cell_type == "code" and cell.source.strip() in code:
            yield chapter.remark(f"its code is {LEFT}; replace it", number)
        elif found := [s for s in sentences(cell.source) if s in example and cell.cell_type == "markdown"]:
            yield chapter.remark(
                f'"{found[0][:60]}" is {LEFT}; replace it ({len(found)} such in the cell)', number
            )


def sentences(text):
    """The sentences of a Markdown text that are long enough to be known again, without quote and list marks."""
    found = (piece.strip().lstrip(">-* ").removeprefix("要点** ") for piece in ENDS.split(text))
    return [piece for piece in found if max(len(piece.split()), len(CHINESE.findall(piece))) >= SHORT]


def definitions(text):
    """{name: the tree as text} of what a module defines at its top level; empty where it does not parse."""
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    named = {
        node.targets[0].id: node
        for node in body
        if isinstance(node, ast.Assign) and hasattr(node.targets[0], "id")
    }
    named |= {node.name: node for node in body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    return {name: ast.dump(node) for name, node in named.items() if name != "__all__"}


def read(path):
    try:
        return path.read_bytes()
    except OSError:
        return ""
