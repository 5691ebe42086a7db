"""Try an explorable out: many settings, no error, finite numbers, something to see, no dead control."""

import hashlib
import itertools
import re
from numbers import Real

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.collections import Collection
from matplotlib.lines import Line2D
from matplotlib.patches import StepPatch

NOT_FINITE = re.compile(r"(?<![a-z])(nan|inf|infinity)(?![a-z])", re.IGNORECASE)
MOST_CORNERS = 256


class SweepError(AssertionError):
    """An explorable failed at a setting; the message names both."""


def sweep(explorable, seed=0, samples=50) -> int:
    """Try every control alone from the start and from each preset, all corners, `samples` random settings.

    Returns how many settings were tried.  SweepError names the first setting where `update` raises, where the read-out
    says nan or inf, where a moving artist holds such a number (what is to be left out is masked, in images with a
    finite number under the mask) or where nothing that moves is to be seen; or else the control that never changes
    the picture or the read-out.  What only repeats the control's value, an array or a word of the read-out, is no change.
    """
    rng = np.random.default_rng(seed)
    axes = {name: control.samples(rng) for name, control in explorable.controls.items()}
    anchors = [explorable.start, *explorable.presets.values()]
    seen = {}
    for state in _settings(axes, anchors, samples, rng):
        key = repr(state)
        if key not in seen or explorable.live_only:
            seen[key] = _look(explorable, state)
    for name, wires in axes.items():
        if len(wires) > 1 and not _answers(explorable, name, wires, anchors, seen):
            raise SweepError(f"{explorable.title}: {name} changes neither the picture nor the read-out")
    return len(seen)


def _settings(axes, anchors, samples, rng):
    for anchor in anchors:
        yield from (anchor | {name: wire} for name, wires in axes.items() for wire in wires)
    corners = list(itertools.islice(itertools.product(*((w[0], w[-1]) for w in axes.values())), 2**16))
    if len(corners) > MOST_CORNERS:
        corners = [corners[k] for k in rng.choice(len(corners), MOST_CORNERS, replace=False)]
    yield from (dict(zip(axes, corner)) for corner in corners)
    for _ in range(samples):
        yield {name: wires[rng.integers(len(wires))] for name, wires in axes.items()}


def _look(explorable, state) -> tuple:
    """What a setting shows, (read-out, {part of the picture: (fingerprint, the controls that it equals)}).

    SweepError if it should not be shown.
    """

    def fail(why):
        return SweepError(f"{explorable.title}: at {explorable.describe(state)}: {why}")

    try:
        readout = explorable.draw(state)
        parts = {"": explorable.painter.fingerprint()} if explorable.scene else explorable.painter.arrays
    except Exception as error:
        raise fail(f"{type(error).__name__}: {error}") from error
    if NOT_FINITE.search(readout):
        raise fail(f"the read-out is not finite: {readout!r}")
    if explorable.scene is not None:
        _look_at_artists(explorable.scene, fail)
    elif not any(array.any() for array in explorable.painter.arrays.values()):
        raise fail("every number is zero: nothing is to be seen")
    values = explorable.values()
    return readout, {
        name: (
            hashlib.sha256(bytes(part)).hexdigest(),
            {control for control, value in values.items() if _equal(part, value)},
        )
        for name, part in parts.items()
    }


def _equal(part, value) -> bool:
    is_array = isinstance(part, np.ndarray) and isinstance(value, (np.ndarray, Real))
    return is_array and part.size == np.size(value) and np.allclose(part.ravel(), np.ravel(value))


def _look_at_artists(scene, fail):
    for artist in scene.moving:
        if not all(map(_finite, _numbers(artist))):
            raise fail(f"a {type(artist).__name__} holds numbers that are not finite")
    if scene.moving and not scene.moving_in_sight():
        raise fail("nothing that moves is to be seen")


def _numbers(artist) -> list:
    """The arrays that an artist shows."""
    if isinstance(artist, Line2D):
        return list(artist.get_data(orig=True))
    if isinstance(artist, StepPatch):
        return [artist.get_data().values]
    # images and collections mask by themselves what is not finite, so we look under the mask
    colours = artist.get_array() if isinstance(artist, ScalarMappable) else None
    offsets = [artist.get_offsets()] if isinstance(artist, Collection) else []
    return offsets if colours is None else [np.ma.getdata(colours), *offsets]


def _finite(numbers) -> bool:
    numbers = np.ma.asarray(numbers)
    return numbers.dtype.kind not in "fc" or bool(np.isfinite(numbers.compressed()).all())


def _answers(explorable, name, wires, anchors, seen) -> bool:
    """Whether, from some anchor, a control changes more than what repeats its own value."""
    words = sorted({explorable.controls[name].describe(wire) for wire in wires} - {""}, key=len, reverse=True)
    repeated = re.compile("|".join(rf"(?<![\w.]){re.escape(word)}(?![\w.])" for word in words) or "(?!)")
    for anchor in anchors:
        looks = [seen[repr(anchor | {name: wire})] for wire in wires]
        echoes = set.intersection(*({n for n, (_, of) in parts.items() if name in of} for _, parts in looks))
        shown = {
            (repeated.sub("", readout), *(part for n, (part, _) in parts.items() if n not in echoes))
            for readout, parts in looks
        }
        if len(shown) > 1:
            return True
    return False
