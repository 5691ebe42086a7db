"""Explorables of chapter 04: the way back through layer norm against PyTorch."""

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from matplotlib.colors import to_rgba

from tests.explorable.artists import heights, shown
from utils import style
from utils.chapters.normalization import explore
from utils.chapters.normalization.explore import taken_apart
from utils.nn.normalization import layer_norm

# ---- layer norm's way back


def torch_gradient(weight, upstream):
    x = torch.from_numpy(taken_apart.X.copy()).requires_grad_()
    y = F.layer_norm(x, (taken_apart.D,), torch.from_numpy(weight))
    y.backward(torch.from_numpy(upstream))
    return x.grad.numpy()


ASKED = list(itertools.product(taken_apart.UPSTREAMS, taken_apart.WEIGHTS))


@pytest.mark.parametrize("upstream, weight", ASKED)
def test_three_terms_and_differences_are_torchs_gradient(upstream, weight):
    dy, w = taken_apart.UPSTREAMS[upstream], taken_apart.WEIGHTS[weight]
    theirs = torch_gradient(w, dy)
    np.testing.assert_allclose(sum(taken_apart.terms(taken_apart.X, w, dy).values()), theirs, atol=1e-12)
    np.testing.assert_allclose(taken_apart.slopes(layer_norm, w, dy), theirs, atol=1e-9)


def test_the_terms_are_what_their_names_say():
    dy, w = taken_apart.UPSTREAMS["random"], taken_apart.WEIGHTS["different"]
    found = taken_apart.terms(taken_apart.X, w, dy)
    inv_std = 1 / np.sqrt(taken_apart.X.var() + taken_apart.EPS)
    centred = taken_apart.X - taken_apart.X.mean()
    np.testing.assert_allclose(found["direct"], inv_std * w * dy)
    np.testing.assert_allclose(found["mean path"], -inv_std * (w * dy).mean() * np.ones((1, 8)))
    ratio = found["variance path"] / centred
    np.testing.assert_allclose(ratio, ratio[0, 0])
    assert np.abs(ratio).max() > 0.1


@pytest.mark.parametrize("upstream, weight", ASKED)
def test_verdicts_agree_exactly_when_torch_does(upstream, weight):
    dy, w = taken_apart.UPSTREAMS[upstream], taken_apart.WEIGHTS[weight]
    theirs = torch_gradient(w, dy)
    explorable = explore.norm_backward()
    for kept in itertools.product((False, True), repeat=3):
        on = [name for name, keep in zip(taken_apart.TERMS, kept) if keep]
        right = np.allclose(taken_apart.switched(w, dy, on), theirs, atol=1e-9)
        direct, mean_path, variance_path = kept
        said = explorable.at(
            direct=direct, mean_path=mean_path, variance_path=variance_path, upstream=upstream, weight=weight
        )[1].splitlines()
        assert ("agrees" in said[0]) == right != ("differs" in said[0])
        assert said[1] == "layer_norm's own pullback: agrees with finite differences"


def test_ones_from_above_do_not_notice_a_missing_variance_path():
    explorable = explore.norm_backward()
    assert "variance is missing" in explorable.at(variance_path=False)[1]
    blind = explorable.at(variance_path=False, upstream="ones")[1]
    assert "differs" not in blind and "the true gradient is 0 everywhere" in blind
    assert "mean (or a sum) there is missing" in explorable.at(mean_path=False, upstream="ones")[1]
    assert "differs" in explorable.at(variance_path=False, upstream="ones", weight="different")[1]
    nothing = explorable.at(direct=False, mean_path=False, variance_path=False, upstream="ones")[1]
    assert "no term at all: agrees" in nothing


def mutant(change):
    """layer_norm with a pullback that changes the gradient of x: change(dx, dx_hat, x, inv_std) -> dx."""

    def norm(x, weight, bias):
        y, pullback = layer_norm(x, weight, bias)
        inv_std = 1 / np.sqrt(x.var(-1, keepdims=True) + 1e-5)

        def wrong(dy):
            dx, *rest = pullback(dy)
            return change(dx, dy * weight, x, inv_std), *rest

        return y, wrong

    return norm


MUTANTS = {
    "mean (or a sum) there is missing": lambda dx, g, x, s: dx + s * g.mean(-1, keepdims=True),
    "through the variance is missing": lambda dx, g, x, s: (
        dx + s**3 * (x - x.mean()) * (g * (x - x.mean())).mean(-1, keepdims=True)
    ),
    "through the mean and the variance are missing": lambda dx, g, x, s: s * g,
    "wrong sign": lambda dx, g, x, s: -dx,
    "a constant factor of 2": lambda dx, g, x, s: 2 * dx,
    "zero everywhere": lambda dx, g, x, s: 0 * dx,
    "not finite": lambda dx, g, x, s: dx * np.nan,
    "returns no gradient of x": lambda dx, g, x, s: None,
    "differs": lambda dx, g, x, s: dx[0],
}


