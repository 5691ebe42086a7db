"""Residual blocks and TextCNN against modules of torch: gradients of every parameter, statistics, slips."""

import inspect

import numpy as np
import pytest
import torch
from torch import nn

from utils.crosscheck import crosscheck
from utils.nn import cnn

rng = np.random.default_rng


class BasicBlock(nn.Module):
    """As torchvision names it."""

    def __init__(self, channels, out, stride=1, skip=True):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.skip = skip
        if skip and (stride != 1 or channels != out):
            self.downsample = nn.Sequential(
                nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out)
            )

    def forward(self, x):
        h = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        short = getattr(self, "downsample", nn.Identity())(x) if self.skip else 0
        return torch.relu(h + short)


class TextCNN(nn.Module):
    def __init__(self, words=7, dim=4, kernels=3, lengths=(2, 3), classes=2):
        super().__init__()
        self.embedding = nn.Embedding(words, dim)
        self.convs = nn.ModuleList(nn.Conv1d(dim, kernels, length) for length in lengths)
        self.linear = nn.Linear(kernels * len(lengths), classes)

    def forward(self, ids):
        x = self.embedding(ids).transpose(1, 2)
        return self.linear(torch.cat([torch.relu(conv(x)).max(-1).values for conv in self.convs], 1))


def scattered(module, seed):
    """The module with parameters away from 0 and 1, where slips would hide."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn_like(parameter))
    return module


CASES = {
    "the same channels": (2, 2, 1, True),
    "more channels": (2, 3, 1, True),
    "a stride": (2, 3, 2, True),
    "a stride, the same channels": (2, 2, 2, True),
    "plain": (2, 2, 1, False),
    "plain with a stride": (1, 3, 2, False),
}


def mutant_of(function, *changes):
    """The function with pieces of its source replaced, each there exactly once."""
    source = inspect.getsource(inspect.unwrap(function))
    for old, new in changes:
        assert source.count(old) == 1, f"{old!r} is there {source.count(old)} times"
        source = source.replace(old, new)
    names = vars(cnn).copy()
    exec(source, names)
    return names[function.__name__]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("size", [(3, 4, 4), (2, 5, 3)])
def test_residual_block(case, size):
    channels, out, stride, skip = CASES[case]
    n, *area = size
    x = rng(0).normal(size=(n, channels, *area))
    block = scattered(BasicBlock(channels, out, stride, skip), 0)
    assert crosscheck(cnn.residual_block, block, x, stride=stride, skip=skip).ok


BLOCK_MUTANTS = [
    ("dx + dx_short", "dx"),
    ("dx + dx_short", "dx - dx_short"),
    ("back_1(back_relu(dh))", "back_1(dh)"),
    ("back_short(dsum)", "back_short(dy)"),
    ("back_2(dsum)", "back_2(dsum / 2)"),
]


@pytest.mark.parametrize("change", BLOCK_MUTANTS, ids=" -> ".join)
def test_a_wrong_residual_block_is_noticed(change):
    x = rng(0).normal(size=(3, 2, 4, 4))
    mutant = mutant_of(cnn.residual_block, change)
    assert not crosscheck(mutant, scattered(BasicBlock(2, 2), 0), x, raises=False).ok


def test_statistics_follow_torch():
    block, x = scattered(BasicBlock(2, 3, 2), 1), rng(1).normal(size=(4, 2, 5, 5))
    params = {name: p.detach().double().numpy() for name, p in block.named_parameters()}
    block.double()
    running = {name: b.numpy().copy() for name, b in block.named_buffers() if "running" in name}
    for _ in range(3):
        ours, _ = cnn.residual_block(params, x, stride=2, running=running)
        theirs = block(torch.tensor(x))
        assert np.allclose(ours, theirs.detach())
    for name, buffer in block.named_buffers():
        assert "running" not in name or np.allclose(running[name], buffer)
    block.eval()
    ours, _ = cnn.residual_block(params, x, stride=2, running=running, training=False)
    assert np.allclose(ours, block(torch.tensor(x)).detach())


def test_zero_weights_leave_what_came_in():
    """A residual block finds the identity at zero; a plain one does not find it there."""
    x = np.abs(rng(0).normal(size=(2, 3, 4, 4)))
    params = {
        "conv1.weight": np.zeros((3, 3, 3, 3)), "bn1.weight": np.ones(3), "bn1.bias": np.zeros(3),
        "conv2.weight": np.zeros((3, 3, 3, 3)), "bn2.weight": np.ones(3), "bn2.bias": np.zeros(3),
    }  # fmt: skip
    assert np.array_equal(cnn.residual_block(params, x)[0], x)
    assert not cnn.residual_block(params, x, skip=False)[0].any()


@pytest.mark.parametrize("n, length", [(1, 3), (1, 6), (4, 5)])
def test_text_cnn(n, length):
    ids = rng(n).integers(0, 7, size=(n, length))
    assert crosscheck(cnn.text_cnn, scattered(TextCNN(), 0), ids).ok


TEXT_MUTANTS = [
    (cnn.text_cnn, ("dsequence + dx", "dx")),
    (cnn.text_cnn, ("np.split(dfeatures, ends, axis=1)", "np.split(dfeatures, ends, axis=1)[::-1]")),
    (cnn.phrases, ("back_conv(back_relu(dh))", "back_conv(dh)")),
    (cnn.phrases, ("np.put_along_axis(dh, first, d[..., None], -1)", "dh += d[..., None]")),
]


@pytest.mark.parametrize(
    "function, change", TEXT_MUTANTS, ids=lambda value: getattr(value, "__name__", str(value))
)
def test_a_wrong_text_cnn_is_noticed(function, change, monkeypatch):
    ids, mutant = rng(0).integers(0, 7, size=(4, 5)), mutant_of(function, change)
    monkeypatch.setattr(cnn, function.__name__, mutant)
    assert not crosscheck(cnn.text_cnn, scattered(TextCNN(), 0), ids, raises=False).ok


def test_only_words_of_the_phrase_matter():
    """Beside the windows that answered most strongly nothing comes back to the words."""
    module = scattered(TextCNN(), 2)
    params = {name: p.detach().double().numpy() for name, p in module.named_parameters()}
    ids = np.arange(7)[None]
    _, back = cnn.text_cnn(params, ids)
    reached = back(np.ones((1, 2)))[0]["embedding.weight"].any(1)
    vectors = params["embedding.weight"][ids].transpose(0, 2, 1)
    expected = np.zeros(7, bool)
    for name in ("convs.0", "convs.1"):
        kernels = params[f"{name}.weight"]
        h, _ = cnn.conv1d(vectors, kernels, params[f"{name}.bias"])
        for answers in h[0]:
            if answers.max() > 0:
                expected[answers.argmax() : answers.argmax() + kernels.shape[2]] = True
    assert np.array_equal(reached, expected) and reached.any()


def test_sentences_too_short_are_named():
    params = {name: p.detach().numpy() for name, p in TextCNN().named_parameters()}
    with pytest.raises(ValueError, match="weight reaches over 3 columns; x has 2"):
        cnn.text_cnn(params, np.zeros((1, 2), int))
