"""Pictures with controls: the engine, its marks and links; the explorables themselves are in utils/chapters."""

from .columns import Layers
from .engine import Array, Canvas, Choice, Explorable, Scene, Slider, Switch, Text, page
from .graphs import Graph
from .links import Link, Pairs, Window
from .marks import Arrows, Bars, Code, Curve, Formula, Grid, Points, Strip

__all__ = [
    "Array", "Arrows", "Bars", "Canvas", "Choice", "Code", "Curve", "Explorable", "Formula", "Graph", "Grid", "Layers", "Link", "Pairs",
    "Points", "Scene", "Slider", "Strip", "Switch", "Text", "Window", "page",
]  # fmt: skip
