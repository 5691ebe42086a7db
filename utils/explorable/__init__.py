"""Pictures with controls: the engine, and one module of explorables per chapter."""

from .engine import Canvas, Choice, Explorable, Scene, Slider, Switch, Text, page

__all__ = [
    "Canvas",
    "Choice",
    "Explorable",
    "Scene",
    "Slider",
    "Switch",
    "Text",
    "page",
]
