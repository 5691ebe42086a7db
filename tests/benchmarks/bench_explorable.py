"""How fast an explorable answers: message in, frame out. Run: pytest tests/benchmarks/bench_explorable.py -n 0

The bars, on two cores: 25 ms a message. What the browser adds, `python -m utils.explorable.tour` measures.
"""

import itertools

import numpy as np
import pytest

from utils import style
from utils.explorable import Explorable

RNG = np.random.default_rng(0)
MAPS = RNG.normal(size=(20, 64, 64))
LINES = RNG.normal(size=(20, 6, 60)).cumsum(-1) / 8


def setup(fig):
    """The reference picture, 800 x 340: a map with its colour bar, six lines with their legend."""
    left, right = fig.subplots(1, 2)
    image = style.heatmap(left, MAPS[0], limit=3)
    fig.colorbar(image, ax=left)
    lines = [right.plot(line, label=f"layer {k}")[0] for k, line in enumerate(LINES[0])]
    right.set_ylim(-3, 3)
    right.legend(loc="upper right")
    return {"image": image, "lines": lines}


def update(artists, step, **_):
    artists["image"].set_data(MAPS[step])
    for artist, line in zip(artists["lines"], LINES[step]):
        artist.set_ydata(line)
    return f"step {step}: mean {MAPS[step].mean():.4f}"


def explorable(**options):
    return Explorable(setup, update, title="reference", step=range(20), **options)


@pytest.mark.parametrize("fmt", ["png", "jpeg", "webp"])
def test_message_to_frame(benchmark, fmt):
    reference = explorable(fmt=fmt)
    steps = itertools.cycle(range(20))

    def message():
        return reference.handle({"kind": "values", "seq": 1, "values": {"step": next(steps)}})

    message()
    reply, buffers = benchmark(message)
    assert reply["kind"] == "frame" and len(buffers[0]) > 10_000


def test_message_that_changes_a_title(benchmark):
    """The price of drawing everything again."""
    steps = itertools.cycle(range(20))

    def retitle(artists, step):
        artists["image"].axes.set_title(f"step {step}")
        return update(artists, step)

    reference = Explorable(setup, retitle, title="reference", step=range(20))
    reply, _ = benchmark(
        lambda: reference.handle({"kind": "values", "seq": 1, "values": {"step": next(steps)}})
    )
    assert reply["kind"] == "frame"


def test_first_display(benchmark):
    benchmark.pedantic(lambda: explorable()._repr_mimebundle_(), rounds=5)


def test_bake_twenty_frames(benchmark):
    benchmark.pedantic(lambda reference: reference.bake(), setup=lambda: ((explorable(),), {}), rounds=3)
