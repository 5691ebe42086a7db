"""The plot that all chapters share."""

import numpy as np
from matplotlib.figure import Figure

from utils.explorable.layers import Bands, LayerPlot


def test_bands_follow_the_quantiles():
    bands = Bands(Figure().add_subplot(), 5, "black", (-1, 1))
    quantiles = np.sort(np.random.default_rng(0).normal(size=(3, 5)), axis=1)
    bands.show(quantiles)
    np.testing.assert_array_equal(bands.middle.get_ydata(), quantiles[:, 2])
    corners = bands.outer.get_xy()
    assert (
        corners[:3, 1].tolist() == quantiles[:, 0].tolist()
        and corners[3:6, 1].tolist() == quantiles[::-1, 4].tolist()
    )


def test_logarithmic_bands_stay_on_the_axis():
    bands = Bands(Figure().add_subplot(), 2, "black", (1e-3, 1e3), log=True)
    bands.show(np.array([[0, 1e-9, 1, 1e9, np.inf]] * 2))
    assert bands.outer.get_xy()[:, 1].min() == 1e-3 and bands.outer.get_xy()[:, 1].max() == 1e3


def test_layer_plot_has_one_colour_for_each_meaning():
    figure = Figure()
    plot = LayerPlot(*figure.subplots(1, 2), 4, activation_limits=(0, 1))
    plot.show(np.ones((4, 5)), np.ones((4, 5)))
    assert plot.activations.middle.get_color() == "#0072B2" and plot.gradients.middle.get_color() == "#D55E00"
    assert len(plot.artists) == 6
