"""Running one cell of a notebook without running all of it: only the statements that it needs are run before."""

import ast
import linecache
import symtable
import warnings
from itertools import count

import nbformat
import numpy as np

_numbers = count(1)


def code_cells(path):
    """(tags, source) of every code cell; lines of IPython's own (% and !) become blank."""
    notebook = nbformat.read(path, as_version=4)
    return [
        (cell.metadata.get("tags", []), "\n".join(plain(line) for line in cell.source.splitlines()))
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def plain(line):
    return "" if line.lstrip().startswith(("%", "!")) else line


def run(source, names):
    """Execute a source in `names`; returns the value of its last line if that is an expression, else None.

    What the source defines can be found by inspect.getsource, as in a notebook.
    """
    tree = ast.parse(source)
    file = f"<cell {next(_numbers)}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(tree, file, "exec"), names)
        return eval(compile(ast.Expression(last.value), file, "eval"), names) if last else None


def names_for(source, earlier=()):
    """The names that a source needs from earlier cells: np, and what the statements that bind them give."""
    statements = [statement for cell in earlier for statement in ast.parse(cell).body]
    needed, chosen, before = needs(source), [], None
    while chosen != before:  # what a chosen statement needs may be bound before or after it
        before = chosen
        chosen = [statement for statement in statements if binds(statement) & needed]
        needed = needed.union(*(needs(ast.unparse(statement)) for statement in chosen))
    names = {"np": np}
    run("\n".join(ast.unparse(statement) for statement in chosen), names)
    return names


def needs(source):
    """The global names that a source uses, those of the functions in it included."""

    def used(table, top=False):
        own = {s.get_name() for s in table.get_symbols() if s.is_referenced() and (top or s.is_global())}
        return own.union(*(used(child) for child in table.get_children()))

    return used(symtable.symtable(source, "<cell>", "exec"), top=True)


def binds(statement):
    """The names that a top-level statement gives."""
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return {statement.name}
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return {(alias.asname or alias.name).split(".")[0] for alias in statement.names}
    return {n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def last_bound(source):
    """The name that the last statement of a source binds, in a loop the last one of its body, or None."""
    body = ast.parse(source).body
    while body and isinstance(body[-1], (ast.For, ast.While, ast.If, ast.With)):
        body = body[-1].body
    names = [name for statement in body[-1:] for name in binds(statement)]
    return names[0] if names else None
