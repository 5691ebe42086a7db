"""new: a chapter that does not exist yet, small but whole: notebook, modules, tests, concepts, links, register."""

import re
from pathlib import Path

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from utils.notebooks import skeleton
from utils.notebooks.files import (
    BrokenFile,
    Chapter,
    Remark,
    read_chapter,
    told_name,
    write_bytes,
    write_chapter,
)
from utils.notebooks.finish import finish
from utils.notebooks.index import concepts_path, read_concepts
from utils.notebooks.skeleton import fill
from utils.register import FILE, parse, written

KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
NAVIGATION = re.compile(r"^.*\]\(\d\d_\w+\.ipynb\).*$", re.MULTILINE)


def new(root, number, name, title="", chinese=""):
    """Write the chapter, link its neighbours to it, and finish it as `all` does. Yields remarks.

    title, chinese: for a chapter that the register does not have yet. Nothing that is there is written over.
    """
    root = Path(root)
    try:
        text, entry = registered(root, number, name, title, chinese)
        sheet = skeleton.sheet_of(entry)
        files = {
            fill(path, sheet): fill(content, sheet).strip("\n") + "\n"
            for path, content in skeleton.FILES.items()
        }
        notebook = f"chapters/{entry.file_name}"
        for path in [*files, notebook]:
            if (root / path).exists():
                raise BrokenFile(path, "is there already; nothing was written")
        concepts = concepts_with(root, entry, fill(skeleton.CONCEPT, sheet))
    except BrokenFile as broken:
        yield broken.remark
        return
    write(root, FILE.as_posix(), text)
    for path, content in files.items():
        write(root, path, content)
        yield Remark(path, "written", refused=False)
    write(root, told_name(root, concepts_path(root)), concepts)
    chapter = Chapter(root / notebook, notebook, None)
    chapter.notebook = notebook_of(sheet | {"links": links_of(root, entry)})
    write_chapter(chapter)
    yield Remark(notebook, "written", refused=False)
    yield from link_neighbours(root, entry)
    yield from finish(root, entry.name, begun=True)


def registered(root, number, name, title, chinese):
    """(the text of the register, the chapter's entry), with a new entry where there is none."""
    where, path = FILE.as_posix(), root / FILE
    try:
        text = path.read_text(encoding="utf-8")
        entries = parse(text)
        if int(number) not in entries:
            if not (title and chinese):
                raise BrokenFile(
                    where, f"has no chapter {number}; give its names: --title English --chinese 中文"
                )
            text = text.rstrip("\n") + new_entry(entries, int(number), name, title, chinese)
            entries = parse(text)
    except (OSError, ValueError) as error:
        raise BrokenFile(where, str(error).removeprefix(where).lstrip(":, ")) from None
    entry = entries[int(number)]
    if entry.name != name:
        raise BrokenFile(where, f"calls chapter {number} {entry.name}, not {name}")
    if not entry.concepts:
        raise BrokenFile(where, f"gives chapter {number} no prefix of its concepts; add concepts = ...")
    return text, entry


def new_entry(entries, number, name, title, chinese):
    """The text of an entry, with a prefix and a place on the map that no other chapter has."""
    places, prefixes = ({getattr(e, key) for e in entries.values()} for key in ("place", "concepts"))
    free = ([column, row] for row in range(-1, 6) for column in range(8) if (column, row) not in places)
    letters = re.sub(r"[^A-Z]", "", name.upper())
    prefix = next(
        p for p in [letters[:3], letters, *(f"{letters}{n}" for n in range(2, 99))] if p not in prefixes
    )
    values = dict(number=number, name=name, title=title, chinese=chinese, label=title.lower(), prefix=prefix)
    return fill(skeleton.ENTRY, values | {"place": next(free, [0, 0])}).rstrip("\n") + "\n"


def write(root, name, text):
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    write_bytes(root / name, text.encode(), name)


def concepts_with(root, entry, row):
    """The text of concepts.csv with a row more, where it has none of the chapter yet."""
    path = concepts_path(root)
    known = read_concepts(root)
    text = path.read_text(encoding="utf-8-sig") if known else "id,English,中文,别名,chapter\n"
    return text if f"{entry.concepts}-01" in known else text.rstrip("\n") + f"\n{row}\n"


def notebook_of(sheet):
    """The notebook, its cells not executed yet."""
    cells = []
    for place, (text, tags, slide, concepts) in enumerate(skeleton.CELLS, start=1):
        source, metadata = fill(text, sheet), {"slideshow": {"slide_type": slide}}
        metadata["tags"] = [fill(tag, sheet) for tag in tags]
        if concepts:
            metadata["concepts"] = [fill(concept, sheet) for concept in concepts]
        is_code = source.startswith(">>>")
        make = new_code_cell if is_code else new_markdown_cell
        source = source.removeprefix(">>>").strip("\n") if is_code else source
        cells.append(make(source, id=f"{sheet['name']}-{place:02d}".replace("_", "-"), metadata=metadata))
    return new_notebook(cells=cells, metadata={"kernelspec": KERNEL})


def links_of(root, entry):
    """The line of links: the first page, the chapter before, the chapter after."""
    there = written(root)
    before = [other for number, other in there.items() if number < entry.number]
    after = [other for number, other in there.items() if number > entry.number]
    links = [f"[{there[0].two_digits} Start here]({there[0].file_name})"] if 0 in there else []
    links += [f"**Previous:** {link(before[-1])}"] if before and before[-1].number else []
    return " · ".join([*links, *(f"**Next:** {link(other)}" for other in after[:1])])


def link(entry):
    return f"[{entry.two_digits} {entry.title}]({entry.file_name})"


def link_neighbours(root, entry):
    """In the first and the last text of the chapter before and of the one after, the link leads to the new one."""
    numbers = list(there := written(root))
    here = numbers.index(entry.number)
    neighbours = [("Next", n) for n in numbers[max(here - 1, 0) : here]] + [
        ("Previous", n) for n in numbers[here + 1 : here + 2]
    ]
    for word, number in neighbours:
        try:
            chapter = read_chapter(root, root / "chapters" / there[number].file_name)
            texts = [cell for _, cell in chapter.cells("markdown")]
            for cell in {texts[0].id: texts[0], texts[-1].id: texts[-1]}.values():
                cell.source = with_link(cell.source, word, link(entry))
            write_chapter(chapter)
        except BrokenFile as broken:
            yield broken.remark
            continue
        yield chapter.remark(f"links to {entry.file_name}", refused=False)


def with_link(text, word, link):
    """The text with `**Next:** [05 ...](...)` in its line of links, in the place of an older one."""
    older = re.compile(rf"\*\*{word}:\*\* \[[^\]]*\]\([^)]*\)")
    if older.search(text):
        return older.sub(lambda match: f"**{word}:** {link}", text, count=1)
    if line := NAVIGATION.search(text):
        return f"{text[: line.end()].rstrip()} · **{word}:** {link}{text[line.end() :]}"
    return f"{text}\n\n**{word}:** {link}"
