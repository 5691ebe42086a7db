"""Colours that carry meaning, and the one matplotlib style of the course."""

from contextlib import contextmanager

import matplotlib
import numpy as np
from matplotlib import cycler
from matplotlib.colors import LinearSegmentedColormap

# Okabe and Ito's colour-blind safe palette, for lines, areas and marks: at least 3:1 on white.
ACTIVATION = "#0072B2"
GRADIENT = "#D55E00"
PARAMETER = "#009E73"
DATA = "#000000"
TARGET = "#767676"
# The same hues as letters, in the LaTeX of derivations: at least 4.5:1 on white, and 4:1 on the dark theme's paper. No
# colour has 4.5:1 on both, since white against that paper has less than 4.5 times 4.5.
ACTIVATION_TEXT = "#157ABB"
GRADIENT_TEXT = "#C25400"
PARAMETER_TEXT = "#008560"
# meaning: (of marks, of letters)
MEANINGS = {
    "value": (ACTIVATION, ACTIVATION_TEXT),
    "gradient": (GRADIENT, GRADIENT_TEXT),
    "parameter": (PARAMETER, PARAMETER_TEXT),
}
# For series that are none of the above (optimizers, datasets, layers side by side).
SERIES = ("#333333", "#CC79A7", "#E69F00", "#56B4E9", "#8C6BB1", "#999999")


def _color_map(name, colours):
    # 257 colours, an odd number, so that the middle is exactly the middle colour
    return LinearSegmentedColormap.from_list(name, colours, N=257).with_extremes(bad="#BBBBBB")


SIGNED_MAP = _color_map("signed", ["#00436B", ACTIVATION, "#FFFFFF", GRADIENT, "#7A3500"])
ACTIVATION_MAP = _color_map("activation", ["#FFFFFF", ACTIVATION, "#00436B"])
GRADIENT_MAP = _color_map("gradient", ["#FFFFFF", GRADIENT, "#7A3500"])
MAPS = {"signed": SIGNED_MAP, "activation": ACTIVATION_MAP, "gradient": GRADIENT_MAP}

STYLE = {
    "figure.figsize": (8, 3.4),
    "figure.dpi": 100,
    "savefig.dpi": 100,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.08,
    "figure.constrained_layout.h_pad": 0.08,
    "figure.facecolor": "white",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.titlelocation": "left",
    "axes.titlepad": 8,
    "axes.labelsize": 11,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "legend.fontsize": 10,
    "figure.titlesize": 13,
    "axes.edgecolor": "#555555",
    "axes.labelcolor": "#222222",
    "text.color": "#222222",
    "xtick.color": "#555555",
    "ytick.color": "#555555",
    "xtick.labelcolor": "#222222",
    "ytick.labelcolor": "#222222",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E8E8E8",
    "grid.linewidth": 0.8,
    "lines.linewidth": 2,
    "lines.markersize": 5,
    "axes.prop_cycle": cycler(color=SERIES),
    "legend.framealpha": 0.85,
    "legend.edgecolor": "none",
    "image.interpolation": "nearest",
    "image.cmap": "signed",
}


# Known by name, so that `image.cmap` may name one.
for _map in MAPS.values():
    matplotlib.colormaps.register(_map, force=True)


def use():
    """Apply the style to every figure made from now on."""
    matplotlib.rcParams.update(STYLE)


@contextmanager
def context():
    """Apply the style inside a `with` block and restore what was there before."""
    with matplotlib.rc_context(STYLE):
        yield


def heatmap(ax, values, *, kind="signed", limit=None, aspect="equal"):
    """Show a matrix in the colours of its meaning and return the image.

    values: (rows, columns).  kind: "signed" (centred on 0), "activation" or "gradient" (from 0).
    limit: the value where the colours end; the largest magnitude in `values` when omitted.
    aspect: "equal" for square cells, "auto" to fill the axes.
    ValueError for an unknown kind or for values that are not a matrix.
    """
    if kind not in MAPS:
        raise ValueError(f"kind: expected one of {', '.join(MAPS)}, got {kind!r}")
    values = np.asarray(values)
    if values.ndim != 2:
        raise ValueError(f"values: expected a matrix (rows, columns), got shape {values.shape}")
    if limit is None:
        limit = float(np.nanmax(np.abs(values), initial=0)) or 1.0
    low = -limit if kind == "signed" else 0
    image = ax.imshow(values, cmap=MAPS[kind], vmin=low, vmax=limit, aspect=aspect)
    ax.grid(False)
    ax.tick_params(length=0)
    return image
