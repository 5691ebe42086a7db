"""Explorables of chapter 04: their mathematics without a figure and against PyTorch, and the sweep over all settings."""

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from utils.explore import normalization as explore
from utils.explore.normalization import running_statistics, taken_apart, weight_scale, who_is_averaged
from utils.explore.sweep import sweep
from utils.nn.normalization import batch_norm, group_norm, instance_norm, layer_norm

KINDS = list(who_is_averaged.LABELS)
PLACES = list(np.ndindex(who_is_averaged.SHAPE))
OURS = who_is_averaged.normalizations(batch_norm, layer_norm, instance_norm, group_norm)
THEIRS = {
    "batch": lambda x: F.batch_norm(x, None, None, training=True),
    "layer": lambda x: F.layer_norm(x, x.shape[1:]),
    "layer, Transformer": lambda x: F.layer_norm(x.transpose(1, 2), x.shape[1:2]).transpose(1, 2),
    "instance": F.instance_norm,
    "2 groups": lambda x: F.group_norm(x, 2),
    "3 groups": lambda x: F.group_norm(x, 3),
}


@pytest.mark.parametrize("name", ["groups", "norm_backward", "scale", "train_against_eval"])
def test_sweep(name):
    sweep(getattr(explore, name)())


# ---- who is averaged


@pytest.mark.parametrize("kind", KINDS)
def test_groups_are_those_of_pytorch(kind):
    theirs = THEIRS[kind](torch.from_numpy(who_is_averaged.X)).numpy()
    for place in PLACES:
        members = who_is_averaged.X[who_is_averaged.group_of(kind, place)]
        expected = (who_is_averaged.X[place] - members.mean()) / np.sqrt(members.var() + 1e-5)
        assert theirs[place] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_reaches_exactly_the_group(kind):
    for place in PLACES:
        found = who_is_averaged.averaged(OURS[kind], kind, place)
        np.testing.assert_array_equal(found.reached, found.group)
        assert "exactly the group" in who_is_averaged.reach_in_words(found)
        assert found.gradient.sum() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_the_row_of_the_jacobian_is_torchs(kind):
    place = (2, 4, 1)
    x = torch.from_numpy(who_is_averaged.X).requires_grad_()
    y = THEIRS[kind](x)[place]
    y.backward()
    found = who_is_averaged.averaged(OURS[kind], kind, place)
    np.testing.assert_allclose(found.gradient, x.grad, atol=1e-12)
    assert found.after == pytest.approx(y.item()) and found.before == who_is_averaged.X[place]


def test_sizes_of_groups():
    sizes = [who_is_averaged.group_of(kind, (0, 0, 0)).sum() for kind in KINDS]
    assert sizes == [4 * 5, 6 * 5, 6, 5, 3 * 5, 2 * 5]


@pytest.mark.parametrize("kind", KINDS)
def test_the_frame_holds_the_group_and_nothing_else(kind):
    for place in PLACES:
        grid = who_is_averaged.as_grid(who_is_averaged.group_of(kind, place))
        left, bottom, width, height = who_is_averaged.bounds(grid)
        rows = slice(round(bottom + 0.5), round(bottom + 0.5 + height))
        columns = slice(round(left + 0.5), round(left + 0.5 + width))
        assert grid[rows, columns].all() and grid.sum() == width * height


def test_the_grid_puts_a_number_where_a_click_finds_it():
    example, channel, position = 2, 4, 1
    x = np.zeros(who_is_averaged.SHAPE)
    x[example, channel, position] = 1
    column = who_is_averaged.PLACES.index((example, position))
    assert who_is_averaged.as_grid(x)[channel, column] == 1


def test_the_readers_wrong_pullback_is_seen_to_reach_too_little():
    def without_paths(x, weight, bias):
        y, _ = batch_norm(x, weight, bias)
        return y, lambda dy: (dy / x.std((0, 2), keepdims=True), None, None)

    said = explore.groups(batch_norm=without_paths).at()[1]
    assert "reaches 1 inputs, which is not the group: 19 of the group are missing, 0 are outside" in said


