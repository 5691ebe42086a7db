"""The picture: what is blitted must equal what matplotlib draws from scratch, and fit where it is stored."""

import io

import numpy as np
import pytest
from PIL import Image

from utils import style
from utils.explorable import Scene


def full_draw(scene):
    """The picture as matplotlib draws it from scratch."""
    for artist in scene.moving:
        artist.set_animated(False)
    with style.context():
        scene.canvas.draw()
    pixels = np.asarray(scene.canvas.buffer_rgba())[..., :3].astype(int)
    for artist in scene.moving:
        artist.set_animated(True)
    scene._background = None
    return pixels


def lines(ax):
    (line,) = ax.plot(np.zeros(20))
    ax.plot([0, 19], [-1, 1], zorder=5, lw=6, color="black", label="static, above")
    ax.set(ylim=(-1, 1), xlabel="time")
    ax.legend(loc="upper right")
    return line, lambda t: line.set_ydata(np.sin(np.arange(20) + t))


def image(ax):
    shown = style.heatmap(ax, np.zeros((9, 9)), limit=1)
    ax.plot([0, 8], [8, 0], color="black")
    return shown, lambda t: shown.set_data(np.sin(np.arange(81) + t).reshape(9, 9))


def stairs(ax):
    steps = ax.stairs(np.zeros(10), fill=True)
    ax.set_ylim(0, 2)
    return [steps], lambda t: steps.set_data(1 + np.sin(np.arange(10) + t))


def text(ax):
    label = ax.text(0.2, 0.5, "start")
    return {"label": label}, lambda t: (label.set_text(f"moved to {t}"), label.set_position((0.1 * t, 0.3)))


def scatter(ax):
    points = ax.scatter(np.zeros(30), np.zeros(30))
    ax.set(xlim=(-1, 1), ylim=(-1, 1))
    where = np.random.default_rng(0).uniform(-1, 1, size=(9, 30, 2))
    return points, lambda t: points.set_offsets(where[t])


def quiver(ax):
    arrows = ax.quiver(np.zeros((4, 4)), np.ones((4, 4)))
    return arrows, lambda t: arrows.set_UVC(np.full((4, 4), np.cos(t)), np.full((4, 4), np.sin(t)))


def patches(ax):
    bars = ax.bar(range(5), np.ones(5))
    ax.set_ylim(0, 6)
    return bars, lambda t: [bar.set_height(1 + (k + t) % 5) for k, bar in enumerate(bars)]


def twin(ax):
    other = ax.twinx()
    (under,) = ax.plot(np.zeros(9), lw=8)
    other.plot(np.linspace(-1, 1, 9), color="black", lw=8)
    ax.set_ylim(-1, 1)
    return under, lambda t: under.set_ydata(np.cos(np.arange(9) + t))


def annotation(ax):
    note = ax.annotate("here", (0.5, 0.5), xytext=(0.1, 0.9), arrowprops={"arrowstyle": "->"})
    return note, lambda t: setattr(note, "xy", (0.1 * t, 0.2))


def bare(ax):
    ax.set_axis_off()
    return image(ax)


KINDS = [lines, image, stairs, text, scatter, quiver, patches, twin, annotation, bare]


@pytest.mark.parametrize("kind", KINDS)
def test_blit_equals_full_draw(kind):
    moves = []

    def setup_kind(fig):
        artists, move = kind(fig.subplots(1, 2)[0])
        moves.append(move)
        return artists

    scene = Scene(setup_kind, figsize=(6, 3))
    scene.pixels()
    drawn = [scene.pixels()[..., :3].astype(int)]
    for t in (3, 7):
        moves[0](t)
        drawn.append(scene.pixels()[..., :3].astype(int))
    assert scene.full_draws == 1, "only moving artists moved, so nothing else may be drawn again"
    assert (np.abs(drawn[1] - drawn[2]).max(-1) > 8).any(), "the picture must move"
    different = (np.abs(drawn[2] - full_draw(scene)).max(-1) > 8).mean()
    assert different < 0.0005


@pytest.mark.parametrize(
    "change",
    [
        lambda ax: ax.set_xlim(0, 50),
        lambda ax: ax.set_title("a new title"),
        lambda ax: ax.set_yticks([0, 0.5], ["low", "middle"]),
        lambda ax: ax.set_xlabel("steps"),
        lambda ax: ax.figure.set_size_inches(7, 3.5),
        lambda ax: ax.plot([0, 1], [1, 0]),
        lambda ax: ax.lines[1].set_color("red"),
        lambda ax: ax.set_xscale("symlog"),
    ],
)
def test_what_does_not_move_is_drawn_again_when_it_changed(change):
    def setup_lines(fig):
        return lines(fig.subplots())[0]

    scene = Scene(setup_lines, figsize=(6, 3))
    before = scene.pixels().copy()
    change(scene.figure.axes[0])
    after = scene.pixels()[..., :3].astype(int)
    assert scene.full_draws == 2
    assert before.shape != after.shape or (before[..., :3] != after).any()
    assert (np.abs(after - full_draw(scene)).max(-1) > 8).mean() < 0.0005


def test_artists_are_found_in_whatever_holds_them():
    def setup_nested(fig):
        ax = fig.subplots()
        line, bars = ax.plot([1, 2])[0], ax.bar([0], [1])
        return {"ax": ax, "fig": fig, "all": [line, (bars, {"again": line})], "data": np.ones(3), "n": 4}

    scene = Scene(setup_nested)
    assert scene.moving == [scene.artists["all"][0], *scene.artists["all"][1][0]]


def test_a_scene_without_moving_artists_follows_its_title():
    scene = Scene(lambda fig: fig.subplots())
    before = scene.pixels().copy()
    scene.artists.set_title("changed")
    assert (scene.pixels() != before).any()


def test_a_photograph_is_baked_with_loss():
    noise = np.random.default_rng(0).random((340, 800, 3))
    scene = Scene(lambda fig: fig.add_axes((0, 0, 1, 1)).imshow(noise, aspect="auto"))
    plain = io.BytesIO()
    scene.image().save(plain, "WEBP", lossless=True)
    assert len(scene.encode("webp")) < plain.tell() / 2


def test_a_busy_picture_still_fits_forty_kilobytes():
    noise = np.random.default_rng(0).random((340, 800, 3))
    scene = Scene(lambda fig: fig.add_axes((0, 0, 1, 1)).imshow(noise, aspect="auto"))
    assert len(scene.poster()) <= 40_000
    assert Image.open(io.BytesIO(scene.poster())).mode == "P"


@pytest.mark.filterwarnings("error")
def test_axes_placed_by_hand_draw_without_a_warning():
    Scene(lambda fig: fig.add_axes((0.1, 0.1, 0.8, 0.8)).plot([1, 2])).pixels()
