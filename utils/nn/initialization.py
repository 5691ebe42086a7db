"""Random numbers to start from: one function for each scheme that fills a weight array."""

import math

import numpy as np

from utils.nn.guard import guarded


@guarded
def fans(shape):
    """How many numbers one output adds up, and in how many sums one input sits: eq. (3.13).

    shape: (out, in) of a dense layer, or (out, in, *kernel) of a convolution.  Returns
    (fan_in, fan_out), counted as torch.nn.init does.  ValueError for too few axes, or empty ones.
    """
    if len(shape) < 2 or min(shape) < 1:
        raise ValueError(f"shape is {shape}; expected (out, in, *kernel), none of them 0")
    outputs, inputs, *kernel = shape
    return inputs * math.prod(kernel), outputs * math.prod(kernel)


@guarded
def constant(shape, rng=None, value=0.0):
    """The same number everywhere; good for biases, fatal for weights.

    shape: any.  rng is not used: it is there so that all schemes are called alike.
    """
    return np.full(shape, value)


@guarded
def normal(shape, rng, mean=0.0, std=1.0):
    """Normal random numbers; std is a standard deviation, not a variance.

    shape: any; rng: a numpy Generator.  As torch.nn.init.normal_.  ValueError for a negative std.
    """
    return rng.normal(mean, std, shape)


@guarded
def uniform(shape, rng, a=0.0, b=1.0):
    """Random numbers spread evenly between a and b: variance (b - a)^2 / 12, eq. (3.12).

    shape: any; rng: a numpy Generator.  As torch.nn.init.uniform_.  ValueError when b is below a.
    """
    if b < a:
        raise ValueError(f"b is {b}, below a, which is {a}; expected a <= b")
    return rng.uniform(a, b, shape)


@guarded
def lecun_normal(shape, rng):
    """Variance 1 / fan_in, which keeps the size of a signal going forward: eq. (3.6).

    shape: as for fans; rng: a numpy Generator.  As torch.nn.init.kaiming_normal_ with
    nonlinearity="linear".  LeCun, Bottou, Orr & Mueller 1998.
    """
    fan_in, _ = fans(shape)
    return normal(shape, rng, std=1 / math.sqrt(fan_in))


@guarded
def xavier_normal(shape, rng, gain=1.0):
    """Variance 2 / (fan_in + fan_out), a compromise of both directions: eq. (3.11).

    shape: as for fans; rng: a numpy Generator; gain: multiplies the standard deviation.  As
    torch.nn.init.xavier_normal_.  Glorot & Bengio 2010.
    """
    return normal(shape, rng, std=gain * math.sqrt(2 / sum(fans(shape))))


@guarded
def xavier_uniform(shape, rng, gain=1.0):
    """The variance of xavier_normal, spread evenly: eqs. (3.11), (3.12).

    shape: as for fans; rng: a numpy Generator; gain: multiplies the limit.  As
    torch.nn.init.xavier_uniform_.  Glorot & Bengio 2010.
    """
    limit = gain * math.sqrt(6 / sum(fans(shape)))
    return uniform(shape, rng, -limit, limit)


@guarded
def kaiming_std(shape, mode="fan_in", negative_slope=0.0):
    """The standard deviation that a (leaky) ReLU needs: eqs. (3.15), (3.16).

    mode: "fan_in" keeps the size going forward, "fan_out" the size going back; negative_slope: of
    the leaky ReLU, 0 for ReLU, 1 for no activation at all.  ValueError for another mode.
    """
    fan_in, fan_out = fans(shape)
    fan = fan_in if mode == "fan_in" else fan_out
    return math.sqrt(2 / ((1 + negative_slope**2) * fan))


@guarded
def kaiming_normal(shape, rng, mode="fan_in", negative_slope=0.0):
    """He's initialization, normal: variance 2 / ((1 + negative_slope^2) fan), eqs. (3.15), (3.16).

    shape: as for fans; rng: a numpy Generator; mode, negative_slope: as for kaiming_std.  As
    torch.nn.init.kaiming_normal_.  He, Zhang, Ren & Sun 2015.
    """
    return normal(shape, rng, std=kaiming_std(shape, mode, negative_slope))


@guarded
def kaiming_uniform(shape, rng, mode="fan_in", negative_slope=0.0):
    """He's initialization, spread evenly: the same variance, eqs. (3.12), (3.15), (3.16).

    shape: as for fans; rng: a numpy Generator; mode, negative_slope: as for kaiming_std.  As
    torch.nn.init.kaiming_uniform_.  He, Zhang, Ren & Sun 2015.
    """
    limit = math.sqrt(3) * kaiming_std(shape, mode, negative_slope)
    return uniform(shape, rng, -limit, limit)


@guarded
def orthogonal(shape, rng, gain=1.0):
    """A random rotation (times gain): no direction is stretched more than another.

    shape: as for fans; a kernel's axes are flattened into one.  Rows are orthonormal, or columns
    when there are fewer of them.  As torch.nn.init.orthogonal_.  Saxe, McClelland & Ganguli 2014.
    """
    fans(shape)  # says what is wrong with a bad shape
    rows, columns = shape[0], math.prod(shape[1:])
    q, r = np.linalg.qr(rng.normal(size=(max(rows, columns), min(rows, columns))))
    q = q * np.where(np.diag(r) < 0, -1, 1)  # without this some rotations are likelier than others
    return gain * (q.T if rows < columns else q).reshape(shape)
