"""What a project has besides code: licences, a citation, a list of changes, templates, links that lead somewhere, spelling."""

import json
import re
import subprocess
import sys
import textwrap
import tomllib
from datetime import date
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
import yaml

from utils import explorable
from utils.exercises import checkers
from utils.explorable.sweep import sweep
from utils.notebooks.markdown import Document
from utils.notebooks.rules import shape
from utils.notebooks.rules.links import _anchors_of_page
from utils.register import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PAGES = sorted(
    path
    for pattern in ("*.md", "chapters/*.md", "tests/*/*.md", ".github/*.md")
    for path in ROOT.glob(pattern)
)
GITHUB = ROOT / ".github"
SCHEMAS = {
    "vendor.github-workflows": [*GITHUB.glob("workflows/*.yml")],
    "vendor.github-issue-forms": [
        path for path in GITHUB.glob("ISSUE_TEMPLATE/*.yml") if path.name != "config.yml"
    ],
    "vendor.github-issue-config": [GITHUB / "ISSUE_TEMPLATE" / "config.yml"],
    "vendor.citation-file-format": [ROOT / "CITATION.cff"],
}


def tool(*words, **options):
    return subprocess.run(
        [sys.executable, "-m", *words], capture_output=True, text=True, encoding="utf-8", **options
    )


def versions_in(text):
    """(version, date) of every heading of the list of changes."""
    return re.findall(r"^## (\d+\.\d+\.\d+), (\d{4}-\d\d-\d\d)$", text, re.MULTILINE)


def test_one_version_everywhere():
    changes = versions_in((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert changes[0] == (PROJECT["version"], citation["date-released"].isoformat())
    assert citation["version"] == PROJECT["version"]
    numbers = [tuple(map(int, version.split("."))) for version, _ in changes]
    days = [date.fromisoformat(day) for _, day in changes]
    assert numbers == sorted(set(numbers), reverse=True) and days == sorted(days, reverse=True)


def test_the_repository_is_named_alike():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["repository-code"] == PROJECT["urls"]["Repository"]


def test_both_licences_are_named_and_there():
    assert PROJECT["license"] == "MIT AND CC-BY-4.0"
    assert all((ROOT / name).is_file() for name in PROJECT["license-files"])
    prose = (ROOT / "LICENSE-PROSE.md").read_text(encoding="utf-8")
    assert "CC BY 4.0" in prose and "](LICENSE)" in prose
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith("MIT License")


@pytest.mark.parametrize("schema", SCHEMAS)
def test_forms_workflows_and_citation_fit_their_schemas(schema):
    files = [str(path) for path in SCHEMAS[schema]]
    done = tool("check_jsonschema", "--builtin-schema", schema, *files)
    assert files and done.returncode == 0, done.stdout + done.stderr


def test_a_form_that_does_not_fit_is_refused(tmp_path):
    form = tmp_path / "form.yml"
    form.write_text("name: no body\ndescription: a form without a body\n", encoding="utf-8")
    assert tool("check_jsonschema", "--builtin-schema", "vendor.github-issue-forms", str(form)).returncode


def dead_links(page):
    """The links of a Markdown page that lead nowhere."""
    for address in Document.parse(page.read_text(encoding="utf-8")).links:
        parts = urlsplit(address)
        if parts.scheme:
            continue
        target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
        anchor = unquote(parts.fragment)
        if not target.exists() or (
            anchor and target.suffix == ".md" and anchor not in _anchors_of_page(target)
        ):
            yield address


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_inside_the_project(page):
    assert list(dead_links(page)) == []


def test_a_dead_link_is_seen(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Here\n\n[a](#here) [b](nowhere.md) [c](#there) [d](https://example.org)\n")
    assert list(dead_links(page)) == ["nowhere.md", "#there"]


def sources(notebook):
    """The prose and the code of a notebook, without outputs and attachments."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return "\n\n".join("".join(cell["source"]) for cell in cells)


def test_spelling(tmp_path):
    for notebook in sorted((ROOT / "chapters").glob("*.ipynb")):
        (tmp_path / f"{notebook.stem}.md").write_text(sources(notebook), encoding="utf-8")
    done = tool("codespell_lib", ".", str(tmp_path), cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_misspelt_word_is_seen(tmp_path):
    wrong = "rec" + "ieve"  # in two parts: this file is read, too
    (tmp_path / "page.md").write_text(f"We {wrong} a gradient.\n")
    assert f"{wrong} ==> receive" in tool("codespell_lib", str(tmp_path), cwd=ROOT).stdout


def test_the_picture_of_contributing_can_be_drawn():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^   ```python\n(.*?)^   ```", text, re.MULTILINE | re.DOTALL)
    names = {name: getattr(explorable, name) for name in explorable.__all__}
    names["descend"] = lambda begin, beta: np.outer(begin, np.linspace(1, beta / 2, 51))
    exec(textwrap.dedent(block), names)
    assert sweep(names["valley"]()) > 3


def test_contributing_names_what_the_rules_ask_for_on_two_pages():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    wanted = [*shape.SECTIONS, *(f"`{name}(" for name in checkers.__all__), *("cell:", "test:", "given")]
    assert [word for word in wanted if word not in text] == [] and len(text.split()) < 1450


def test_git_diff_shows_notebooks_as_the_given_command_writes_them():
    (words,) = re.findall(r'textconv "\S+ -m (.*?)"', (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    assert "*.ipynb diff=ipynb" in (ROOT / ".gitattributes").read_text(encoding="utf-8")
    shown = tool(*words.split(), str(ROOT / "chapters/00_start_here.ipynb")).stdout
    assert "# Gradients by Hand" in shown and "image/png" not in shown
