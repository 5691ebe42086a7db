"""A matplotlib picture that is drawn once and then only has its moving parts replaced. No Jupyter in here."""

import io
from collections.abc import Mapping
from dataclasses import is_dataclass
from types import SimpleNamespace

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure, FigureBase
from matplotlib.spines import Spine
from PIL import Image

from utils import style

POSTER_BYTES = 40_000
# Level 1: levels 6 and 9 save a tenth of the bytes and take up to ten times as long. WebP without loss is both
# smaller and sharper than with, for charts; photographs are the exception.
ENCODINGS = {
    "png": {"format": "PNG", "compress_level": 1},
    "jpeg": {"format": "JPEG", "quality": 88},
    "webp": {"format": "WEBP", "lossless": True, "method": 2, "quality": 50},
}
LOSSY_WEBP = {"format": "WEBP", "quality": 85, "method": 4}
LOSSY_ABOVE = 60_000
# For a page that holds a whole chapter: few colours, without loss, take three fifths of the bytes.
SMALL_WEBP = {"format": "WEBP", "lossless": True, "method": 4, "quality": 80}
SMALL_COLOURS = 64


class Scene:
    """A figure whose moving artists are blitted over a background that is drawn once.

    setup(fig) returns the artists that move: one artist, or a list, tuple, dict or object holding them. An Axes
    among them is handed through to `update` but does not move. The layout is constrained for the first draw and
    frozen from then on.  figsize: inches;  dpi: pixels per inch.
    """

    def __init__(self, setup, figsize=(8, 3.4), dpi=100):
        with style.context():
            self.figure = Figure(figsize=figsize, dpi=dpi)
            self.canvas = FigureCanvasAgg(self.figure)
            self.artists = setup(self.figure)
        if not any(ax.get_subplotspec() for ax in self.figure.axes):
            self.figure.set_layout_engine("none")  # placed by hand: there is nothing to lay out
        self.moving = list(dict.fromkeys(_flatten(self.artists)))
        for artist in self.moving:
            artist.set_animated(True)
        self._background = None
        self._layers = []
        self.full_draws = 0

    def pixels(self) -> np.ndarray:
        """The picture as it is now: (height, width, 4) bytes, valid until the next call."""
        with style.context():
            # Matplotlib marks the figure stale when anything but an animated artist changed:
            # a limit, a title, ticks, the figure's size, a static artist, a new one.
            if self._background is None or self.figure.stale:
                self._redraw()
            self.canvas.restore_region(self._background)
            pixels = np.asarray(self.canvas.buffer_rgba())
            renderer = self.canvas.get_renderer()
            for layer in self._layers:
                layer(renderer, pixels)
        return pixels

    def encode(self, fmt="png") -> bytes:
        """The picture as a file, "png", "jpeg" or "webp", or "small", a webp of few colours."""
        image = self.image()
        if fmt == "small":
            few = image.quantize(SMALL_COLOURS, dither=Image.Dither.NONE)
            return _save(few.convert("RGB"), SMALL_WEBP)
        encoded = _save(image, ENCODINGS[fmt])
        return _save(image, LOSSY_WEBP) if fmt == "webp" and len(encoded) > LOSSY_ABOVE else encoded

    def image(self) -> Image.Image:
        """The picture as a Pillow image."""
        return Image.fromarray(self.pixels()).convert("RGB")

    def poster(self, limit=POSTER_BYTES) -> bytes:
        """The picture as a palette PNG of at most `limit` bytes, at 100 pixels per inch."""
        width, height = (round(inches * 100) for inches in self.figure.get_size_inches())
        image = self.image()
        if image.size != (width, height):
            image = image.resize((width, height), Image.Resampling.LANCZOS)
        return palette_png(image, limit)

    def moving_in_sight(self) -> bool:
        """Whether the moving artists paint any pixel at all."""
        self.pixels()
        renderer = _blank_renderer(self.canvas)
        alpha = np.asarray(renderer.buffer_rgba())[..., 3]
        with style.context():
            for artist in self.moving:
                artist.draw(renderer)
                if alpha.any():
                    return True
        return False

    def box(self, axes: int) -> dict:
        """Where an axes lies and what it shows: `box` as fractions of the picture (left, top, right, bottom),
        `x` and `y` as (limit at the left or bottom, limit at the right or top, scale)."""
        ax = self.figure.axes[axes]
        (left, bottom), (right, top) = self.figure.transFigure.inverted().transform(ax.bbox.get_points())
        return {
            "box": _rounded([left, 1 - top, right, 1 - bottom]),
            "x": [*map(float, ax.get_xlim()), ax.get_xscale()],
            "y": [*map(float, ax.get_ylim()), ax.get_yscale()],
        }

    def fractions(self, axes: int, points) -> list:
        """Points given in data coordinates, (n, 2), as fractions of the picture from its top left corner.

        A point that has no place (nan, or below 0 on a log axis) ends up far outside.
        """
        to_figure = self.figure.axes[axes].transData + self.figure.transFigure.inverted()
        x, y = to_figure.transform(np.asarray(points, float)).T
        fractions = np.stack([x, 1 - y], axis=-1)
        return np.nan_to_num(fractions, nan=-99, posinf=99, neginf=-99).round(5).tolist()

    def close(self):
        """Let go of the figure and its pixels."""
        self.figure = self.canvas = self.artists = self._background = None
        self.moving, self._layers = [], []

    def _redraw(self):
        """Draw what does not move; keep what lies above a moving artist as layers of their own."""
        if self._background is None:
            # the layout must be settled before we can tell which axes overlap
            self.figure.draw_without_rendering()
            self.figure.set_layout_engine("none")
        runs = self._runs()
        above = [artist for moves, run in runs if not moves for artist in run]
        for artist in above:
            artist.set_animated(True)
        self.canvas.draw()
        for artist in above:
            artist.set_animated(False)
        self._background = self.canvas.copy_from_bbox(self.figure.bbox)
        self._layers = [_moving_layer(run) if moves else self._overlay(run) for moves, run in runs]
        self.figure.stale = False
        self.full_draws += 1

    def _runs(self):
        """The moving artists in painter's order, with the static ones above them: [(moves, artists), ...]."""
        moving, seen, runs = set(self.moving), set(), []
        axes = _all_axes(self.figure)
        for i, ax in enumerate(axes):
            children = _children(ax)
            first = next((k for k, artist in enumerate(children) if artist in moving), None)
            if first is None:
                continue
            # an axes that lies over this one (a twin, an inset) must stay over it
            over = [other for other in axes[i + 1 :] if other.bbox.overlaps(ax.bbox)]
            for artist in children[first:] + over:
                if artist not in seen:
                    seen.add(artist)
                    _append(runs, artist in moving, artist)
        for artist in self.moving:
            if artist not in seen:
                _append(runs, True, artist)
        return runs

    def _overlay(self, run):
        """Static artists as the pixels they paint, blended in each time: 0.3 ms where drawing a legend costs 13."""
        renderer = _blank_renderer(self.canvas)
        for artist in run:
            artist.draw(renderer)
        painted = np.asarray(renderer.buffer_rgba())
        where = np.flatnonzero(painted[..., 3])
        colour = painted.reshape(-1, 4)[where].astype(np.uint16)
        alpha, paint = colour[:, 3:], colour[:, :3] * colour[:, 3:] + 127

        def blend(_, pixels):
            flat = pixels.reshape(-1, 4)
            flat[where, :3] = (flat[where, :3] * (255 - alpha) + paint) // 255

        return blend


