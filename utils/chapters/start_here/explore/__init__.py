"""Explorables of the first page: the map of chapters, and a tangent that the reader's own pullback draws."""

from .chapter_map import course_map
from .tangent_line import tangent

__all__ = ["course_map", "tangent"]
