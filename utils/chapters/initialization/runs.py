"""Trained runs of chapter 03: the travelling network from a start of our choice, hidden units that start alike; its experiments."""

from dataclasses import dataclass
from functools import cache, partial

import numpy as np

from utils import train
from utils.data import digits
from utils.nn import initialization as init
from utils.nn.activations import relu, sigmoid, tanh
from utils.nn.initialization import constant
from utils.nn.linear import linear
from utils.nn.losses import cross_entropy, mse_loss
from utils.nn.mlp import mlp, mlp_params_by
from utils.nn.normalized_mlp import normalized_mlp, normalized_mlp_params
from utils.results import as_percent, packed, rounded

EXAMPLES, BATCH = 1344, 32  # 42 full batches

# ---- the travelling network


def sizes_of(layers):
    """Units of the travelling network, inputs first: 64 pixels, 32 in each hidden layer, 10 digits."""
    return (64, *[32] * (layers - 1), 10)


def travelling_network(scheme, activation=relu, *, layers=10, rate=0.1, epochs=10, seed=0):
    """Train from weights that scheme(shape, rng) draws and biases of 0: (parameters, History with scores)."""
    sizes = sizes_of(layers)
    network, taps = mlp(sizes, activation)
    start = mlp_params_by(sizes, np.random.default_rng(seed), scheme)
    return fitted(network, network, start, rate=rate, epochs=epochs, seed=seed, taps=taps)


def with_batch_norm(gain, *, rate=0.1, epochs=3, seed=0):
    """The same with ReLU and batch norm, from normal weights of standard deviation gain / sqrt(fan_in)."""
    sizes = sizes_of(10)
    (network, evaluation), taps = normalized_mlp(sizes, relu)
    start = normalized_mlp_params(sizes, np.random.default_rng(seed), gain=gain)
    return fitted(network, evaluation, start, rate=rate, epochs=epochs, seed=seed, taps=taps)


def fitted(network, evaluation, start, *, rate, epochs, seed, taps, examples=EXAMPLES):
    """What train.fit makes of a start, on the digits; the score is the accuracy of `evaluation` on held-out ones."""
    data = digits.load()
    score = lambda params: train.accuracy(evaluation, params, data.test_x, data.test_y)
    with np.errstate(all="ignore"):  # too large weights end in inf and nan; then the network guesses
        return train.fit(
            network, cross_entropy, start, data.train_x[:examples], data.train_y[:examples],
            update=train.sgd(rate), epochs=epochs, batch_size=BATCH, seed=seed, taps=taps, score=score,
        )  # fmt: skip


def accuracies(scheme, seeds, train_one=travelling_network, **options):
    """The accuracy on held-out digits after training, from the smallest to the largest of the seeds, as text."""
    return as_percent(sorted(train_one(scheme, seed=seed, **options)[1].scores[-1] for seed in range(seeds)))


def against_prediction(params, activation):
    """Mean square of z in each layer, divided by what (3.4) predicts from the weights and inputs of that layer."""
    h, ratios = digits.load().train_x, []
    for layer in (p for p in params if p):
        z = h @ layer["weight"].T
        ratios.append((z**2).mean() / (h.shape[1] * (layer["weight"] ** 2).mean() * (h**2).mean()))
        h, _ = activation(z + layer["bias"])
    return ratios


def rows_shuffled(params, seed=0):
    """The same parameters, the weights of every unit in a random order: of their own size, but blind to the inputs."""
    rng = np.random.default_rng(seed)
    return tuple(p and p | {"weight": rng.permuted(p["weight"], axis=1)} for p in params)


def way_back(params, activation):
    """By what each hidden layer but the first multiplies the mean square of the gradient: three factors, (3, layers - 2).

    n_out times the mean square of its weights; what then comes back to its inputs, divided by what (3.9) predicts; and
    what the activation below lets through.  Their product leads from z of a layer to z of the layer below, exactly.
    """
    data = digits.load()
    h, backs = data.train_x, []
    for layer in (p for p in params if p):
        z, back = linear(h, **layer)
        h, slope = activation(z)
        backs.append((layer["weight"], back, slope))
    dz, factors = cross_entropy(z, data.train_y)[1](1.0)[0], []
    for (weight, back, _), (_, _, slope) in zip(backs[:0:-1], backs[-2::-1]):
        dx, _, _ = back(dz)
        below = slope(dx)
        in_weights = len(weight) * (weight**2).mean()
        sizes = [(gradient**2).mean() for gradient in (dz, dx, below)]
        factors.append((in_weights, sizes[1] / sizes[0] / in_weights, sizes[2] / sizes[1]))
        dz = below
    return np.array(factors[:0:-1]).T  # without the last layer, the first of the others first


