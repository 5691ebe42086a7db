"""Rules about the modules in utils that belong to the chapters: equations they cite, names that hide modules."""

import ast
import re

from utils.notebooks.files import Remark
from utils.notebooks.rules.prose import references

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
