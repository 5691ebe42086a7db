"""Claims of chapter 03, and those that circulate about initialization: what holds of them."""

from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.special import digamma, gamma

from utils.crosscheck import crosscheck
from utils.data import digits
from utils.nn import initialization as init
from utils.nn.activations import elu, leaky_relu, relu, selu, sigmoid, tanh
from utils.nn.linear import linear
from utils.nn.mlp import mlp, mlp_params_by

IDENTITY = lambda x: (x, lambda dy: dy)


def mean_squares(scheme, activation, widths, rng, batch=64):
    """Mean square of the net inputs of every layer, for a batch of standard normal numbers."""
    h, found = rng.normal(size=(batch, widths[0])), []
    for fan_in, fan_out in zip(widths, widths[1:]):
        z = h @ scheme((fan_out, fan_in), rng).T
        h, _ = activation(z)
        found.append((z**2).mean())
    return np.array(found)


def test_a_product_and_a_sum_of_independent_numbers():
    """INI-02, eqs. (3.3), (3.4): the mean square of the inputs counts, dependent or not."""
    rng = np.random.default_rng(0)
    w, x = rng.normal(0, 0.5, (200_000, 20)), rng.normal(1, 2, (200_000, 20))
    assert (w * x)[:, 0].var() == pytest.approx(1.25, rel=0.03)
    assert (w * x).sum(1).var() == pytest.approx(25, rel=0.03)
    assert (w * x[:, :1]).sum(1).var() == pytest.approx(25, rel=0.03)


def test_the_gain_that_keeps_a_tanh():
    """Section 3.3's table, exercise 03.5: for z from N(0, 1); PyTorch's 5/3 is a little more."""
    z = np.linspace(-10, 10, 200_001)
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) * (z[1] - z[0])
    assert 1 / np.sqrt((tanh(z)[0] ** 2 * density).sum()) == pytest.approx(1.59, abs=5e-3)


@pytest.mark.parametrize("draw, kurtosis", [("normal", 3), ("uniform", 1.8), ("laplace", 6)])
def test_the_error_of_a_measured_variance(draw, kurtosis):
    """Eq. (3.5)."""
    samples = getattr(np.random.default_rng(0), draw)(size=(4000, 500))
    found = samples.var(1)
    assert found.std() == pytest.approx(found.mean() * np.sqrt((kurtosis - 1) / 500), rel=0.1)


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.0])
def test_a_linear_stack_multiplies(factor):
    """INI-04, eq. (3.7): the slope of the logarithm is that of factor = sigma sqrt(n)."""
    rng = np.random.default_rng(0)
    found = [
        mean_squares(lambda s, r: factor * init.lecun_normal(s, r), IDENTITY, [100] * 51, rng, 1)[-1]
        for _ in range(5)
    ]
    assert np.mean(np.log(found)) / 100 == pytest.approx(np.log(factor), abs=0.03)


HERMITE_X, HERMITE_WEIGHTS = np.polynomial.hermite_e.hermegauss(200)


def mean_of(f, variance):
    """E[f(z)] for normal z with mean 0, by quadrature."""
    values = f(np.sqrt(variance) * HERMITE_X)
    return (values * HERMITE_WEIGHTS).sum() / HERMITE_WEIGHTS.sum()


@pytest.mark.parametrize("variance", [1e-3, 1e-2, 3e-2])
def test_a_layer_of_tanh_takes_twice_the_square_of_the_mean_square(variance):
    """Eq. (3.7a), up to the next term, 17/3 of the cube."""
    after = mean_of(lambda z: np.tanh(z) ** 2, variance)
    assert after == pytest.approx(variance - 2 * variance**2, abs=6 * variance**3)
    assert 1 / after - 1 / variance == pytest.approx(2, abs=3 * variance)


@pytest.mark.parametrize("first", [0.3, 1.0, 4.0])
def test_tanh_with_lecun_fades_as_a_power_of_the_depth(first):
    """Eq. (3.7b): 1 / sqrt(2 L) in wide layers, whatever the beginning, and no fixed share a layer."""
    sizes, variance = [], first
    for _ in range(100):
        variance = mean_of(lambda z: np.tanh(z) ** 2, variance)
        sizes.append(np.sqrt(variance))
    for layer in (20, 50, 100):
        assert sizes[layer - 1] == pytest.approx(1 / np.sqrt(2 * layer), rel=0.06)
    assert sizes[99] / sizes[24] == pytest.approx(0.5, rel=0.06)
    if first == 1.0:
        assert sizes[1] / sizes[0] < 0.8 and sizes[19] / sizes[18] == pytest.approx(0.975, abs=2e-3)


