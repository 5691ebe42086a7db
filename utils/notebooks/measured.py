"""What check wants to know of a chapter's long experiments, without running anything: are the results of today?"""

import ast
import json

from utils.notebooks.files import BrokenFile, read_text
from utils.notebooks.imports import digest_of, files_behind


def runs_of(root, entry):
    return root / "utils" / "chapters" / entry.name / "runs.py"


def digest_of_runs(root, entry, whole=False):
    return digest_of(files_behind({f"{entry.module}.runs"}, root), root, whole)


def names_of_experiments(runs):
    """The names in EXPERIMENTS, read without running anything; None where there is no such mapping."""
    try:
        statements = ast.parse(runs.read_bytes()).body
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    for node in statements:
        targets = node.targets if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict) else []
        if any(isinstance(target, ast.Name) and target.id == "EXPERIMENTS" for target in targets):
            return [key.value for key in node.value.keys if isinstance(key, ast.Constant)]
    return None


def what_is_wrong(root, entry):
    """Half a sentence about a chapter's results.json, or None where it is whole or not wanted."""
    runs = runs_of(root, entry)
    names = names_of_experiments(runs)
    if names is None:
        return None
    path = runs.with_name("results.json")
    if not path.is_file():
        return "is missing"
    try:
        found = json.loads(read_text("", path))
        there = {name: sorted(map(int, by_seed)) for name, by_seed in found["experiments"].items()}
        if found["sources"] not in (digest_of_runs(root, entry), digest_of_runs(root, entry, whole=True)):
            return "is stale: the sources have changed since it was measured"
        if list(there) != names or any(seeds != sorted(found["seeds"]) for seeds in there.values()):
            return "does not hold what runs.py names"
        if not (found["versions"] and found["measured"] and found["processor"]):
            return "does not say when and on what it was measured"
    except (BrokenFile, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "is damaged"
    return None
