"""The sweep must catch every explorable that is broken, and name the setting; a sound one passes."""

import numpy as np
import pytest

from utils.explorable import Array, Canvas, Choice, Curve, Explorable, Grid, Switch, Text
from utils.explorable.sweep import SweepError, sweep

TIME = np.linspace(0, 6, 50)


def setup(fig):
    left, right = fig.subplots(1, 2)
    (line,) = left.plot(TIME, np.zeros(50))
    left.set_ylim(-1, 1)
    image = right.imshow(np.zeros((4, 4)), vmin=0, vmax=9)
    right.grid(False)
    return {"line": line, "image": image}


def sound(artists, frequency, phase, loud):
    artists["line"].set_ydata(np.sin(frequency * TIME + phase) * (0.9 if loud else 0.3))
    artists["image"].set_data(np.full((4, 4), float(frequency)))
    return f"{frequency} waves"


def wave(update, **options):
    return Explorable(
        setup,
        update,
        **{"title": "wave", "frequency": range(1, 9), "phase": [0.0, 1.0, 2.0], "loud": Switch(True)}
        | options,
    )


def test_a_sound_one_passes_and_every_setting_counts():
    axes_and_corners = (8 + 2 + 1) + 4
    assert sweep(wave(sound), samples=0) == axes_and_corners
    assert axes_and_corners < sweep(wave(sound)) <= 8 * 3 * 2


def raises_at_a_corner(artists, frequency, phase, loud):
    if frequency == 8 and phase == 2.0 and not loud:
        raise ZeroDivisionError("no room")
    return sound(artists, frequency, phase, loud)


def raises_inside(artists, frequency, phase, loud):
    if frequency == 4 and phase == 1.0:
        raise ZeroDivisionError("no room")
    return sound(artists, frequency, phase, loud)


def blank_at_one_value(artists, frequency, phase, loud):
    readout = sound(artists, frequency, phase, loud)
    artists["image"].set_visible(frequency != 5)
    if frequency == 5:
        artists["line"].set_ydata(np.full(50, 7.0))
    return readout


def nan_in_the_readout(artists, frequency, phase, loud):
    sound(artists, frequency, phase, loud)
    return f"loss {'nan' if frequency == 3 else 0.5}"


def infinity_in_the_readout(artists, frequency, phase, loud):
    sound(artists, frequency, phase, loud)
    return f"largest gradient {np.float64(-np.inf) if phase == 2.0 else 3:.3f}"


def nan_in_the_image(artists, frequency, phase, loud):
    readout = sound(artists, frequency, phase, loud)
    artists["image"].set_data(np.full((4, 4), np.nan if frequency == 2 else 1.0))
    return readout


def infinity_in_the_line(artists, frequency, phase, loud):
    readout = sound(artists, frequency, phase, loud)
    artists["line"].set_ydata(np.where(TIME > 5, np.inf if phase == 1.0 else 0, 0.5))
    return readout


def no_readout(artists, frequency, phase, loud):
    sound(artists, frequency, phase, loud)
    return None


@pytest.mark.parametrize(
    ("update", "message"),
    [
        (raises_at_a_corner, "at frequency=8, phase=2, loud=off: ZeroDivisionError: no room"),
        (raises_inside, "at frequency=4, phase=1, loud=o.*: ZeroDivisionError: no room"),
        (blank_at_one_value, "at frequency=5, phase=0, loud=on: nothing that moves is to be seen"),
        (nan_in_the_readout, "at frequency=3, phase=0, loud=on: the read-out is not finite: 'loss nan'"),
        (infinity_in_the_readout, "at frequency=1, phase=2, loud=on: the read-out is not finite"),
        (nan_in_the_image, "at frequency=2, phase=0, loud=on: a AxesImage holds numbers that are not finite"),
        (
            infinity_in_the_line,
            "at frequency=1, phase=1, loud=on: a Line2D holds numbers that are not finite",
        ),
        (no_readout, "TypeError: update must return the read-out"),
    ],
)
def test_a_broken_one_is_caught_at_its_setting(update, message):
    with pytest.raises(SweepError, match=f"^wave: .*{message}"):
        sweep(wave(update))


