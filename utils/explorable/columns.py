"""The mark of a network's layers: a column of cells each, values beside gradients, and how large they are below it."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .links import shape_of
from .marks import Mark

NOTHING = -99.0  # the exponent that stands for a size of exactly 0
SMALLEST = -80.0  # the exponent of anything smaller
LOWEST, HIGHEST = -20, 12  # exponents: an axis goes no further, what lies beyond is marked at its edge


@dataclass(frozen=True)
class Layers(Mark):
    """The layers of a network as columns: cells of values in blue beside gradients in vermilion, sizes on a log axis.

    of: shades of some units' values, (layers, units), from -1 to 1, see `shades`; gradients: shades of their gradients,
    of the same shape; sizes: exponents of ten, (lines, layers), see `exponents`: of the values, of the gradients, and of
    what else belongs to the values; shown: (layers,), -1 where there is no layer, 0 where nothing is known yet, 1 where
    the value is, 2 where the gradient is too; limits: exponents at both ends of the axis, (2,), see `axis`; names: of
    the lines.
    """

    gradients: str = ""
    sizes: str = ""
    shown: str = ""
    limits: str = ""
    names: tuple = ("activations", "gradients")
    mark: ClassVar[str] = "layers"

    def arrays(self):
        return (self.of, self.gradients, self.sizes, self.shown, self.limits)

    def shape(self, shapes):
        return self.expect_axes(shapes, 2)[:1]

    def spec(self, shapes):
        layers, units = self.expect_axes(shapes, 2)
        for name, expected in (
            (self.gradients, (layers, units)),
            (self.sizes, (len(self.names), layers)),
            (self.shown, (layers,)),
            (self.limits, (2,)),
        ):
            if shape_of(name, shapes) != expected:
                raise ValueError(f"{name}: expected shape {expected}, got {shape_of(name, shapes)}")
        return super().spec(shapes) | {
            "units": units,
            "gradients": self.gradients,
            "sizes": self.sizes,
            "shown": self.shown,
            "limits": self.limits,
            "names": list(self.names),
        }


def exponents(sizes):
    """Powers of ten of sizes, which are not negative; NOTHING for 0, and for nothing else."""
    sizes = np.asarray(sizes, float)
    return np.where(sizes > 0, np.maximum(np.log10(np.where(sizes > 0, sizes, 1.0)), SMALLEST), NOTHING)


def shades(numbers, limits):
    """Colours of numbers, from -1 to 1: the magnitude's place on a log axis, and the sign.  limits: see `axis`."""
    low, high = limits
    place = (exponents(np.abs(numbers)) - low) / (high - low)
    return np.sign(numbers) * np.clip(place, 0.0, 1.0)


def axis(powers, step=4):
    """(low, high): the nearest multiples of `step` that hold all powers of ten but NOTHING, and a tenth of the smallest."""
    seen = np.asarray(powers)[np.asarray(powers) > NOTHING]
    if not seen.size:
        return np.array([-step, step], float)
    low, high = np.floor((seen.min() - 1) / step) * step, np.ceil(seen.max() / step) * step
    low, high = min(max(low, LOWEST), HIGHEST - step), min(high, HIGHEST)
    return np.array([low, max(high, low + step)], float)


def filled(rows, layers, empty=0.0):
    """An array with a row for each of `layers`, the last ones `empty` where there are fewer rows."""
    rows = np.asarray(rows, float)
    return np.concatenate([rows, np.full((layers - len(rows), *rows.shape[1:]), empty)])


SUPERSCRIPTS = str.maketrans(
    "-0123456789", "\u207b\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079"
)


def in_powers(number):
    """A size as a reader writes it: 0.55, or 8.6·10⁻¹³."""
    if number == 0 or 0.01 <= abs(number) < 1000:
        return f"{number:.2f}"
    mantissa, power = f"{number:.1e}".split("e")
    return f"{mantissa}\u00b710{str(int(power)).translate(SUPERSCRIPTS)}"
