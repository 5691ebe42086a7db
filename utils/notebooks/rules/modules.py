"""Rules about the modules in utils that belong to the chapters: equations they cite, names that hide modules."""

import ast
import re

from utils.notebooks.files import Remark
from utils.notebooks.rules.prose import references

CALLED = re.compile(r"(?<![\w.])explore\.(\w+)\(")
IN_PARENTHESES = re.compile(r"\((\d{1,2}\.\d{1,3}[a-z]?)\)")


def cited_equations_exist(course):
    """Quizzes and exercises cite equations as (4.7), everything else in utils as eq. (4.7): each of them exists."""
    for path in sorted((course.root / "utils").rglob("*.py")):
        name = path.relative_to(course.root).as_posix()
        asked = re.match(r"utils/chapters/\w+/exercises\b", name)
        for line, text in texts(path):
            found = set(references(text, is_prose=False))
            found |= set(IN_PARENTHESES.findall(text)) if asked else set()
            for reference in sorted(found):
                target = int(reference.split(".")[0])
                if target and target in course.equations and reference not in course.equations[target]:
                    where = course.by_number[target].name
                    yield Remark(
                        name, f"line {line} cites equation ({reference}), which {where} does not have"
                    )


def pictures_listed(course):
    """What a notebook calls of explore is in its __all__: by that the tests find it, and sweep it."""
    for number, entry in course.written.items():
        folder = course.root / entry.module.replace(".", "/")
        files = [path for path in (folder / "explore.py", folder / "explore/__init__.py") if path.is_file()]
        if not files:
            continue
        name, listed = files[0].relative_to(course.root).as_posix(), all_of(files[0])
        if listed is None:
            yield Remark(
                name, "has no __all__; list there the explorables that the notebook calls, for the sweep"
            )
        for place, cell in course.by_number[number].cells("code") if number in course.by_number else ():
            for called in (
                sorted(set(CALLED.findall(cell.source)) - set(listed or ())) if listed is not None else ()
            ):
                text = f"calls explore.{called}, which __all__ of {name} does not list; add it, to be swept, or move to runs.py what is no picture"
                yield course.by_number[number].remark(text, place)


def all_of(path):
    """The names in a module's __all__, None where it has none that can be read."""
    try:
        body = ast.parse(path.read_bytes()).body
        targets = {
            target.id: node.value
            for node in body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        return ast.literal_eval(targets["__all__"])
    except (OSError, KeyError, SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def texts(path):
    """Yields (line, text) of every text in a Python file; none where it cannot be read."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def no_name_hides_a_module(course):
    """A package gives no function the name of one of its modules: `import package.module` would find the function."""
    for path in sorted((course.root / "utils").rglob("__init__.py")):
        package = ".".join(path.parent.relative_to(course.root).parts)
        inside = {file.stem for file in path.parent.glob("*.py")} | {
            folder.parent.name for folder in path.parent.glob("*/__init__.py")
        }
        for line, bound in bound_names(path, package):
            if bound in inside - {"__init__"}:
                name = path.relative_to(course.root).as_posix()
                text = (
                    f"line {line} gives {bound} another meaning than the module {package}.{bound}; rename one"
                )
                yield Remark(name, text)


def bound_names(path, package):
    """Yields (line, name) of what the top level of a package binds, but for its own modules."""
    try:
        statements = ast.parse(path.read_bytes()).body
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in statements:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.lineno, node.name
        elif isinstance(node, ast.ImportFrom) and (node.module or node.level == 0) and node.module != package:
            for alias in node.names:
                yield node.lineno, alias.asname or alias.name
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    yield node.lineno, target.id