# ---- units that start alike: three inputs, five tanh units, y = x1 x2


def product_task():
    """40 examples, (40, 3) standard normal numbers, and the product of the first two, (40, 1)."""
    x = np.random.default_rng(0).normal(size=(40, 3))
    return x, x[:, :1] * x[:, 1:2]


def learn_the_product(incoming, outgoing, *, bias=None, steps=50):
    """Gradient descent on product_task with five tanh units: (parameters, gradients at the start).

    incoming: (5, 3); outgoing: (1, 5); bias: of the hidden units, (5,), zeros where omitted.
    """
    network, _ = mlp((3, 5, 1), tanh)
    hidden = {"weight": incoming, "bias": np.zeros(5) if bias is None else bias}
    params = hidden, None, None, {"weight": outgoing, "bias": np.zeros(1)}, None
    x, y = product_task()
    _, first = train.gradient(network, mse_loss, params, x, y)
    for _ in range(steps):
        params = train.sgd(0.1)(params, train.gradient(network, mse_loss, params, x, y)[1])
    return params, first


# ---- units that start alike: one input, tanh units, a curve that one unit cannot follow

STARTS = ["both layers", "first layer", "outgoing", "both, all zero"]
EPSILONS = [0.0, 1e-8, 1e-6, 1e-4, 1e-2, 1.0]
CONSTANT = 0.5
UNITS, RATE = 5, 0.05
STEPS, EVERY = 2400, 20
# units count as different when a weight or a bias differs by more than this
TOLERANCE = 0.01
INPUTS = np.linspace(-2, 2, 24)
TARGETS = np.sin(2 * INPUTS)


@dataclass
class Training:
    """Every EVERY steps, 0 first.  incoming: (times, UNITS, 2), weight and bias; outgoing: (times, UNITS);
    output_bias, loss: (times,)."""

    incoming: np.ndarray
    outgoing: np.ndarray
    output_bias: np.ndarray
    loss: np.ndarray

    @property
    def apart(self):
        """Largest difference between two units, in weight or bias: (times,)."""
        return np.ptp(self.incoming, axis=1).max(-1)

    @property
    def parted(self):
        """The first recorded step at which two units differ by more than TOLERANCE, or None."""
        where = np.flatnonzero(self.apart > TOLERANCE)
        return int(where[0]) * EVERY if len(where) else None


def first_weights(start, epsilon, seed=0):
    """Incoming and outgoing weights of the hidden units, (UNITS,) each, a constant plus epsilon times noise.

    start: one of STARTS, which weights begin constant; the others are random, with variance 1 / fan_in.
    """
    incoming, outgoing = np.random.default_rng(seed).normal(size=(2, UNITS))
    outgoing = outgoing / np.sqrt(UNITS)
    value = 0.0 if start == "both, all zero" else CONSTANT
    return (
        incoming if start == "outgoing" else value + epsilon * incoming,
        outgoing if start == "first layer" else value + epsilon * outgoing,
    )


@cache
def train_all():
    """Train the net of every start and epsilon at once, by gradient descent: {(start, epsilon): Training}."""
    settings = [(start, epsilon) for start in STARTS for epsilon in EPSILONS]
    weight, outgoing = np.array([first_weights(*setting) for setting in settings]).swapaxes(0, 1)
    params = weight, np.zeros_like(weight), outgoing, np.zeros(len(settings))
    kept = []
    for step in range(STEPS + 1):
        loss, grads = loss_and_gradients(*params)
        if step % EVERY == 0:
            kept.append((*params, loss))
        params = tuple(p - RATE * g for p, g in zip(params, grads))
    weight, bias, outgoing, output_bias, loss = map(np.array, zip(*kept))
    incoming = np.stack([weight, bias], axis=-1)
    return {
        setting: Training(incoming[:, k], outgoing[:, k], output_bias[:, k], loss[:, k])
        for k, setting in enumerate(settings)
    }