def test_networks_of_tanh_fade_as_derived():
    """Eq. (3.7b) in networks of 200 units: the middle one of five within a tenth."""
    found = []
    for seed in range(5):
        h, rng = np.random.default_rng(seed).normal(size=(64, 200)), np.random.default_rng(seed)
        for layer in range(1, 51):
            h = np.tanh(h @ init.lecun_normal((200, 200), rng).T)
            if layer in (10, 20, 50):
                found.append(np.sqrt((h**2).mean()))
    middle = np.median(np.reshape(found, (5, 3)), axis=0)
    np.testing.assert_allclose(middle, 1 / np.sqrt(2 * np.array([10, 20, 50])), rtol=0.1)


def growth(n, rng, factors=100):
    """Average logarithm by which a matrix of standard normal numbers lengthens a vector."""
    x, log = np.ones(n) / np.sqrt(n), 0.0
    for _ in range(factors):
        x = rng.normal(size=(n, n)) @ x
        log += np.log(np.linalg.norm(x))
        x /= np.linalg.norm(x)
    return log / factors


@pytest.mark.parametrize("n, typical", [(1, -0.635), (2, 0.058), (4, 0.558), (100, 2.2975)])
def test_typical_growth_of_a_product(n, typical):
    """INI-05, eq. (3.8)."""
    rng = np.random.default_rng(0)
    found = np.mean([growth(n, rng) for _ in range(200 if n < 100 else 10)])
    assert (np.log(2) + digamma(n / 2)) / 2 == pytest.approx(typical, abs=1e-3)
    assert found == pytest.approx(typical, abs=0.03)
    if n > 2:
        assert typical == pytest.approx(np.log(n) / 2 - 1 / (2 * n), abs=0.02)


@pytest.mark.parametrize("n", [1, 4, 50])
def test_where_the_typical_growth_comes_from(n):
    """The aside to eq. (3.8): the squared length is a sum of n squares; its powers have averages of gammas."""
    q = (np.random.default_rng(0).normal(size=(400_000, n)) ** 2).sum(1)
    assert q.mean() == pytest.approx(n, rel=0.01) and q.var() == pytest.approx(2 * n, rel=0.03)
    assert np.log(q).mean() / 2 == pytest.approx((np.log(2) + digamma(n / 2)) / 2, abs=0.01)
    t = 0.7
    assert (q**t).mean() == pytest.approx(2**t * gamma(n / 2 + t) / gamma(n / 2), rel=0.01)


def test_a_hundred_numbers_vanish_and_a_hundred_matrices_explode():
    """E03.1: typical sizes 10^-27.6 and 10^24."""
    rng = np.random.default_rng(0)
    numbers = np.log10(np.abs(rng.normal(size=(2000, 100)))).sum(1)
    assert np.median(numbers) == pytest.approx(-27.6, abs=1)
    matrices = [100 * growth(4, rng) / np.log(10) for _ in range(200)]
    assert np.median(matrices) == pytest.approx(24.2, abs=1)


def test_orthogonal_layers_stretch_nothing_others_do():
    """INI-04: a product of random matrices keeps few directions."""
    stretch = {}
    for scheme in (init.lecun_normal, init.orthogonal):
        rng, product = np.random.default_rng(0), np.eye(100)
        for _ in range(20):
            product = scheme((100, 100), rng) @ product
        stretch[scheme] = np.linalg.svd(product, compute_uv=False)
    assert stretch[init.lecun_normal][0] > 3 and stretch[init.lecun_normal][50] < 0.01
    np.testing.assert_allclose(stretch[init.orthogonal], 1)


def test_lecun_keeps_the_size_through_layers_of_any_width():
    """INI-06, E03.3."""
    found = mean_squares(
        init.lecun_normal, IDENTITY, [1000, 500, 800, 300, 600], np.random.default_rng(0), 256
    )
    np.testing.assert_allclose(found, 1, atol=0.2)


@pytest.mark.parametrize("a", [0.07, 2.0])
def test_variance_of_a_uniform_distribution(a):
    """INI-08, eq. (3.12)."""
    assert init.uniform((1000, 1000), np.random.default_rng(0), -a, a).var() == pytest.approx(
        a**2 / 3, rel=5e-3
    )


@pytest.mark.parametrize(
    "fill", [torch.nn.init.xavier_normal_, torch.nn.init.xavier_uniform_, torch.nn.init.kaiming_normal_]
)
def test_it_is_the_weight_that_has_the_distribution(fill):
    """E03.2: the second number is a variance; as a standard deviation it is far too small."""
    torch.manual_seed(0)
    w = fill(torch.empty(600, 400))
    variance = 2 / 400 if fill is torch.nn.init.kaiming_normal_ else 2 / 1000
    assert w.var().item() == pytest.approx(variance, rel=0.02)
    assert w.std().item() > 10 * variance


