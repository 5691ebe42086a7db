"""A lecture runs the cells tagged `core` alone: whatever they use must come from one of them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

CHAPTERS = sorted((Path(__file__).parents[2] / "chapters").glob("*.ipynb"))


def undefined_names(notebook):
    """What ruff says about names without a definition when only the core cells are there."""
    core = [
        cell | {"outputs": []}
        for cell in notebook["cells"]
        if cell["cell_type"] == "code" and "core" in cell["metadata"].get("tags", [])
    ]
    options = [
        "--isolated",
        "--select",
        "F821",
        "--output-format",
        "concise",
        "--stdin-filename",
        "core.ipynb",
    ]
    found = subprocess.run(
        [sys.executable, "-m", "ruff", "check", *options, "-"],
        input=json.dumps(notebook | {"cells": core}),
        capture_output=True,
        text=True,
    )
    return [line for line in found.stdout.splitlines() if "F821" in line], found.stderr


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_core_cells_need_core_cells_only(path):
    undefined, error = undefined_names(json.loads(path.read_text(encoding="utf-8")))
    assert (undefined, error) == ([], "")


def test_a_name_of_another_cell_is_found():
    cell = lambda source, *tags: {
        "cell_type": "code",
        "id": source[:1],
        "metadata": {"tags": list(tags)},
        "source": source,
        "execution_count": None,
        "outputs": [],
    }
    cells = [cell("a = 1"), cell("b = 2", "core"), cell("print(a, b)", "core")]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    undefined, _ = undefined_names(notebook)
    assert len(undefined) == 1 and "`a`" in undefined[0]
