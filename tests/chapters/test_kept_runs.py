"""What chapters keep of long runs is what their code gives: the first epoch of one run of each, trained again."""

import numpy as np
import pytest

from utils.chapters.activations import runs as activations
from utils.chapters.initialization import runs as initialization
from utils.chapters.normalization import runs as normalization
from utils.nn.activations import relu, sigmoid
from utils.results import reached, results, trained

AGAIN = {
    ("activations", "eight functions", "tanh"): lambda: activations.ten_layers("tanh", 0, epochs=1),
    ("initialization", "eight starts", "ReLU, LeCun"): lambda: initialization.travelling_network(
        *initialization.STARTED["ReLU, LeCun"], epochs=1
    )[1],
    ("normalization", "sigmoids", "batch"): lambda: normalization.travelling_network(
        sigmoid, "batch", epochs=1
    )[1],
    ("normalization", "larger rates", "batch, rate 0.1"): lambda: normalization.travelling_network(
        relu, "batch", gain=2**0.5, epochs=1
    )[1],
}


def differs(kept, again):
    """True where the first two epochs of a kept run are not those of a run of today."""
    same_sizes = [
        np.allclose(getattr(a, name), getattr(b, name), rtol=1e-3)
        for a, b in zip(kept.snapshots, again.snapshots)
        for name in ("activation_rms", "gradient_rms")
    ]
    return not (np.allclose(kept.scores[:2], again.scores, atol=0.01) and all(same_sizes))


@pytest.mark.parametrize("which", AGAIN, ids=" / ".join)
def test_the_first_epoch_is_that_of_today(which):
    chapter, experiment, name = which
    kept = trained(chapter, experiment)[name][0]
    again = AGAIN[which]()
    assert not differs(kept, again)
    another = trained(chapter, experiment)[name][1]
    assert differs(another, again), "another seed is another run"


@pytest.mark.parametrize("chapter", ["activations", "initialization", "normalization"])
def test_every_kept_run_has_an_accuracy(chapter):
    """Between guessing badly and all right, the lowest seed first."""
    for experiment in results(chapter):
        for name, scores in reached(chapter, experiment).items():
            assert scores == sorted(scores) and 0.05 < scores[0] <= scores[-1] <= 1, (experiment, name)