def in_one_order(terms):
    """Sums over the examples, (nets, examples, units) -> (nets, units), for every unit in the same order."""
    return terms.sum(1)


def last_unit_backwards(terms):
    """The same sums; in the last net those of the last unit run from the last example to the first."""
    total = in_one_order(terms)
    total[-1, -1] = terms[-1, ::-1, -1].cumsum()[-1]
    return total


def loss_and_gradients(weight, bias, outgoing, output_bias, add_up=in_one_order, targets=TARGETS):
    """Mean squared error of many nets with one hidden layer of tanh units, and its gradients.

    weight, bias, outgoing: (nets, units); output_bias: (nets,); add_up: how the units' sums over the examples are
    taken; targets: of INPUTS.  Returns the loss, (nets,), and four gradients.
    """
    # no matrix products: they may add up two equal rows in different orders, and equal units would
    # then part by rounding alone
    x = INPUTS[:, None]
    hidden, back = tanh(x * weight[:, None] + bias[:, None])
    error = (hidden * outgoing[:, None]).sum(-1) + output_bias[:, None] - targets
    upstream = (2 / len(INPUTS) * error)[..., None]
    dz = back(upstream * outgoing[:, None])
    grads = add_up(dz * x), add_up(dz), add_up(upstream * hidden), upstream.sum((1, 2))
    return (error**2).mean(1), grads


def followed(incoming, outgoing, *, targets=TARGETS, add_up=in_one_order, steps=STEPS, every=400):
    """Nets of nearly equal units on their way: {step: (largest difference between two units, loss)}, (nets,) each.

    incoming, outgoing: weights, (nets, units); targets: what to learn at INPUTS; add_up: as for loss_and_gradients.
    """
    params, found = (incoming, np.zeros_like(incoming), outgoing, np.zeros(len(incoming))), {}
    for step in range(steps + 1):
        loss, grads = loss_and_gradients(*params, add_up=add_up, targets=targets)
        if step == 1 or step % every == 0:
            found[step] = np.max([np.ptp(p, axis=1) for p in params[:3]], axis=0), loss
        params = tuple(p - RATE * g for p, g in zip(params, grads))
    return found


def noise_around(value, epsilon, targets=TARGETS):
    """One net of UNITS units, all weights value plus epsilon times noise, as `followed` tells it: {step: (difference, loss)}."""
    incoming, outgoing = np.random.default_rng(0).normal(size=(2, 1, UNITS))
    found = followed(value + epsilon * incoming, value + epsilon * outgoing / np.sqrt(UNITS), targets=targets)
    return {step: (apart[0], loss[0]) for step, (apart, loss) in found.items()}


def apart_by_rounding(steps=12_000, every=2000):
    """Two nets of equal units, in the second of them the last unit adds up backwards: as `followed` tells them."""
    equal = np.full((2, UNITS), CONSTANT)
    return followed(equal, equal, add_up=last_unit_backwards, steps=steps, every=every)


def parted_by_matrix_products(units, steps=1000):
    """The same curve and equal units, by the matrix products of `linear`: the first step at which two units differ
    in any digit, or None.  It depends on the processor."""
    network, _ = mlp((1, units, 1), tanh)
    layer = lambda *shape: {"weight": constant(shape, value=CONSTANT), "bias": np.zeros(shape[0])}
    params = layer(units, 1), None, None, layer(1, units), None
    for step in range(steps):
        hidden, outgoing = params[0], params[3]["weight"]
        if np.ptp(hidden["weight"]) or np.ptp(hidden["bias"]) or np.ptp(outgoing):
            return step
        _, grads = train.gradient(network, mse_loss, params, INPUTS[:, None], TARGETS[:, None])
        params = train.sgd(RATE)(params, grads)
    return None


# ---- what is measured once: python -m utils.notebooks measure 03

