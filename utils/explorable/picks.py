"""Picking in the picture: which control a click sets, and the geometry the browser needs to work it out."""

from numbers import Real

import numpy as np

from .controls import Slider

KEYS = {"axes", "column", "row", "x", "y", "nearest", "points", "hover"}
# the scales that the browser can invert; for `nearest` matplotlib does the work
SCALES = {"linear", "log"}
NUMERIC = ("x", "y")
USE = 'dict(axes=0, column="key", row="query"), dict(axes=0, x="time") or dict(axes=0, nearest="point", points=...)'


class Pick:
    """One way to pick, in one axes of the picture.

    column, row: the slider set to the cell under the pointer, counted from 0 as `imshow` does;
    x, y: the slider set to its value nearest to the pointer's data coordinate, on the axis' own scale;
    nearest: the slider set to the index of the nearest of `points`, an array (n, 2) in data coordinates or a function
    (artists, **values) -> such an array;  hover: the pointer's passing by is enough, without a click.
    ValueError naming `pick` for anything else.
    """

    def __init__(self, given, controls, scene):
        if not isinstance(given, dict) or set(given) - KEYS or "axes" not in given:
            raise ValueError(f"pick: expected {USE}, got {given!r}")
        self.axes, self.points = given["axes"], given.get("points")
        self.hover = bool(given.get("hover", False))
        self.targets = {key: given[key] for key in ("column", "row", "x", "y", "nearest") if key in given}
        self._check_axes(scene)
        self._check_targets(controls)
        if ("nearest" in given) != (self.points is not None):
            raise ValueError("pick: 'nearest' and 'points' go together, got only one of them")
        if self.points is not None and not callable(self.points):
            self._fractions(scene, self.points)

    def spec(self, controls) -> dict:
        """What the browser needs once: which control is set by what."""
        numeric = {key: name for key, name in self.targets.items() if key in NUMERIC}
        numbers = {key: list(map(float, controls[name].values)) for key, name in numeric.items()}
        return {"targets": self.targets, "hover": self.hover, "numbers": numbers}

    def geometry(self, scene, values) -> dict:
        """What the browser needs with each frame: the axes' box and limits, and where the points are."""
        geometry = scene.box(self.axes)
        if self.points is not None:
            points = self.points(scene.artists, **values) if callable(self.points) else self.points
            geometry["points"] = self._fractions(scene, points)
        return geometry

    def _fractions(self, scene, points):
        points = np.asarray(points, float)
        if points.ndim != 2 or points.shape[1] != 2:
            raise ValueError(f"pick: expected points of shape (n, 2), got shape {points.shape}")
        return scene.fractions(self.axes, points)

    def _check_axes(self, scene):
        count = len(scene.figure.axes)
        if type(self.axes) is not int or not 0 <= self.axes < count:
            raise ValueError(f"pick: expected axes from 0 to {count - 1}, got {self.axes!r}")
        ax = scene.figure.axes[self.axes]
        if self.points is None and not {ax.get_xscale(), ax.get_yscale()} <= SCALES:
            scales = f"{ax.get_xscale()} and {ax.get_yscale()}"
            raise ValueError(f"pick: expected axes with linear or log scales, got {scales}")

    def _check_targets(self, controls):
        if not self.targets:
            raise ValueError(f"pick: expected {USE}, got no control to set")
        for key, name in self.targets.items():
            control = controls.get(name)
            if not isinstance(control, Slider):
                known = ", ".join(name for name in controls if isinstance(controls[name], Slider)) or "none"
                raise ValueError(f"pick: {key} names {name!r}, which is no slider; the sliders are: {known}")
            if key in NUMERIC and not all(isinstance(value, Real) for value in control.values):
                raise ValueError(f"pick: {key} needs a slider of numbers, got {name!r}")


def as_picks(given, controls, scene) -> list[Pick]:
    """A pick or a list of picks, checked."""
    given = [] if given is None else [given] if isinstance(given, dict) else given
    if not isinstance(given, (list, tuple)):
        raise ValueError(f"pick: expected {USE}, or a list of them, got {given!r}")
    return [Pick(pick, controls, scene) for pick in given]