@pytest.mark.parametrize("words", MUTANTS)
def test_the_readers_wrong_pullback_is_judged_and_drawn(words):
    picture, said = explore.norm_backward(mutant(MUTANTS[words])).at()
    lines = said.splitlines()
    assert lines[0] == "all three terms: agrees with finite differences"
    assert words in lines[1]
    assert picture != explore.norm_backward().at()[0]


def test_the_readers_pullback_of_one_gradient_is_told_what_is_missing():
    def norm(x, weight, bias):
        y, pullback = layer_norm(x, weight, bias)
        return y, lambda dy: pullback(dy)[0]

    assert "it must return three" in explore.norm_backward(norm).at()[1]


def test_the_readers_pullback_of_two_gradients_is_told_that_one_is_missing():
    def norm(x, weight, bias):
        y, pullback = layer_norm(x, weight, bias)
        return y, lambda dy: pullback(dy)[:2]

    assert (
        "own pullback: returns no gradient of x; it must return three" in explore.norm_backward(norm).at()[1]
    )


def test_a_gradient_off_by_a_thousandth_differs_and_one_off_by_rounding_agrees():
    truth = np.array([[0.5, -1.0, 0.0]])
    for slip in (1e-3, 1e-4):
        assert not taken_apart.agrees(truth + slip * np.eye(3)[:1], truth)
    assert taken_apart.agrees(truth + 1e-7, truth)
    slightly_off = mutant(lambda dx, g, x, s: dx + 1e-3 * np.eye(8)[:1])
    assert "own pullback: differs" in explore.norm_backward(slightly_off).at()[1]


def test_small_slopes_are_not_taken_for_zero():
    dy, w = taken_apart.UPSTREAMS["random"], taken_apart.WEIGHTS["different"]
    found = taken_apart.slopes(layer_norm, w, 1e-5 * dy)
    np.testing.assert_allclose(found, 1e-5 * torch_gradient(w, dy), atol=1e-10)
    assert np.abs(found).max() > 1e-6


def test_the_bias_that_goes_in_is_zero():
    w = taken_apart.WEIGHTS["different"]
    theirs = F.layer_norm(torch.from_numpy(taken_apart.X), (8,), torch.from_numpy(w))
    np.testing.assert_allclose(taken_apart.applied(layer_norm, taken_apart.X, w)[0], theirs, atol=1e-12)


def test_the_pictures_show_what_is_on_and_the_sum_of_it():
    artists = shown(explore.norm_backward(), variance_path=False, weight="different")
    dy, w = taken_apart.UPSTREAMS["random"], taken_apart.WEIGHTS["different"]
    parts, theirs = taken_apart.terms(taken_apart.X, w, dy), torch_gradient(w, dy)
    expected = parts | {"upstream": dy, "total": parts["direct"] + parts["mean path"], "truth": theirs}
    assert np.abs(expected["total"]).max() < taken_apart.LIMIT  # nothing is cut off
    for name, values in expected.items():
        np.testing.assert_allclose(heights(artists[name]), values[0], atol=1e-8, err_msg=name)
    np.testing.assert_allclose(artists["claimed"].get_ydata(), theirs[0])
    for name in ("direct", "mean path"):
        assert artists[name].get_facecolor() == to_rgba(style.GRADIENT)
    red, green, blue, _ = artists["variance path"].get_facecolor()
    assert red == green == blue


def test_another_value_makes_another_truth():
    def unbiased(x, weight, bias):
        y, pullback = layer_norm(x, weight, bias)
        return y * np.sqrt(7 / 8), pullback

    lines = explore.norm_backward(unbiased).at()[1].splitlines()
    assert all("a constant factor of 1.07" in line for line in lines[:2])


def test_a_layer_norm_that_writes_into_its_arguments_spoils_nothing():
    def careless(x, weight, bias):
        y, pullback = layer_norm(x.copy(), weight.copy(), bias)

        def back(dy):
            found = pullback(dy.copy())
            dy *= 0
            return found

        x[:], weight[:], bias[:] = 0, 0, 7
        return y, back

    before = explore.norm_backward().at()[1]
    assert explore.norm_backward(careless).at()[1] == before == explore.norm_backward().at()[1]
    assert (taken_apart.BIAS == 0).all()
