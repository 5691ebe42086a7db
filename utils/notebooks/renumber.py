"""renumber: gives the equations of a chapter the numbers of their order, wherever they are cited; a dry run first.

In the texts of notebooks, and in what belongs to the chapter, (4.7) alone cites an equation; in all other modules
and tests only what follows eq. or eqs. does. Code itself is left alone: there (4.7) is a number.
"""

import io
import re
import tokenize
from collections import Counter
from pathlib import Path

from utils.notebooks.course import EQUATION_TAG, equation_tags
from utils.notebooks.files import (
    BrokenFile,
    Remark,
    entry_named,
    find_notebooks,
    read_chapter,
    require_writable,
    tags,
    told_name,
    write_bytes,
    write_chapter,
)
from utils.notebooks.markdown import CODE_OR_MATH
from utils.notebooks.rules.prose import AFTER_EQ, NUMBER
from utils.notebooks.shown import PREFIX

ALONE = re.compile(rf"(?<![\w)\]])[(（]({NUMBER})[)）]")


def renumber(root, chapter, write=False):
    """Yields a remark for every number that changes; only with write=True are files changed."""
    root = Path(root)
    try:
        entry = entry_named(root, chapter)
        chapters = [read_chapter(root, path) for path in find_notebooks(root)]
        own = next((one for one in chapters if one.path.name == entry.file_name), None)
        if own is None:
            raise BrokenFile(f"chapters/{entry.file_name}", "does not exist")
        new = numbers_in_order(own)
        edited = [*in_notebooks(chapters, own, new), *in_modules(root, entry, new)]
        if write:
            for path, name, _, _ in edited:
                require_writable(path, name)
            for _, _, _, save in edited:
                save()
    except BrokenFile as broken:
        yield broken.remark
        return
    for _, _, remarks, _ in edited:
        yield from remarks
    if not new:
        yield own.remark("its equations are numbered in order", refused=False)
    elif write:
        yield own.remark(f"now run: python -m utils.notebooks all {entry.two_digits}", refused=False)
    else:
        yield own.remark("nothing was changed yet; --write changes it", refused=False)


def numbers_in_order(chapter):
    """{old tag: new tag} of those that change. A letter stays behind its number: 4.7, 4.7b."""
    found = [tag for _, tag in equation_tags(chapter) if re.fullmatch(NUMBER, tag)]
    if twice := [tag for tag, times in Counter(found).items() if times > 1]:
        raise BrokenFile(
            chapter.name, f"has {', '.join(twice)} twice, so a reference may mean either; settle it first"
        )
    new, count, last = {}, 0, None
    for tag in found:
        number = tag.rstrip("abcdefghijklmnopqrstuvwxyz")
        letter = tag[len(number) :] if number == last else ""
        count += number != last
        last = number
        new[tag] = f"{chapter.number}.{count}{letter}"
    return {old: now for old, now in new.items() if old != now}


def in_notebooks(chapters, own, new):
    """Yields (path, name, remarks, save) of every notebook that cites or holds a number that changes."""
    for chapter in chapters:
        remarks = []
        for number, cell in chapter.cells("markdown", "code"):
            if cell.cell_type == "code" and any(tag.startswith(PREFIX) for tag in tags(cell)):
                continue  # sync brings what the module says
            edit = prose_with if cell.cell_type == "markdown" else code_with
            source, changes = edit(cell.source, new, chapter is own)
            cell.source = source
            remarks += [chapter.remark(change, number, refused=False) for change in changes]
        if remarks:
            yield chapter.path, chapter.name, remarks, lambda chapter=chapter: write_chapter(chapter)


def in_modules(root, entry, new):
    """The same of the modules in utils/ and tests/."""
    own = [root / where / "chapters" / entry.name for where in ("utils", "tests")]
    folders = [
        root / "utils",
        root / "tests/chapters",
        root / "tests/nn",
    ]  # other tests cite made-up chapters
    for path in sorted(path for folder in folders for path in folder.rglob("*.py")):
        name = told_name(root, path)
        try:
            before = path.read_bytes().decode()
        except (OSError, UnicodeDecodeError):
            continue
        after, changes = code_with(before, new, any(folder in path.parents for folder in own))
        if changes:
            remarks = [Remark(name, change, refused=False) for change in changes]
            yield path, name, remarks, lambda p=path, t=after, n=name: write_bytes(p, t.encode(), n)


def prose_with(text, new, own):
    """(Markdown with the new numbers, sentences about them); tags only where they are the chapter's own."""
    pieces, changes, end = [], [], 0
    for match in CODE_OR_MATH.finditer(text):
        pieces.append(cited(text[end : match.start()], new, True, changes))
        pieces.append(tagged(match[0], new, changes) if own and match["math"] else match[0])
        end = match.end()
    pieces.append(cited(text[end:], new, True, changes))
    return "".join(pieces), changes


def code_with(source, new, own):
    """(code with the new numbers in its comments and texts, sentences about them)."""
    changes = []
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(source, newline="").readline))
    except (tokenize.TokenError, SyntaxError, IndentationError):
        return source, changes
    lines = source.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    pieces, end = [], 0
    for token in tokens:
        if (
            token.type in (tokenize.COMMENT, tokenize.STRING)
            or tokenize.tok_name[token.type] == "FSTRING_MIDDLE"
        ):
            first = starts[token.start[0] - 1] + token.start[1]
            last = starts[token.end[0] - 1] + token.end[1]
            found = []
            text = cited(source[first:last], new, own, found)
            if found:
                pieces += [source[end:first], text]
                end = last
                changes += [f"line {token.start[0]}: {change}" for change in found]
    return "".join([*pieces, source[end:]]), changes


def tagged(math, new, changes):
    def put(match):
        if match[1] not in new:
            return match[0]
        changes.append(rf"\tag{{{match[1]}}} becomes \tag{{{new[match[1]]}}}")
        return match[0].replace(match[1], new[match[1]])

    return EQUATION_TAG.sub(put, math)


def cited(text, new, alone, changes):
    """The text with the new numbers. alone: whether (4.7) cites an equation without eq. before it."""
    spans = [match.span(1) for match in ALONE.finditer(text)] if alone else []
    for match in AFTER_EQ.finditer(text):
        spans += [(match.start() + n.start(), match.start() + n.end()) for n in re.finditer(NUMBER, match[0])]
    for first, last in sorted(set(spans), reverse=True):
        old = text[first:last]
        if old in new:
            around = " ".join(text[max(0, first - 30) : last + 20].split())
            changes.append(f"({old}) becomes ({new[old]}): {around}")
            text = text[:first] + new[old] + text[last:]
    return text