def palette_png(image: Image.Image, limit: int) -> bytes:
    """The image as a palette PNG of at most `limit` bytes: fewer colours, then fewer pixels, until it fits."""
    for colours in (256, 128, 64, 32, 16):
        palette = image.quantize(colours, dither=Image.Dither.NONE)
        encoded = _save(palette, {"format": "PNG", "optimize": True})
        if len(encoded) <= limit:
            return encoded
    return palette_png(image.reduce(2), limit)


def _save(image, options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, **options)
    return buffer.getvalue()


def _flatten(artists):
    """The artists that move among what `setup` returned."""
    if isinstance(artists, Artist):
        return [] if isinstance(artists, (Axes, FigureBase)) else [artists]
    if isinstance(artists, Mapping):
        artists = artists.values()
    elif is_dataclass(artists) or isinstance(artists, SimpleNamespace):
        artists = vars(artists).values()
    elif not isinstance(artists, (list, tuple, set)):
        return []
    return [artist for item in artists for artist in _flatten(item)]


def _all_axes(figure):
    """All axes in painter's order, insets after their parents."""
    axes = sorted(figure.axes, key=lambda ax: ax.zorder)
    for ax in axes:
        axes += [child for child in ax.child_axes if child not in axes]
    return axes


def _children(ax):
    """What an axes draws above its background, in painter's order."""
    hidden = (Axis, Spine) if not ax.axison else () if ax.get_frame_on() else (Spine,)
    children = [child for child in ax.get_children() if not isinstance(child, hidden)]
    children.remove(ax.patch)
    return sorted(children, key=lambda child: child.zorder)


def _append(runs, moves, artist):
    """Add to the last run if it is of the same sort, else begin a new one."""
    if not runs or runs[-1][0] != moves:
        runs.append((moves, []))
    runs[-1][1].append(artist)


def _moving_layer(run):
    def draw(renderer, _):
        for artist in run:
            artist.draw(renderer)

    return draw


def _blank_renderer(canvas):
    renderer = canvas.get_renderer()
    return RendererAgg(renderer.width, renderer.height, renderer.dpi)


def _rounded(numbers):
    return [round(float(number), 5) for number in numbers]