def test_the_readers_group_norm_over_the_wrong_channels_is_seen():
    swapped = lambda x, w, b, *, num_groups: group_norm(x, w, b, num_groups=5 - num_groups)
    said = explore.groups(group_norm=swapped).at(kind="2 groups")[1]
    assert "which is not the group: 10 of the group are missing, 5 are outside" in said


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


def test_another_value_makes_another_truth():
    def unbiased(x, weight, bias):
        y, pullback = layer_norm(x, weight, bias)
        return y * np.sqrt(7 / 8), pullback

    lines = explore.norm_backward(unbiased).at()[1].splitlines()
    assert all("a constant factor of 1.069" in line for line in lines[:2])


def test_a_layer_norm_that_writes_into_its_arguments_spoils_nothing():
    def careless(x, weight, bias):
        y, pullback = layer_norm(x.copy(), weight.copy(), bias)

        def back(dy):
            found = pullback(dy.copy())
            dy *= 0
            return found

        x[:], weight[:] = 0, 0
        return y, back

    before = explore.norm_backward().at()[1]
    assert explore.norm_backward(careless).at()[1] == before == explore.norm_backward().at()[1]


# ---- the scale of the weights


@pytest.mark.parametrize(
    "factor, eps", list(itertools.product([0.001, 0.5, 100.0, -3.0], [1e-12, 1e-5, 1e-3]))
)
def test_scaled_layer_is_torchs(factor, eps):  # PyTorch refuses eps 0 in training
    found = weight_scale.scaled(factor, eps)
    weight = torch.from_numpy(factor * weight_scale.WEIGHT).requires_grad_()
    z = F.linear(torch.from_numpy(weight_scale.INPUTS), weight)
    y = F.batch_norm(z, None, None, training=True, eps=eps)
    y.backward(torch.from_numpy(weight_scale.UPSTREAM))
    np.testing.assert_allclose(found.outputs, y.detach(), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(
        found.gradient, weight.grad, rtol=1e-9, atol=1e-9 * np.abs(found.gradient).max()
    )


@pytest.mark.parametrize("factor", weight_scale.FACTORS)
def test_with_eps_zero_the_scale_does_not_matter(factor):
    found, before, flipped = (weight_scale.scaled(f, 0.0) for f in (factor, 1.0, -factor))
    np.testing.assert_allclose(found.outputs, before.outputs, atol=1e-9)
    np.testing.assert_allclose(found.gradient * factor, before.gradient, atol=1e-9)
    assert found.relative_step * factor**2 == pytest.approx(before.relative_step)
    np.testing.assert_allclose(flipped.outputs, -before.outputs, atol=1e-9)
    assert found.cosine == pytest.approx(0, abs=1e-9)


def test_with_eps_tiny_weights_do_matter():
    tiny, small, before = (weight_scale.scaled(f, 1e-5) for f in (1e-3, 1e-1, 1.0))
    assert weight_scale.change(tiny, before) > 0.5 and weight_scale.change(small, before) < 0.01
    assert tiny.gradient_norm * 1e-3 < before.gradient_norm / 2
    assert tiny.cosine > 0.1 > 0.01 > small.cosine


def test_without_batch_norm_outputs_follow_and_the_gradient_stays():
    found, before = (weight_scale.scaled(f, batch_norm=None) for f in (10.0, 1.0))
    np.testing.assert_allclose(found.outputs, 10 * before.outputs)
    np.testing.assert_array_equal(found.gradient, before.gradient)
    assert weight_scale.change(found, before) == pytest.approx(9)
    assert found.relative_step * 10 == pytest.approx(before.relative_step)


def test_the_readers_batch_norm_moves_the_picture():
    def no_division(x, weight, bias, *, eps):
        return x - x.mean(0), lambda dy: (dy - dy.mean(0), None, None)

    assert "outputs change by 900.0%" in explore.scale(no_division).at(factor=10.0)[1]
    assert "outputs change by 0.0%" in explore.scale().at(factor=10.0)[1]


# ---- training against evaluation


def torch_batch_norm(x, weight, bias, *, running_mean=None, running_var=None, training=True, momentum=0.1):
    running = [None if r is None else torch.from_numpy(r) for r in (running_mean, running_var)]
    y = F.batch_norm(torch.from_numpy(x), *running, training=training, momentum=momentum)
    return y.numpy(), None


@pytest.mark.parametrize("size, momentum, drift", [(2, 0.1, False), (16, 0.5, True), (128, 1.0, False)])
def test_a_run_is_torchs(size, momentum, drift):
    ours = running_statistics.run(size, momentum, drift)
    theirs = running_statistics.run(size, momentum, drift, torch_batch_norm)
    for name, values in vars(ours).items():
        np.testing.assert_allclose(values, vars(theirs)[name], atol=1e-9, err_msg=name)


def test_running_statistics_follow_their_rule_from_zero_and_one():
    found = running_statistics.run(8, 0.1, False)
    mean, var = 0.0, 1.0
    for batch_mean, batch_var, running_mean, running_var in zip(
        found.batch_mean, found.batch_var, found.running_mean, found.running_var
    ):
        mean, var = 0.9 * mean + 0.1 * batch_mean, 0.9 * var + 0.1 * batch_var * 8 / 7
        assert (running_mean, running_var) == pytest.approx((mean, var))


@pytest.mark.parametrize("size", running_statistics.SIZES)
def test_means_of_batches_spread_as_the_text_claims(size):
    found = running_statistics.run(size, 0.1, False)
    assert found.batch_mean.std() == pytest.approx(2 / np.sqrt(size), rel=0.15)
    assert found.batch_var.mean() * size / (size - 1) == pytest.approx(4, rel=0.15)


def test_the_output_in_training_is_noisy_and_less_so_in_large_batches():
    small, large = (running_statistics.run(size, 0.1, False).last for size in (8, 128))
    assert 2.5 < small.training.std() / large.training.std() < 6.5
    for found in (small, large):
        assert found.evaluation.std() < found.training.std() / 2
        assert found.evaluation.mean() == pytest.approx(found.ideal.mean(), abs=0.15)


def test_in_batches_of_two_the_output_is_one_or_minus_one():
    found = running_statistics.run(2, 0.1, False)
    distance = np.abs(np.abs(found.training) - 1)
    assert np.median(distance) < 1e-4 and set(np.sign(found.training)) == {-1.0, 1.0}


def test_momentum_one_remembers_the_last_batch_only():
    found = running_statistics.run(16, 1.0, False)
    np.testing.assert_allclose(found.running_mean, found.batch_mean)
    np.testing.assert_allclose(found.running_var, found.batch_var * 16 / 15)
    np.testing.assert_allclose(
        found.evaluation, (running_statistics.PROBE - found.batch_mean) / np.sqrt(found.running_var + 1e-5)
    )


def test_a_drifting_mean_is_followed_at_the_distance_that_the_formula_gives():
    assert running_statistics.lag(0.1, True) == pytest.approx(0.02 * 9, rel=0.01)
    assert running_statistics.lag(1.0, True) == 0 and running_statistics.lag(0.1, False) == 0
    truth, _ = running_statistics.truth(True)
    for momentum in (0.1, 0.5):
        mean = truth[0]
        for value in truth:  # the rule itself, fed with the truth
            mean += momentum * (value - mean)
        assert truth[-1] - mean == pytest.approx(running_statistics.lag(momentum, True))
    found = running_statistics.run(128, 0.1, True).last
    assert (found.mean - found.running_mean).mean() == pytest.approx(0.18, abs=0.05)


def test_a_long_memory_has_not_arrived_and_lags():
    steady, drifting = (running_statistics.run(64, 0.01, drift).last for drift in (False, True))
    assert (steady.mean - steady.running_mean).mean() == pytest.approx(0.99**175, abs=0.05)
    assert (drifting.mean - drifting.running_mean).mean() > 1
    assert (drifting.evaluation - drifting.training).mean() > 0.8


def test_the_readers_forgotten_update_moves_the_picture():
    def forgetful(x, weight, bias, *, running_mean=None, running_var=None, **options):
        if not options.get("training", True):
            return batch_norm(x, weight, bias, running_mean=running_mean, running_var=running_var, **options)
        return batch_norm(x, weight, bias)

    said = explore.train_against_eval(forgetful).at()[1]
    assert "running mean off by -1.00, running variance by -3.00" in said
