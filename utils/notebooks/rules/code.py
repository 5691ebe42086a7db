"""Rules about code cells: shown code, names that are defined in time, constructs that the course avoids."""

import ast
import builtins
import importlib.util
import json
import re
import subprocess
import symtable
import sys

from utils.notebooks.files import Remark, tags
from utils.notebooks.shown import PREFIX, ShownError, digest, shown_cells

RUFF = "ruff"
BUILTINS = {*dir(builtins), "__name__", "__file__", "__doc__", "display", "get_ipython", "In", "Out", "_"}
MAGIC = re.compile(r"^(\s*)[%!].*$", re.MULTILINE)
PROOF = re.compile(r"\bcrosscheck(?:_steps)?\(")
FORBIDDEN = {
    "ipywidgets' interact (use an Explorable)": re.compile(r"\binteract(?:ive|_manual|ive_output)?\s*\("),
    "an Output widget (use an Explorable)": re.compile(r"\bOutput\s*\("),
    "%matplotlib": re.compile(r"^\s*%matplotlib\b", re.MULTILINE),
    "ipympl": re.compile(r"^\s*(?:import|from)\s+ipympl\b", re.MULTILINE),
    "plotly": re.compile(r"^\s*(?:import|from)\s+plotly\b", re.MULTILINE),
    "%time or %timeit (its output differs from run to run)": re.compile(
        r"^\s*%%?time(?:it)?\b", re.MULTILINE
    ),
}


def shown_code_equals_its_source(chapter, course):
    cells, remarks = shown_cells(chapter)
    yield from remarks
    for number, cell in chapter.cells("code"):
        if "shown" in cell.metadata and number not in {shown.number for shown in cells} and not remarks:
            told = f"has lost its tag {cell.metadata['shown'].get('source', PREFIX)}; put it back"
            yield chapter.remark(f"{told}, or delete its metadata shown", number)
    for cell in cells:
        try:
            text = cell.source.read(course.root)
        except ShownError as error:
            yield cell.remark(str(error))
            continue
        if cell.text != text:
            yield cell.remark(f"{cell.source.name} differs from {cell.source.told}; run sync, or sync --back")
        elif cell.stored_hash != digest(text):
            yield cell.remark(f"the hash of {cell.source.name} is not stored; run sync")


def shown_names_come_first(chapter, course):
    """What shown code uses is defined or imported in an earlier cell or in the cell itself.

    Two shown definitions that use each other may come in either order.
    """
    shown = {cell.number: cell.source for cell in shown_cells(chapter)[0]}
    bound_and_used = {number: names(cell.source) for number, cell in chapter.cells("code")}
    so_far = set(BUILTINS)
    for number, (bound, used) in bound_and_used.items():
        so_far |= bound
        if number in shown:
            using_it = [bound_and_used[other] for other in shown if bound & bound_and_used[other][1]]
            late = used - so_far.union(*(bound_there for bound_there, _ in using_it))
            for name in sorted(late):
                text = f"{shown[number].name} uses {name}, which no cell up to here defines or imports"
                yield chapter.remark(text + how_to_get(name, shown[number], course.root), number)


def how_to_get(name, source, root):
    """How the module of a shown definition comes by a name, half a sentence; empty where the module does not parse."""
    try:
        body = ast.parse(source.read_module(root)).body
    except (ShownError, SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    for node in body:
        for alias in getattr(node, "names", []) if isinstance(node, (ast.Import, ast.ImportFrom)) else []:
            if name == (alias.asname or alias.name).split(".")[0]:
                node.names = [alias]
                return f"; add `{ast.unparse(node)}` above"
    module = source.told.removesuffix(".py").replace("/", ".")
    return f"; add `from {module} import {name}` above, or show it there"


def names(source):
    """(the global names that the code binds, the global names that it uses); both empty if it does not parse."""
    try:
        table = symtable.symtable(MAGIC.sub(r"\1pass", source), "cell", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # names_defined says so
        return set(), set()
    bound, used = set(), set()
    _collect(table, bound, used)
    return bound, {name for name in used if not name.startswith(".")}


def _collect(table, bound, used):
    at_top = table.get_type() == "module"
    for symbol in table.get_symbols():
        binds = symbol.is_assigned() or symbol.is_imported()
        if binds and (at_top or symbol.is_declared_global()):
            bound.add(symbol.get_name())
        if symbol.is_referenced() and symbol.is_global():
            used.add(symbol.get_name())
    for child in table.get_children():
        _collect(child, bound, used)


def proofs_are_compared(chapter, course):
    """A cell that calls crosscheck has the tag by which CI compares what it prints."""
    for number, cell in chapter.cells("code"):
        if PROOF.search(cell.source) and "nbval-check-output" not in tags(cell):
            yield chapter.remark("proves something and has no tag nbval-check-output; add it", number)


def nothing_forbidden(chapter, course):
    for number, cell in chapter.cells("code"):
        for told, pattern in FORBIDDEN.items():
            if pattern.search(cell.source):
                yield chapter.remark(f"uses {told}, which this course avoids", number)


def _nested_too_deeply(chapters):
    for chapter in chapters:
        for number, cell in chapter.cells("code"):
            try:
                ast.parse(MAGIC.sub(r"\1pass", cell.source))
            except (RecursionError, MemoryError):
                yield chapter.remark("is nested too deeply for Python", number)
            except (SyntaxError, ValueError) as error:
                if "too many" in str(error):  # the others are told by ruff
                    yield chapter.remark(f"cannot be read by Python: {error}", number)


def names_defined(course):
    """The whole notebook at once, by ruff: undefined names (F821) and code that does not parse."""
    if not course.chapters:
        return
    if importlib.util.find_spec("ruff") is None:
        how = "python -m pip install -r tests/requirements.txt"
        yield Remark(RUFF, f"is not installed, so undefined names were not looked for; install it: {how}")
        return
    too_deep = list(_nested_too_deeply(course.chapters))
    yield from too_deep
    names = {remark.name for remark in too_deep}  # ruff would stop at them, and say nothing of the others
    by_path = {
        str(chapter.path.resolve()): chapter for chapter in course.chapters if chapter.name not in names
    }
    if not by_path:
        return
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--select=F821"]
    done = subprocess.run(
        [*command, "--output-format=json", *by_path], capture_output=True, encoding="utf-8", check=False
    )
    try:
        found = json.loads(done.stdout)
    except json.JSONDecodeError:
        yield Remark(RUFF, f"could not be run: {done.stderr.strip()[:200]}")
        return
    unparsed = set()
    for entry in found:
        place = entry["filename"], entry["cell"]
        if place in unparsed:  # one sentence about a cell that does not parse is enough
            continue
        if entry["name"] == "invalid-syntax":
            unparsed.add(place)
        row = (entry["location"] or {}).get("row")
        yield by_path[entry["filename"]].remark(f"line {row}: {entry['message']}", entry["cell"])