def test_plain_defaults_lose_the_signal():
    """E03.7, INI-11: 20 layers of 100 units; the fan-in they would suit."""
    widths, ends = [100] * 21, {}
    for name, scheme in {
        "normal": partial(init.normal, std=0.01),
        "uniform": partial(init.uniform, a=-0.07, b=0.07),
        "Xavier": init.xavier_normal,
    }.items():
        ends[name] = np.sqrt(mean_squares(scheme, tanh, widths, np.random.default_rng(0))[-1])
    assert ends["normal"] < 1e-15 and ends["uniform"] < 1e-6 and ends["Xavier"] > 0.05
    assert round(3 / 0.07**2) == 612 and round(1 / 0.01**2) == 10_000


@pytest.mark.parametrize("slope", [0.0, 0.1, 0.25, 1.0])
def test_share_of_the_mean_square_that_passes(slope):
    """INI-09, INI-10, eq. (3.14)."""
    z = np.random.default_rng(0).normal(size=10**6)
    y, _ = leaky_relu(z, negative_slope=slope)
    assert (y**2).mean() == pytest.approx((1 + slope**2) / 2, rel=0.01)
    assert torch.nn.init.calculate_gain("leaky_relu", slope) ** 2 == pytest.approx(2 / (1 + slope**2))


def test_the_variance_of_relu_is_not_its_mean_square():
    """The clinic's second form: a third of the variance instead of half of the mean square."""
    y, _ = relu(np.random.default_rng(0).normal(size=10**6))
    assert y.var() == pytest.approx(0.5 - 0.5 / np.pi, rel=0.01) == pytest.approx(0.341, abs=0.01)
    careful = lambda shape, rng: init.normal(shape, rng, std=np.sqrt(2.93 / shape[1]))
    found = mean_squares(careful, relu, [512] * 31, np.random.default_rng(0))
    assert 50 < np.sqrt(found[-1] / found[0]) < 1500


def test_he_keeps_thirty_layers_of_relu_and_xavier_does_not():
    """INI-09."""
    ratio = lambda scheme: np.divide(
        *mean_squares(scheme, relu, [512] * 31, np.random.default_rng(0))[[-1, 0]]
    )
    assert 0.3 < ratio(init.kaiming_normal) < 3
    assert ratio(init.xavier_normal) == pytest.approx(2.0**-29, rel=1)


@pytest.mark.parametrize("mode", ["fan_in", "fan_out"])
@pytest.mark.parametrize("slope", [0.0, 0.25])
def test_one_fan_is_enough(mode, slope):
    """Eq. (3.10): what fan-in (or fan-out) costs the other direction depends on the two ends only."""
    widths, draws = [256, 100, 300, 64], 200
    network, taps = mlp(widths, partial(leaky_relu, negative_slope=slope))
    scheme, rng = partial(init.kaiming_normal, mode=mode, negative_slope=slope), np.random.default_rng(0)
    sizes = np.zeros((2, 2))
    for _ in range(draws):
        x = rng.normal(size=(8, 256))
        output, back = network(mlp_params_by(widths, rng, scheme), x)
        _, dx = back(rng.normal(size=output.shape))
        first = taps[0].value / np.sqrt((1 + slope**2) / 2)  # as large as the net input of layer 1
        sizes += [[(first**2).mean(), (output**2).mean()], [1, (dx**2).mean()]]
    forward, backward = sizes[:, 1] / sizes[:, 0]
    # two activations lie between layer 1 and the outputs; going back, the top layer has none
    passed = (1 + slope**2) / 2
    if mode == "fan_in":
        assert forward == pytest.approx(1, rel=0.1) and backward == pytest.approx(64 / 256 / passed, rel=0.1)
    else:
        assert forward == pytest.approx(100 / 64, rel=0.1) and backward == pytest.approx(1 / passed, rel=0.1)


@pytest.mark.parametrize("shape", [(600, 200), (200, 600)])
def test_going_back_the_other_fan_counts(shape):
    """Eqs. (3.4), (3.9): LeCun keeps the signal and multiplies the gradient by fan-out / fan-in."""
    rng = np.random.default_rng(0)
    z, pullback = linear(rng.normal(size=(500, shape[1])), init.lecun_normal(shape, rng))
    dx, _, _ = pullback(rng.normal(size=z.shape))
    assert (z**2).mean() == pytest.approx(1, rel=0.05)
    assert (dx**2).mean() == pytest.approx(shape[0] / shape[1], rel=0.05)


