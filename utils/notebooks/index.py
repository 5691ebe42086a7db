"""index: chapters/INDEX.md, the bilingual index of concepts, from concepts.csv and the cells' metadata."""

import csv
import re
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from urllib.parse import quote

from utils.notebooks.files import BrokenFile, Remark, concept_ids, read_chapters, told_name, write_bytes
from utils.register import FILE, register

COLUMNS = ["id", "English", "中文", "别名", "chapter"]
ALIAS_SEPARATORS = re.compile(r"\s*[;；,，、]\s*")
CHINESE = re.compile(r"[\u3400-\u9fff]")
TITLE = """# Index of concepts · 概念索引

`python -m utils.notebooks index` makes this page from [concepts.csv](concepts.csv) and the chapters.
"""
# GB 2312 numbers its 3755 common characters in the order of their pinyin; these begin each letter.
PINYIN_LETTERS = "ABCDEFGHJKLMNOPQRSTWXYZ"
PINYIN_STARTS = [first.encode("gb18030") for first in "啊芭擦搭蛾发噶哈击喀垃妈拿哦啪期然撒塌挖昔压匝"]
PINYIN_END = "座".encode("gb18030")  # rarer characters come after it, in the order of their radicals
OTHER = "其他 · Other"


@dataclass(frozen=True)
class Concept:
    """One row of concepts.csv."""

    id: str
    english: str
    chinese: str
    aliases: tuple
    chapter: int  # 4 for "04" or "04_normalization"


def concepts_path(root):
    return Path(root) / "chapters" / "concepts.csv"


def index_path(root):
    return Path(root) / "chapters" / "INDEX.md"


def read_concepts(root):
    """The rows of concepts.csv as a dict id -> Concept. Raises BrokenFile; a missing file is an empty dict."""
    path = concepts_path(root)
    name = told_name(root, path)
    if not path.exists():
        return {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            rows, columns = list(reader), reader.fieldnames
    except OSError as error:
        raise BrokenFile(name, f"cannot be read ({error.strerror})") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise BrokenFile(name, f"is not a table in UTF-8 ({error})") from None
    if columns != COLUMNS:
        told = ",".join(columns or ["none"])[:200]
        raise BrokenFile(name, f"must have the columns {','.join(COLUMNS)}; it has {told}")
    concepts = {}
    for line, row in enumerate(rows, start=2):
        chapter = re.match(r"\d+", row["chapter"] or "")
        if chapter is None or None in row:
            raise BrokenFile(name, f"row {line} must have five fields, the last a chapter's number")
        if row["id"] in concepts:
            raise BrokenFile(name, f"row {line} repeats the id {row['id']}")
        aliases = tuple(filter(None, ALIAS_SEPARATORS.split(row["别名"].strip())))
        english, chinese = row["English"].strip(), row["中文"].strip()
        if aliases and not (english or chinese):
            raise BrokenFile(name, f"row {line} has other names, but none in English or Chinese")
        concepts[row["id"]] = Concept(row["id"], english, chinese, aliases, int(chapter[0]))
    return concepts


def index(root):
    """Writes chapters/INDEX.md, always that of the whole course; returns remarks."""
    chapters, remarks = read_chapters(root)
    try:
        concepts, entries = read_concepts(root), register(root)
    except BrokenFile as broken:
        return [*remarks, broken.remark]
    except ValueError as error:
        return [*remarks, Remark(FILE.as_posix(), str(error).removeprefix(FILE.as_posix()).lstrip(":, "))]
    if not concepts:
        name = told_name(root, concepts_path(root))
        return [*remarks, Remark(name, "is missing or empty; the index needs it")]
    if remarks:
        return remarks
    name = told_name(root, index_path(root))
    try:
        write_bytes(index_path(root), index_text(chapters, concepts, entries).encode(), name)
    except BrokenFile as broken:
        return [broken.remark]
    return [Remark(name, "written", refused=False)]


def index_text(chapters, concepts, entries):
    """The text of INDEX.md. The same chapters, concepts (a dict id -> Concept) and register give the same text."""
    sections = defaultdict(list)
    for chapter in chapters:
        title = entries[chapter.number].heading if chapter.number in entries else chapter.path.stem
        for concept_id, section in _sections(chapter, title):
            if section not in sections[concept_id]:
                sections[concept_id].append(section)
    entries = [
        entry
        for concept in concepts.values()
        if sections[concept.id]
        for entry in _entries(concept, sections[concept.id])
    ]
    english = [entry for entry in entries if not CHINESE.search(entry.term)]
    chinese = [entry for entry in entries if CHINESE.search(entry.term)]
    return "\n".join([TITLE, "## English\n", *_under_letters(english), "## 中文\n", *_under_letters(chinese)])


@dataclass(frozen=True)
class Section:
    """Where a concept is treated: the heading, and an address that leads there."""

    heading: str
    address: str

    def link(self, *, chinese):
        """A Markdown link that shows the half of a bilingual heading, "English · 中文", that is wanted."""
        english_half, _, chinese_half = self.heading.partition(" · ")
        label = chinese_half if chinese and chinese_half else english_half
        number = re.match(r"[\d.]+ ", english_half) if label == chinese_half else None
        label = (number[0] if number else "") + label.replace("[", "(").replace("]", ")")
        return f"[{label}]({self.address})"


def _sections(chapter, title):
    """Yields (concept id, Section), cell by cell: the first heading in the cell, else the nearest one above.

    title: the chapter's, which stands for its first heading. The address names the cell, not the heading:
    JupyterLab does not find anchors with Chinese in them.
    """
    section = Section(title, chapter.path.name)
    titled = False
    for number, cell in chapter.cells():
        headings = list(chapter.documents[number].headings) if cell.cell_type == "markdown" else []
        if headings and not titled:
            headings[0], titled = title, True
        address = f"{quote(chapter.path.name)}#cell-id={cell.id}"
        here = Section(headings[0], address) if headings else section
        for concept_id in concept_ids(cell):
            yield concept_id, here
        if headings:
            section = Section(headings[-1], address)


@dataclass(frozen=True)
class Entry:
    """One line of the index, in the Chinese part if its term has Chinese characters."""

    term: str
    line: str

    @property
    def letter(self):
        """The heading that the entry stands under: a letter, in Chinese the first one of the pinyin."""
        first = self.term[0].upper()
        if first.isascii() and first.isalpha():
            return first
        code = first.encode("gb18030")
        if PINYIN_STARTS[0] <= code <= PINYIN_END:
            return PINYIN_LETTERS[bisect_right(PINYIN_STARTS, code) - 1]
        return OTHER

    @property
    def order(self):
        return self.letter, self.term.casefold().encode("gb18030"), self.line


def _entries(concept, sections):
    """The lines about one concept: one for each language, and one for each alias."""
    terms = [term for term in (concept.english, concept.chinese) if term]
    for term in terms:
        chinese = bool(CHINESE.search(term))
        others = [other for other in (*terms, *concept.aliases) if other != term]
        aside = f" ({', '.join(others)})" if others else ""
        links = ", ".join(section.link(chinese=chinese) for section in sections)
        yield Entry(term, f"- **{term}**{aside}: {links}")
    for alias in concept.aliases:
        same_language = [term for term in terms if bool(CHINESE.search(term)) == bool(CHINESE.search(alias))]
        yield Entry(alias, f"- {alias} → {(same_language or terms)[0]}")


def _under_letters(entries):
    entries = sorted(set(entries), key=lambda entry: entry.order)
    for letter, group in groupby(entries, lambda entry: entry.letter):
        yield f"### {letter}\n"
        yield "\n".join(entry.line for entry in group) + "\n"
