"""The two painters of an explorable: matplotlib's picture, drawn here, and marks, drawn by the page from numbers.

A painter turns the values of the controls into a frame: {"readout", "type", "data", and what else the page needs}.
"""

import inspect

from PIL import Image

from utils import style

from .arrays import BAKED, LIVE, as_numbers, pack
from .picks import SCALES, as_picks
from .poster import poster
from .scene import ENCODINGS, POSTER_BYTES, Scene, palette_png

IMAGE_TYPES = {"small": "image/webp"}


class PicturePainter:
    """setup(fig) -> artists that move; update(artists, **values) -> the read-out."""

    def __init__(self, setup, update, figsize, dpi, pick, controls, guess=None):
        self.update, self.controls = update, controls
        self.scene = Scene(setup, figsize, dpi)
        self.picks = as_picks(pick, controls, self.scene)
        self.guess = check_guess(guess, self.scene)
        self.size = tuple(round(inches * 100) for inches in figsize)

    def spec(self):
        return {
            "width": self.size[0],
            "height": self.size[1],
            "picks": [pick.spec(self.controls) for pick in self.picks],
            "guess": self.guess and self.guess["along"],
        }

    def draw(self, values):
        """Move the artists and return the read-out; whatever `update` raises passes through."""
        with style.context():
            readout = self.update(self.scene.artists, **values)
        if not isinstance(readout, str):
            raise TypeError(f"update must return the read-out, a text; it returned {readout!r}")
        return readout

    def frame(self, values, fmt):
        readout = self.draw(values)
        data = self.scene.encode(fmt)
        geometry = [pick.geometry(self.scene, values) for pick in self.picks]
        if self.guess:  # last, after those of the picks
            geometry.append(self.scene.box(self.guess["axes"]))
        return {
            "readout": readout,
            "geometry": geometry,
            "type": IMAGE_TYPES.get(fmt, f"image/{fmt}"),
            "data": data,
        }

    def fingerprint(self):
        """Bytes that differ where the picture does."""
        return self.scene.pixels().tobytes()

    def poster(self, title, readout, covered=""):
        return self.scene.poster()

    def blank(self, title, readout):
        return palette_png(Image.new("RGB", self.size, "white"), POSTER_BYTES)

    def close(self):
        self.scene.close()


class MarksPainter:
    """compute(**values) -> {name: array} for the marks, and under "readout" a sentence for the reader."""

    scene, shapes = None, None
    size = (900, 300)

    def __init__(self, compute, marks, links):
        self.compute, self.links = compute, list(links)
        self.rows = [list(row) if isinstance(row, (list, tuple)) else [row] for row in marks]
        if not any(isinstance(row, (list, tuple)) for row in marks):
            self.rows = [list(marks)]
        self.marks = [mark for row in self.rows for mark in row]
        if not self.marks:
            raise ValueError("marks: expected at least one, got none")
        self.named = list(dict.fromkeys(name for mark in self.marks for name in all_arrays(mark)))
        self.arrays = None

    def shape_by(self, values):
        """Compute once, and learn what the page needs to know of the marks: the shapes of their arrays.

        Where the reader's own function fails there are no marks, and the page says why.
        """
        self.shapes = None
        self.specs, self.page = (
            [],
            {"marks": [], "rows": [], "links": [], "axes": {}, "kinds": {}, "labels": {}},
        )
        try:
            found = self.compute(**values)
        except Exception:
            return
        self.take(found)
        self.shapes = shapes = {name: array.shape for name, array in self.arrays.items()}
        self.specs = [mark.spec(shapes) for mark in self.marks]
        by_name = {mark.of: mark for mark in flat(self.marks)}
        self.page = {
            "marks": self.specs,
            "rows": [len(row) for row in self.rows],
            "links": [link.spec(shapes) for link in self.all_links()],
            "axes": {name: len(shape) for name, shape in shapes.items()},
            "kinds": {n: getattr(by_name.get(n), "kind", "parameter") for n in shapes},
            "labels": {n: by_name[n].label or n for n in shapes if n in by_name},
        }

    def all_links(self):
        return [*self.links, *(link for mark in self.marks for link in getattr(mark, "own_links", tuple)())]

    def spec(self):
        return {"page": self.page, "width": 0, "height": 0, "picks": []}

    def draw(self, values):
        return self.take(self.compute(**values))

    def take(self, found):
        """Keep the arrays that the marks draw; returns the read-out."""
        if not isinstance(found, dict) or not isinstance(found.get("readout"), str):
            raise TypeError('compute must return a dict of arrays with the read-out, a text, under "readout"')
        missing = [name for name in self.named if name not in found]
        if missing:
            raise ValueError(f"compute: the marks draw {missing[0]!r}; it returned {', '.join(found)}")
        arrays = {name: as_numbers(name, found[name]) for name in self.named}
        for name, shape in (self.shapes or {}).items():
            if arrays[name].shape != shape:
                raise ValueError(f"{name}: expected shape {shape}, as at the start, got {arrays[name].shape}")
        self.arrays = arrays
        return found["readout"]

    def frame(self, values, fmt):
        readout = self.draw(values)
        manifest, data = pack(self.arrays, LIVE if fmt in ENCODINGS and fmt != "webp" else BAKED)
        return {"readout": readout, "geometry": [], "type": "arrays", "manifest": manifest, "data": data}

    def fingerprint(self):
        return pack(self.arrays)[1]

    def poster(self, title, readout, covered=""):
        return poster(title, self.specs, self.page["rows"], self.arrays, readout, covered)

    def blank(self, title, readout):
        return poster(title, [], [], {}, readout)

    def close(self):
        self.arrays = None


def check_guess(given, scene):
    """Where a guessed number is drawn, or None.  ValueError for axes that are not there, or have another scale."""
    if given is None:
        return None
    if not isinstance(given, dict) or set(given) != {"axes", "along"} or given["along"] not in ("x", "y"):
        raise ValueError(f'guess: expected {{"axes": 0, "along": "y"}}, got {given!r}')
    if type(given["axes"]) is not int or not 0 <= given["axes"] < len(scene.figure.axes):
        raise ValueError(
            f"guess: expected axes from 0 to {len(scene.figure.axes) - 1}, got {given['axes']!r}"
        )
    if (scale := scene.box(given["axes"])[given["along"]][2]) not in SCALES:
        raise ValueError(f"guess: expected axes with a linear or log scale, got {scale}")
    return given


def flat(marks):
    """Marks and those that share their axes; formulas and code have no array of their own."""
    for mark in marks:
        if mark.arrays():
            yield mark
        yield from flat(getattr(mark, "also", ()))


def all_arrays(mark):
    """What a mark draws, and what a formula writes out."""
    extra = (mark.of, *mark.product, *mark.plus) if hasattr(mark, "product") else ()
    return [*mark.arrays(), *filter(None, extra)]


def check_functions(functions, first, names):
    """ValueError unless the last function takes `first` (or nothing before the controls) and every control by name."""
    if not all(map(callable, functions)):
        wanted = "two functions" if len(first) == 2 else "a function"
        raise ValueError(f"{', '.join(first)}: expected {wanted}, got {', '.join(map(repr, functions))}")
    last = inspect.signature(functions[-1])
    leading = [None] * (len(functions) - 1)
    given = next(iter(last.parameters), None)
    if leading and given in names:
        raise ValueError(f"{given}: a control cannot be called like the first argument of update")
    try:
        last.bind(*leading, **dict.fromkeys(names))
    except TypeError as error:
        wanted = ", ".join([*(["artists"] if leading else []), *names])
        raise ValueError(f"{first[-1]}: expected ({wanted}), but {error}") from None