@pytest.mark.parametrize("slope", [0.0, 0.25, 1.0])
def test_the_same_share_of_the_mean_square_passes_on_the_way_back(slope):
    """Eq. (3.16)."""
    z, dy = np.random.default_rng(0).normal(size=(2, 10**6))
    _, pullback = leaky_relu(z, negative_slope=slope)
    assert (pullback(dy) ** 2).mean() == pytest.approx((1 + slope**2) / 2, rel=0.01)


def test_a_convolution_adds_up_its_fan_in():
    """Eq. (3.13): forward fan-in, backward fan-out, away from the border."""
    rng = np.random.default_rng(0)
    weight = torch.from_numpy(init.lecun_normal((16, 8, 3, 3), rng))
    x = torch.from_numpy(rng.normal(size=(50, 8, 20, 20))).requires_grad_()
    output = F.conv2d(x, weight)
    output.backward(torch.from_numpy(rng.normal(size=output.shape)))
    variance = weight.square().mean().item()
    assert output.square().mean().item() == pytest.approx(72 * variance, rel=0.02)
    assert x.grad[..., 3:-3, 3:-3].square().mean().item() == pytest.approx(144 * variance, rel=0.02)


def test_outputs_of_the_relu_family():
    """E03.4: at least 0, half exactly 0; the others go below."""
    z = np.random.default_rng(0).normal(size=10_000)
    assert (relu(z)[0] == 0).mean() > 0.45 and relu(z)[0].min() == 0
    assert all(f(z)[0].min() < 0 for f in (leaky_relu, elu, selu))


def hidden_layer(x, weight):
    h, back = tanh(x @ weight.T)

    def pullback(dy):
        dz = back(0.3 * dy * np.ones_like(h))
        return dz @ weight, dz.T @ x

    return 0.3 * h.sum(-1, keepdims=True), pullback


def test_constant_weights_have_equal_gradients_over_units_only():
    """E03.5, eq. (3.17)."""
    x, weight = np.array([[1.0, 2.0, 3.0]]), np.full((4, 3), 0.2)
    theirs = lambda x, weight: 0.3 * torch.tanh(x @ weight.T).sum(-1, keepdims=True)
    assert crosscheck(hidden_layer, theirs, x, weight).ok
    _, gradient = hidden_layer(x, weight)[1](np.ones((1, 1)))
    np.testing.assert_allclose(gradient, np.tile(gradient[:1], (4, 1)))
    np.testing.assert_allclose(gradient[0] / gradient[0, 0], [1, 2, 3])


DATA = digits.load()


@pytest.mark.parametrize("activation, low, high", [(tanh, 0.5, 0.8), (relu, 0.1, 0.35), (sigmoid, 0, 1e-4)])
def test_share_of_the_mean_square_that_differs_between_digits(activation, low, high):
    """Section 3.6, INI-12: sizes may be healthy and say nothing."""
    assert (np.ptp(DATA.train_x, axis=0) == 0).sum() == 4
    scheme, shares = init.kaiming_normal if activation is relu else init.lecun_normal, []
    for seed in range(20):
        rng, h = np.random.default_rng(seed), DATA.train_x[:200]
        for _ in range(10):
            h, _ = activation(h @ scheme((32, h.shape[1]), rng).T)
        shares.append(h.var(0).mean() / (h**2).mean())
    assert low <= np.mean(shares) < high


def test_the_slope_of_the_sigmoid_is_nearly_zero_at_both_ends():
    """INI-12."""
    slopes = sigmoid(np.array([-10.0, 0.0, 10.0]))[1](np.ones(3))
    assert slopes[1] == 0.25 and slopes[[0, 2]].max() < 1e-4


def test_what_a_layer_of_tanh_adds_to_one_over_the_mean_square():
    """Section 3.2: from v = 1 on, where (3.7a) does not hold yet; z normal, the average by quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    v, added = 1.0, []
    for _ in range(30):
        after = (weights * np.tanh(nodes * np.sqrt(v)) ** 2).sum() / weights.sum()
        added.append(1 / after - 1 / v)
        v = after
    assert [round(added[k], 1) for k in (0, 1, 5)] == [1.5, 1.7, 1.9] and 1.95 < added[-1] < 2


def test_nine_tenths_of_products_of_a_hundred_numbers():
    """Section 3.2: between 10^-36 and 10^-20."""
    drawn = np.log10(np.abs(np.random.default_rng(0).normal(size=(20_000, 100)))).sum(1)
    assert np.quantile(drawn, [0.05, 0.95]).round().tolist() == [-36, -20]