NN_LINEAR = partial(init.kaiming_uniform, negative_slope=5**0.5)  # the default of nn.Linear
WITH_SQRT_2 = partial(init.orthogonal, gain=2**0.5)
STARTED = {
    "ReLU, LeCun": (init.lecun_normal, relu),
    "ReLU, Xavier": (init.xavier_normal, relu),
    "ReLU, He": (init.kaiming_normal, relu),
    "ReLU, orthogonal": (WITH_SQRT_2, relu),
    "ReLU, nn.Linear": (NN_LINEAR, relu),
    "tanh, Xavier": (init.xavier_normal, tanh),
    "tanh, orthogonal": (init.orthogonal, tanh),
    "sigmoid, Xavier": (init.xavier_normal, sigmoid),
}


def eight_starts(seed):
    """Section 3.6: ten layers from each of STARTED; for some of them what (3.4) and (3.9) are worth at the end."""
    found = {}
    for name, (scheme, activation) in STARTED.items():
        params, history = travelling_network(scheme, activation, seed=seed)
        found[name] = packed(history)
        if name in ("tanh, Xavier", "ReLU, He"):
            found[name]["against prediction"] = rounded(against_prediction(params, activation))
            blind = rows_shuffled(params, seed)
            found[name]["rows shuffled"] = rounded(against_prediction(blind, activation))
        if name == "ReLU, LeCun":
            found[name]["way back"] = [rounded(factors) for factors in way_back(params, activation)]
    return found


def accuracy_of(scheme, activation=relu, **options):
    return travelling_network(scheme, activation, **options)[1].scores[-1]


def a_smaller_rate(seed):
    """Section 3.6: ReLU at a learning rate of 0.03."""
    schemes = {"LeCun": init.lecun_normal, "Xavier": init.xavier_normal, "He": init.kaiming_normal}
    return {name: accuracy_of(scheme, rate=0.03, seed=seed) for name, scheme in schemes.items()}


def few_layers(seed):
    """Section 3.6: ReLU with two, three and four layers."""
    schemes = {
        "normal 0.01": partial(init.normal, std=0.01),
        "nn.Linear": NN_LINEAR,
        "He": init.kaiming_normal,
    }
    return {
        f"{layers} layers, {name}": accuracy_of(scheme, layers=layers, seed=seed)
        for layers in (2, 3, 4)
        for name, scheme in schemes.items()
    }


def before_batch_norm(seed):
    """Section 3.6: He's weights times a factor, three epochs, without and with batch norm."""
    found = {}
    for factor in (0.1, 1, 10):
        scheme = lambda shape, rng, factor=factor: factor * init.kaiming_normal(shape, rng)
        _, with_it = with_batch_norm(factor * 2**0.5, seed=seed)
        found[f"{factor}, without"] = accuracy_of(scheme, epochs=3, seed=seed)
        found[f"{factor}, with"] = with_it.scores[-1]
    return found


def more_starts(seed):
    """Appendix, and the aside of section 3.6 about the sigmoid."""
    schemes = {f"normal {std}": partial(init.normal, std=std) for std in (0.01, 0.4)} | {
        "uniform 0.07": partial(init.uniform, a=-0.07, b=0.07),
        "He, fan-out": partial(init.kaiming_normal, mode="fan_out"),
    }
    wanted = {f"ReLU, {name}": (scheme, relu) for name, scheme in schemes.items()}
    wanted |= {f"ReLU, normal {std}": (partial(init.normal, std=std), relu) for std in (0.15, 0.2, 0.25, 0.3)}
    schemes |= {"nn.Linear": NN_LINEAR, "LeCun": init.lecun_normal, "He": init.kaiming_normal}
    wanted |= {f"tanh, {name}": (scheme, tanh) for name, scheme in schemes.items()}
    for times in (4, 8):
        scheme = lambda shape, rng, times=times: times * init.lecun_normal(shape, rng)
        wanted[f"sigmoid, {times} times LeCun"] = scheme, sigmoid
    return {name: accuracy_of(*pair, seed=seed) for name, pair in wanted.items()}


EXPERIMENTS = {
    "eight starts": eight_starts,
    "a smaller rate": a_smaller_rate,
    "few layers": few_layers,
    "before batch norm": before_batch_norm,
    "more starts": more_starts,
}
SEEDS = {
    "eight starts": range(5),
    "a smaller rate": range(3),
    "few layers": range(3),
    "before batch norm": range(2),
    "more starts": range(5),
}
