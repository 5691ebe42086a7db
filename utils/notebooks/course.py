"""The course as the rules see it: all chapters at once, with what one chapter wants to know of the others."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from utils.notebooks.files import BrokenFile, Chapter
from utils.notebooks.index import concepts_path, read_concepts
from utils.register import register

WHOLE_FROM = 5  # from here on a chapter is whole or refused; older ones are held to most of it by the tests
EQUATION_TAG = re.compile(r"\\tag\*?\{([^{}]*)\}")


@dataclass
class Course:
    """The root of the repository, its notebook files, and those of them that could be read."""

    root: Path
    paths: list[Path]
    chapters: list[Chapter]

    @property
    def complete(self):
        return len(self.chapters) == len(self.paths)

    @cached_property
    def register(self):
        """Chapter number -> Entry; empty when course.toml is missing or broken (the rule about it says which)."""
        try:
            return register(self.root)
        except ValueError:
            return {}

    @cached_property
    def written(self):
        """Chapter number -> Entry of the chapters that have a notebook, in order, readable or not."""
        names = {path.name for path in self.paths}
        return {number: entry for number, entry in self.register.items() if entry.file_name in names}

    @cached_property
    def by_number(self):
        """Chapter number -> Chapter."""
        return {chapter.number: chapter for chapter in reversed(self.chapters) if chapter.number is not None}

    @cached_property
    def by_path(self):
        return {chapter.path.resolve(): chapter for chapter in self.chapters}

    @cached_property
    def equations(self):
        """Chapter number -> the set of its equation tags, such as "1.4"."""
        return {
            number: {tag for _, tag in equation_tags(chapter)} for number, chapter in self.by_number.items()
        }

    @cached_property
    def concepts(self):
        """Id -> Concept; empty when concepts.csv is missing or broken (the rule about it says which)."""
        try:
            return read_concepts(self.root)
        except BrokenFile:
            return {}

    @property
    def has_concepts_file(self):
        return concepts_path(self.root).exists()


def is_whole(chapter):
    """Whether a chapter has to have every part that CONTRIBUTING.md lists."""
    return (chapter.number or 0) >= WHOLE_FROM


def equation_tags(chapter):
    """Yields (cell number, what stands in \\tag{...}) for every tagged equation of a chapter."""
    for number, document in chapter.documents.items():
        for math in document.math:
            for tag in EQUATION_TAG.findall(math):
                yield number, tag
