"""The table of chapters: its rows, its links, and that README.md, as committed, is up to date."""

import re

import pytest

from utils import readme
from utils.register import Entry, written

ADDRESS = "https://github.com/somebody/a-course"


def test_readme_is_up_to_date():
    assert readme.main(["--check"]) == 0, "run python -m utils.readme"


def test_relative_links_of_the_readme_lead_somewhere():
    text = (readme.ROOT / "README.md").read_text(encoding="utf-8")
    headings = {"#" + re.sub(r"[^\w -]", "", line).strip().lower().replace(" ", "-") for line in
                re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)}  # fmt: skip
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    assert links
    for link in links:
        assert link.startswith("https://") or link in headings or (readme.ROOT / link).exists(), link
    defined = set(re.findall(r"^\[([^\]]+)\]: ", text, flags=re.MULTILINE))
    assert "repository" in defined and set(re.findall(r"\]\[([^\]]+)\]", text)) <= defined


def test_block():
    one = Entry(1, "a", "A | a", "甲", "one | two")
    assert readme.block(ADDRESS, {0: Entry(0, "s", "Start", "开始", ""), 1: one}).splitlines()[2:] == [
        "| [00 Start · 开始](chapters/00_s.ipynb) |  | [Binder][binder 00] |",
        r"| [01 A \| a · 甲](chapters/01_a.ipynb) | one \| two | [Binder][binder 01] |",
        "",
        "[repository]: https://github.com/somebody/a-course",
        "[binder 00]: https://mybinder.org/v2/gh/somebody/a-course/main?urlpath=doc%2Ftree%2Fchapters%2F00_s.ipynb",
        "[binder 01]: https://mybinder.org/v2/gh/somebody/a-course/main?urlpath=doc%2Ftree%2Fchapters%2F01_a.ipynb",
    ]


def test_the_rows_are_those_of_the_register():
    rows = [line for line in readme.block(ADDRESS).splitlines() if line.startswith("| [")]
    assert len(rows) == len(written())
    for row, entry in zip(rows, written().values()):
        assert f"{entry.title} · {entry.chinese}](chapters/{entry.file_name}) | {entry.summary} |" in row


def test_no_chapter_yet():
    assert readme.block(ADDRESS, {}).splitlines()[2:] == ["", f"[repository]: {ADDRESS}"]


def test_renew_touches_nothing_outside_the_comments():
    text = f"before\n{readme.BEGIN}\nold\n{readme.END}\nafter\n"
    renewed = readme.renew(text, "new")
    assert renewed == text.replace("old", "new")
    assert readme.renew(renewed, "new") == renewed


@pytest.mark.parametrize(
    "text", ["", readme.BEGIN, readme.END + readme.BEGIN, readme.BEGIN * 2 + readme.END], ids=str
)
def test_renew_wants_both_comments(text):
    with pytest.raises(ValueError, match=re.escape(readme.BEGIN)):
        readme.renew(text, "new")


def test_main_writes_and_checks(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(readme, "ROOT", tmp_path)
    monkeypatch.setattr(readme, "repository", lambda: ADDRESS)
    monkeypatch.setattr(readme, "block", lambda address: f"a block for {address}")
    path = tmp_path / "README.md"
    path.write_text(f"手\n{readme.BEGIN}\nold\n{readme.END}\n", encoding="utf-8")
    before = path.read_text(encoding="utf-8")
    assert readme.main(["--check"]) == 1 and "python -m utils.readme" in capsys.readouterr().out
    assert path.read_text(encoding="utf-8") == before
    assert readme.main([]) == 0
    assert f"a block for {ADDRESS}" in path.read_text(encoding="utf-8")
    assert readme.main(["--check"]) == 0


@pytest.mark.parametrize("end", ["", "/", ".git"])
def test_repository(tmp_path, end):
    file = tmp_path / "pyproject.toml"
    file.write_text(f'[project.urls]\nRepository = "{ADDRESS}{end}"\n')
    assert readme.repository(file) == ADDRESS


@pytest.mark.parametrize("text", ["", '[project.urls]\nRepository = "https://example.org/x"\n'])
def test_repository_is_not_named(tmp_path, text):
    file = tmp_path / "pyproject.toml"
    file.write_text(text)
    with pytest.raises(ValueError, match="Repository"):
        readme.repository(file)


def test_the_picture_is_drawn_and_shown(tmp_path):
    readme.draw_picture(tmp_path / "images" / "worked_network.png")
    drawn = (tmp_path / "images" / "worked_network.png").read_bytes()
    assert drawn.startswith(b"\x89PNG") and 5_000 < len(drawn) <= 40_000
    assert readme.PICTURE.is_file()
    text = (readme.ROOT / "README.md").read_text(encoding="utf-8")
    assert f"]({readme.PICTURE.relative_to(readme.ROOT).as_posix()})" in text
