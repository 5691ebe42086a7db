"""Chapter 04's picture of who is averaged: groups and gradients against PyTorch, its words and its maps."""

import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tests.explorable.artists import shown
from utils.chapters.normalization import explore
from utils.chapters.normalization.explore import who_is_averaged
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


ASKED_PLACE = (2, 3, 1)  # example 3, channel 4, position 2
AT = {"where": (2, 1), "channel": 4}
MEMBERS = {
    "batch": (slice(None), 3),
    "layer": (2,),
    "layer, Transformer": (2, slice(None), 1),
    "instance": (2, 3),
    "2 groups": (2, slice(3, 6)),
    "3 groups": (2, slice(2, 4)),
}


def by_hand(kind):
    """Mean and deviation of the group, the output at ASKED_PLACE and its slopes, zero outside the group."""
    x, inside = who_is_averaged.X, np.zeros(who_is_averaged.SHAPE)
    inside[MEMBERS[kind]] = 1
    one = np.zeros(who_is_averaged.SHAPE)
    one[ASKED_PLACE] = 1
    mean = (inside * x).sum() / inside.sum()
    std = np.sqrt((inside * (x - mean) ** 2).sum() / inside.sum())
    x_hat = inside * (x - mean) / std
    slopes = (one - inside / inside.sum() - x_hat[ASKED_PLACE] * x_hat / inside.sum()) / std
    return mean, std, x_hat[ASKED_PLACE], slopes


@pytest.mark.parametrize("kind", KINDS)
def test_the_read_out_of_one_place_is_what_we_get_by_hand(kind):
    mean, std, after, slopes = by_hand(kind)
    others = np.delete(slopes.ravel(), np.ravel_multi_index(ASKED_PLACE, slopes.shape))
    first, second, _, last = explore.groups().at(kind=kind, **AT)[1].splitlines()
    size = who_is_averaged.X[MEMBERS[kind]].size
    assert first.startswith(f"{kind}: {size} numbers are averaged (")
    assert first.endswith(f"): mean {mean:+z.2f}, standard deviation {std:.2f}")
    before = who_is_averaged.X[ASKED_PLACE]
    assert second == f"example 3, channel 4, position 2: {before:+z.1f} before, {after:+z.2f} after"
    assert last == (
        f"slope with respect to itself {slopes[ASKED_PLACE]:+.2f}, to the others "
        f"{others.min():+z.2f} to {others.max():+z.2f}, together {others.sum():+z.2f}"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_the_words_for_a_group_count_its_examples_channels_and_positions(kind):
    words = (
        who_is_averaged.SHARED[kind]
        .replace("examples and", "examples, all")
        .replace("channels and", "channels, all")
    )
    said = re.findall(r"(one|two|three|all) (example|channel|position)", words)
    assert sorted(name for _, name in said) == ["channel", "example", "position"]
    group = who_is_averaged.group_of(kind, ASKED_PLACE)
    for count, name in said:
        axis = ["example", "channel", "position"].index(name)
        found = len(np.unique(np.nonzero(group)[axis]))
        assert found == {"one": 1, "two": 2, "three": 3, "all": who_is_averaged.SHAPE[axis]}[count]


@pytest.mark.parametrize("kind", KINDS)
def test_the_maps_show_the_group_and_the_slopes_and_mark_the_place(kind):
    artists = shown(explore.groups(), kind=kind, **AT)
    *_, slopes = by_hand(kind)
    inside = np.zeros(who_is_averaged.SHAPE, bool)
    inside[MEMBERS[kind]] = True
    clear = artists["veil"].get_array()[..., 3] == 0
    np.testing.assert_array_equal(clear, who_is_averaged.as_grid(inside))
    np.testing.assert_allclose(artists["map"].get_array(), who_is_averaged.as_grid(slopes), atol=1e-4)
    slopes[ASKED_PLACE] = 0
    assert artists["map"].get_clim() == pytest.approx((-np.abs(slopes).max(), np.abs(slopes).max()), abs=1e-4)
    for cell in artists["cells"]:  # row 3, column 2 * 5 + 1 of the grid
        assert cell.get_bbox().bounds == (10.5, 2.5, 1, 1)
    for frame in artists["frames"]:
        assert frame.get_bbox().bounds == who_is_averaged.bounds(who_is_averaged.as_grid(inside))


def test_the_veil_is_clear_over_the_group_and_white_elsewhere():
    group = np.array([[True, False, False], [False, True, True]])
    cover = who_is_averaged.veil(group)
    assert (cover[..., 3][group] == 0).all() and (cover[..., 3][~group] > 100).all()
    assert (cover[..., :3] == 255).all()


ASKED_FOR = {
    "batch": "batch_norm",
    "layer": "layer_norm",
    "layer, Transformer": "layer_norm",
    "instance": "instance_norm",
    "2 groups": "group_norm",
    "3 groups": "group_norm",
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_asks_the_readers_function_of_its_name_and_no_other(kind):
    sevens = lambda x, weight, bias, **options: (0 * x + 7, lambda dy: (dy, None, None))
    mine = explore.groups(**{ASKED_FOR[kind]: sevens}).at(kind=kind)[1]
    assert "+7.00 after" in mine and "reaches 1 inputs, which is not the group" in mine
    others = {name: sevens for name in ASKED_FOR.values() if name != ASKED_FOR[kind]}
    assert explore.groups(**others).at(kind=kind)[1] == explore.groups().at(kind=kind)[1]


def test_norms_that_write_into_their_arguments_spoil_no_group():
    def careless(norm):
        def back_and_forth(x, weight, bias, **options):
            y, pullback = norm(x.copy(), weight.copy(), bias.copy(), **options)
            x[:], weight[:], bias[:] = 9, 7, 5
            return y, pullback

        return back_and_forth

    expected = {kind: explore.groups().at(kind=kind)[1] for kind in KINDS}
    mine = explore.groups(*map(careless, (batch_norm, layer_norm, instance_norm, group_norm)))
    for _ in range(2):
        assert {kind: mine.at(kind=kind)[1] for kind in KINDS} == expected
    np.testing.assert_array_equal(who_is_averaged.X, who_is_averaged.made_up_numbers())
