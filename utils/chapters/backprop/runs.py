"""Trained runs of chapter 01, shared by notebook, pictures and tests: digits, the travelling network, pre-training."""

from dataclasses import dataclass

import numpy as np
import torch

from utils import train
from utils.data import digits
from utils.nn.activations import sigmoid
from utils.nn.chain import chain
from utils.nn.linear import linear
from utils.nn.losses import cross_entropy, mse_loss
from utils.nn.mlp import mlp, mlp_params

BATCH = 32
EPOCH = 42  # batches
RATE, WIDTH = 0.5, 32  # of the travelling network
WHOLE = EPOCH * BATCH  # examples in whole batches; chapter 04 shows what a last batch of three does


def examples():
    """The digits, the training part cut to whole batches: 1344 of 1347."""
    data = digits.load()
    return data._replace(train_x=data.train_x[:WHOLE], train_y=data.train_y[:WHOLE])


def torch_losses(params, data, *, steps, rate):
    """The loss of each of the first steps when PyTorch trains the digits network of section 1.7.

    params: of mlp with tanh, three layers, not changed; data: Digits.  The order of the examples is that of train.fit
    with seed 0.
    """
    layers = [layer for layer in params if layer]
    modules = [torch.nn.Linear(*layer["weight"].shape[::-1]) for layer in layers]
    module = torch.nn.Sequential(
        modules[0], torch.nn.Tanh(), modules[1], torch.nn.Tanh(), modules[2]
    ).double()
    with torch.no_grad():
        for parameter, ours in zip(module.parameters(), train.flat(params)):
            parameter.copy_(torch.from_numpy(ours))
    optimizer = torch.optim.SGD(module.parameters(), lr=rate)
    x, y = torch.from_numpy(data.train_x), torch.from_numpy(data.train_y)
    rng, losses = np.random.default_rng(0), []
    while len(losses) < steps:
        for rows in torch.from_numpy(rng.permutation(len(x))).split(BATCH):
            loss = torch.nn.functional.cross_entropy(module(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return np.array(losses[:steps])


@dataclass
class Trained(train.History):
    """A History, and the parameters that the run ended with."""

    params: tuple = ()


def travelling(layers, *, epochs=25, seed=0):
    """The travelling network as it is in chapter 01: sigmoids, weights of gain 1, learning rate 0.5.

    Returns its History, with held-out accuracies as scores, a snapshot an epoch, and its last parameters.
    """
    data, sizes = examples(), sizes_of(layers)
    network, taps = mlp(sizes, sigmoid)
    params, history = train.fit(
        network, cross_entropy, mlp_params(sizes, np.random.default_rng(seed)), data.train_x, data.train_y,
        update=train.sgd(RATE), epochs=epochs, batch_size=BATCH, taps=taps,
        score=lambda params: train.accuracy(network, params, data.test_x, data.test_y),
    )  # fmt: skip
    return Trained(**vars(history), params=params)


def sizes_of(layers):
    """Units per layer of the travelling network, inputs first."""
    return (64, *[WIDTH] * (layers - 1), 10)


class Run:
    """The travelling network while it is trained, some batches at a time: the same steps as `travelling`.

    layers: 2 or more; seed: of its weights.  losses: [(batches so far, loss of all training examples)]; accuracy: the
    share of held-out digits that are right.
    """

    def __init__(self, layers, seed=0, data=None):
        self.layers, self.data, self.done, self.losses = layers, data or examples(), 0, []
        self.network, self.taps = mlp(sizes_of(layers), sigmoid)
        self.params = mlp_params(sizes_of(layers), np.random.default_rng(seed))
        self.rng, self.order = np.random.default_rng(0), []
        self.look()

    def go_on(self, batches, rate):
        """Take that many steps, each on a batch, and look."""
        update = train.sgd(rate)
        for _ in range(batches):
            if not len(self.order):
                self.order = self.rng.permutation(len(self.data.train_x))
            rows, self.order = self.order[:BATCH], self.order[BATCH:]
            x, y = self.data.train_x[rows], self.data.train_y[rows]
            self.params = update(
                self.params, train.gradient(self.network, cross_entropy, self.params, x, y)[1]
            )
            self.done += 1
        self.look()

    def look(self):
        """Measure loss and accuracy, and let the first examples pass the taps."""
        data = self.data
        output, _ = self.network(self.params, data.train_x)
        self.losses.append((self.done, float(cross_entropy(output, data.train_y)[0])))
        self.accuracy = train.accuracy(self.network, self.params, data.test_x, data.test_y)
        some = slice(0, BATCH)
        train.gradient(self.network, cross_entropy, self.params, data.train_x[some], data.train_y[some])


def pretrained(sizes, x, seed, *, epochs=10, rate=2.0):
    """Parameters of mlp(sizes) whose hidden layers were trained one by one to give back their input."""
    rng, params, h = np.random.default_rng(seed), list(mlp_params(sizes, np.random.default_rng(seed))), x
    encoder, autoencoder = chain(linear, sigmoid), chain(linear, sigmoid, linear)
    for k in range(len(sizes) - 2):
        fan_in, fan_out = sizes[k : k + 2]
        back = {"weight": rng.normal(scale=fan_out**-0.5, size=(fan_in, fan_out)), "bias": np.zeros(fan_in)}
        found, _ = train.fit(
            autoencoder, mse_loss, (params[3 * k], None, back), h, h,
            update=train.sgd(rate), epochs=epochs, batch_size=BATCH, seed=k,
        )  # fmt: skip
        params[3 * k] = found[0]
        h, _ = encoder(found[:2], h)
    return tuple(params)


def after_pretraining(layers, *, seed, epochs=20, pretrain=True):
    """Held-out accuracy of the travelling network, an entry an epoch, with or without layer-wise pre-training."""
    data, sizes = examples(), sizes_of(layers)
    network, _ = mlp(sizes, sigmoid)
    start = (
        pretrained(sizes, data.train_x, seed) if pretrain else mlp_params(sizes, np.random.default_rng(seed))
    )
    _, history = train.fit(
        network, cross_entropy, start, data.train_x, data.train_y,
        update=train.sgd(RATE), epochs=epochs, batch_size=BATCH, seed=seed,
        score=lambda params: train.accuracy(network, params, data.test_x, data.test_y),
    )  # fmt: skip
    return history.scores
