"""The style: colours that mean something, maps that are symmetric around 0, and no trace left behind."""

import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from utils import style


def lightness(colours):
    """CIE L*, 0 (black) to 100 (white), of sRGB colours (n, 3)."""
    colours = np.asarray(colours)
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    y = linear @ [0.2126, 0.7152, 0.0722]
    return np.where(y > 0.008856, 116 * np.cbrt(y) - 16, 903.3 * y)


def test_colours_are_those_of_the_derivations():
    assert (style.ACTIVATION, style.GRADIENT, style.PARAMETER) == ("#0072B2", "#D55E00", "#009E73")


def test_series_do_not_borrow_a_colour_that_means_something():
    meaning = [to_rgb(c) for c in (style.ACTIVATION, style.GRADIENT, style.PARAMETER)]
    for colour in style.SERIES:
        assert min(np.abs(np.subtract(to_rgb(colour), m)).sum() for m in meaning) > 0.3


def test_signed_map_is_white_at_zero_blue_below_vermilion_above_and_balanced():
    colours = style.SIGNED_MAP(np.linspace(0, 1, 101))[:, :3]
    assert colours[50] == pytest.approx([1, 1, 1])
    assert colours[25] == pytest.approx(to_rgb(style.ACTIVATION), abs=0.02)
    assert colours[75] == pytest.approx(to_rgb(style.GRADIENT), abs=0.02)
    light = lightness(colours)
    assert (np.diff(light[:51]) > 0).all() and (np.diff(light[50:]) < 0).all()
    assert np.abs(light - light[::-1]).max() < 10


@pytest.mark.parametrize("color_map", [style.ACTIVATION_MAP, style.GRADIENT_MAP])
def test_maps_from_zero_darken_from_white(color_map):
    light = lightness(color_map(np.linspace(0, 1, 50))[:, :3])
    assert light[0] == pytest.approx(100) and (np.diff(light) < 0).all() and light[-1] < 40


def test_fonts_are_readable_in_a_room():
    names = (
        "font.size",
        "axes.titlesize",
        "axes.labelsize",
        "xtick.labelsize",
        "ytick.labelsize",
        "legend.fontsize",
    )
    assert min(style.STYLE[name] for name in names) >= 10
    assert style.STYLE["figure.dpi"] == 100


def test_context_applies_and_restores():
    before = dict(matplotlib.rcParams)
    with style.context():
        ax = Figure().subplots()
        assert not ax.spines["top"].get_visible() and not ax.spines["right"].get_visible()
        assert matplotlib.rcParams["figure.figsize"] == [8, 3.4]
    assert dict(matplotlib.rcParams) == before


def test_use_applies():
    with matplotlib.rc_context():
        style.use()
        assert matplotlib.rcParams["lines.linewidth"] == style.STYLE["lines.linewidth"]


@pytest.mark.parametrize(
    ("kind", "limits"), [("signed", (-3, 3)), ("activation", (0, 3)), ("gradient", (0, 3))]
)
def test_heatmap_takes_the_colours_of_its_kind(kind, limits):
    image = style.heatmap(Figure().subplots(), [[1, -3], [2, 0]], kind=kind)
    assert image.get_clim() == limits and image.get_cmap() == style.MAPS[kind]


def test_heatmap_of_zeros_and_of_gaps():
    assert style.heatmap(Figure().subplots(), np.zeros((2, 2))).get_clim() == (-1, 1)
    assert style.heatmap(Figure().subplots(), [[np.nan, 2]]).get_clim() == (-2, 2)
    assert style.heatmap(Figure().subplots(), [[5.0]], limit=9).get_clim() == (-9, 9)


def test_heatmap_refuses_what_it_cannot_show():
    with pytest.raises(ValueError, match="kind: expected one of signed, activation, gradient, got 'hot'"):
        style.heatmap(Figure().subplots(), [[1]], kind="hot")
    with pytest.raises(ValueError, match=r"values: expected a matrix .* got shape \(3,\)"):
        style.heatmap(Figure().subplots(), [1, 2, 3])


def test_importing_it_imports_neither_torch_nor_pyplot():
    code = "import sys, utils.style; print('torch' in sys.modules, 'matplotlib.pyplot' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["False", "False"]


def contrast(one, other):
    """The ratio of WCAG 2.2 for two colours."""

    def luminance(colour):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
        return np.dot([0.2126, 0.7152, 0.0722], linear)

    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


WHITE, DARK = "#FFFFFF", "#111111"  # the paper of JupyterLab's two themes


@pytest.mark.parametrize("meaning", style.MEANINGS)
def test_marks_can_be_seen_and_letters_can_be_read(meaning):
    mark, letter = style.MEANINGS[meaning]
    assert contrast(mark, WHITE) >= 3 and contrast(letter, WHITE) >= 4.5
    # no colour has 4.5 on both papers; this is as near as three hues come
    assert contrast(letter, DARK) >= 4.0 and contrast(WHITE, DARK) < 4.5**2
    assert contrast(style.TARGET, WHITE) >= 4.5


def test_letters_have_the_hue_of_their_marks():
    from colorsys import rgb_to_hsv

    for mark, letter in style.MEANINGS.values():
        assert abs(rgb_to_hsv(*to_rgb(mark))[0] - rgb_to_hsv(*to_rgb(letter))[0]) < 0.02


def test_what_crosscheck_says_can_be_read_on_any_page():
    import re

    from utils.crosscheck.report import STYLE

    for looks in STYLE.values():
        ink, paper = re.findall("#[0-9a-f]{6}", looks)
        assert "background-color" in looks and contrast(ink, paper) >= 4.5
