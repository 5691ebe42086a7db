"""The results of long experiments, as `python -m utils.notebooks measure` stored them beside a chapter's runs.py."""

import json
from pathlib import Path

CHAPTERS = Path(__file__).parent / "chapters"


def results(chapter, folder=CHAPTERS):
    """What was measured for a chapter: {experiment: {seed: result}}, seeds as numbers.

    chapter: the name of its folder, "normalization".  ValueError where nothing was measured yet.
    """
    found = stored(chapter, folder)["experiments"]
    return {name: {int(seed): result for seed, result in by_seed.items()} for name, by_seed in found.items()}


def caption(chapter, folder=CHAPTERS):
    """When and on what it was measured, one line to stand under a table."""
    head = stored(chapter, folder)
    versions = ", ".join(f"{name} {version}" for name, version in head["versions"].items())
    return f"Measured on {head['measured']} with {versions}, on {head['processor']}, one thread."


def stored(chapter, folder=CHAPTERS):
    """The whole content of a chapter's results.json."""
    path = Path(folder) / chapter / "results.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise ValueError(f"chapter: {chapter!r} has no readable results.json; `measure` writes it") from None
