"""Writes the table of chapters in README.md, with the Binder links, and its picture: python -m utils.readme [--check].

The owner and the name of the repository stand in pyproject.toml alone; what needs them in README.md is written
between two comments by this module. A chapter's row, title and summary, comes from the register, course.toml.
"""

import argparse
import re
import sys
import tomllib
from pathlib import Path
from urllib.parse import quote

from utils.register import Entry, written

ROOT = Path(__file__).resolve().parents[1]
BEGIN = "<!-- chapters: written by python -m utils.readme -->"
PICTURE = ROOT / "chapters" / "images" / "worked_network.png"
END = "<!-- end of chapters -->"


def repository(pyproject: Path = ROOT / "pyproject.toml") -> str:
    """The address of the repository. Raises ValueError where pyproject.toml names none on GitHub."""
    urls = tomllib.loads(pyproject.read_text(encoding="utf-8")).get("project", {}).get("urls", {})
    address = urls.get("Repository", "").rstrip("/").removesuffix(".git")
    if not re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+", address):
        raise ValueError(
            f"[project.urls] Repository in {pyproject} is {address!r}; expected https://github.com/owner/name"
        )
    return address


def binder_link(address: str, notebook: str) -> str:
    """The link that opens one notebook of the repository's main branch, and nothing else, on Binder."""
    owner_and_name = address.removeprefix("https://github.com/")
    return (
        f"https://mybinder.org/v2/gh/{owner_and_name}/main?urlpath={quote('doc/tree/' + notebook, safe='')}"
    )


def cell(text: str) -> str:
    """Text that may stand in a cell of a Markdown table."""
    return text.replace("|", r"\|")


def block(address: str, chapters: dict[int, Entry] | None = None) -> str:
    """What stands between the two comments: the table, then the links that it and the rest of README.md use.

    chapters: the entries of the written chapters, those of the course unless given.
    """
    rows, links = [], [f"[repository]: {address}"]
    for entry in (written(ROOT) if chapters is None else chapters).values():
        path, label = f"chapters/{entry.file_name}", f"binder {entry.two_digits}"
        title = cell(f"{entry.two_digits} {entry.bilingual}")
        rows.append(f"| [{title}]({path}) | {cell(entry.summary)} | [Binder][{label}] |")
        links.append(f"[{label}]: {binder_link(address, path)}")
    head = ["| Chapter · 章 | What it derives · 内容 | Open · 打开 |", "|---|---|---|"]
    return "\n".join([*head, *rows, "", *links])


def renew(text: str, new_block: str) -> str:
    """The text of README.md with the block renewed. Raises ValueError unless both comments stand there once."""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ValueError(f"README.md must have one line {BEGIN} and, after it, one line {END}")
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n{new_block}\n{END}{rest.partition(END)[2]}"


def draw_picture(path: Path = PICTURE) -> None:
    """Save the picture of README.md: the worked network of chapter 01, after its backward pass."""
    from utils.chapters.backprop import explore  # drawing needs more than this module does otherwise

    path.parent.mkdir(exist_ok=True)
    path.write_bytes(explore.worked().poster())


def main(arguments: list[str] | None = None) -> int:
    """Renew README.md, or with --check only say whether it is up to date. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m utils.readme", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit code 1 where it is out of date"
    )
    options = parser.parse_args(arguments)
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    new_text = renew(text, block(repository()))
    if not options.check:
        draw_picture()
    elif not PICTURE.is_file():
        print(f"{PICTURE.relative_to(ROOT)} is missing. Run: python -m utils.readme")
        return 1
    if new_text == text:
        print("README.md is up to date.")
        return 0
    if options.check:
        print("README.md is out of date. Run: python -m utils.readme")
        return 1
    readme.write_text(new_text, encoding="utf-8")
    print("README.md is renewed.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