@pytest.mark.parametrize("dead", ["frequency", "phase", "loud"])
def test_a_dead_control_is_caught_by_name(dead):
    alive = {"frequency": 2, "phase": 0.5, "loud": True}

    def deaf(artists, **values):
        return sound(artists, **values | {dead: alive[dead]})

    with pytest.raises(SweepError, match=f"wave: {dead} changes neither the picture nor the read-out"):
        sweep(wave(deaf))


def path(compute):
    """A picture of marks with a start to drag, which is drawn as it is given."""
    return Explorable(
        compute,
        title="path",
        marks=[Curve("y"), Grid("begin", drag="begin")],
        begin=Array([[-2.0, 1.0]], step=0.5),
        rate=[0.1, 0.2],
    )


@pytest.mark.parametrize(
    "dead, curve, readout",
    [
        ("begin", lambda begin, rate: rate * np.arange(4.0), "a path"),
        ("begin", lambda begin, rate: rate * np.arange(4.0), "from {begin}"),
        ("rate", lambda begin, rate: begin.sum() * np.arange(4.0), "a path"),
        ("rate", lambda begin, rate: begin.sum() * np.arange(4.0), "with the rate {rate}"),
    ],
)
def test_a_control_that_is_only_repeated_is_dead(dead, curve, readout):
    def compute(begin, rate):
        told = readout.format(rate=rate, begin=f"[{begin[0, 0]:g} {begin[0, 1]:g}]")
        return dict(y=curve(begin, rate), begin=begin, readout=told)

    with pytest.raises(SweepError, match=f"path: {dead} changes neither"):
        sweep(path(compute))


def test_a_dragged_start_that_moves_the_rest_is_alive():
    def compute(begin, rate):
        return dict(y=begin.sum() * rate * np.arange(1.0, 5.0) + 1, begin=begin, readout=f"rate {rate}")

    assert sweep(path(compute)) > 4


def test_a_control_may_be_alive_only_in_a_preset():
    def phase_of_loud_ones(artists, frequency, phase, loud):
        return sound(artists, frequency, phase if loud else 0, loud)

    quiet = {"start": {"loud": False}}
    with pytest.raises(SweepError, match="phase changes neither"):
        sweep(wave(phase_of_loud_ones, **quiet))
    assert sweep(wave(phase_of_loud_ones, presets={"loud": {"loud": True}}, **quiet)) > 10


def test_a_preset_is_a_setting_like_any_other():
    def fussy(artists, frequency, phase, loud):
        if frequency == 6 and phase == 1.0:
            raise ValueError("the preset")
        return sound(artists, frequency, phase, loud)

    with pytest.raises(SweepError, match="frequency=6, phase=1"):
        sweep(wave(fussy, presets={"six": {"frequency": 6, "phase": 1.0}}), samples=0)


def test_words_that_contain_nan_or_inf_are_fine():
    def wordy(artists, **values):
        return sound(artists, **values) + ": nano information, Conan, infinitely many"

    assert sweep(wave(wordy)) > 16


def test_masked_gaps_and_white_maps_are_fine():
    def gaps(artists, frequency, phase, loud):
        readout = sound(artists, frequency, phase, loud)
        artists["line"].set_ydata(
            np.ma.masked_where(TIME < 1, artists["line"].get_ydata() + np.where(TIME < 1, np.nan, 0))
        )
        artists["image"].set_data(np.ma.masked_where(np.eye(4), np.zeros((4, 4))))
        return readout

    assert sweep(wave(gaps)) > 16


def test_text_canvas_and_choice_are_swept_too():
    def note(artists, digit, name, norm):
        artists["line"].set_ydata(np.full(50, digit.mean() * 0.9))
        return f"{name}, {norm}: {len(name)} letters, {norm[1]} is the power"

    def fussy(artists, digit, name, norm):
        if digit.all():
            raise ValueError("no white left")
        return note(artists, digit, name, norm)

    controls = {"digit": Canvas((3, 3)), "name": Text("the cat"), "norm": Choice(["L1", "L2"])}
    assert sweep(Explorable(setup, note, title="drawing", **controls)) > 8
    with pytest.raises(
        SweepError, match="at digit=3x3 drawing, name='the cat', norm=L1: ValueError: no white left"
    ):
        sweep(Explorable(setup, fussy, title="drawing", **controls))
