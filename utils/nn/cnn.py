"""Chapter 07: windows on an image, convolution as one matrix product over them, and pooling."""

import functools
import reprlib

import numpy as np

from utils.nn import kinds
from utils.nn.activations import relu
from utils.nn.embedding import embedding
from utils.nn.guard import guarded
from utils.nn.kinds import statistics, told, whole
from utils.nn.linear import linear
from utils.nn.normalization import batch_norm


def pair(least):
    """The kind of one integer of at least `least` for rows and columns alike, or of a pair."""

    def kind(given, name):
        both = given if isinstance(given, (tuple, list)) else (given, given)
        try:
            found = tuple(whole(least)(length, name) for length in both)
        except ValueError:
            found = ()
        if len(found) != 2:
            raise ValueError(
                f"{name} is {reprlib.repr(given)}; expected an integer of at least {least}, or a pair of them"
            )
        return found

    return kind


def running_statistics(given, name):
    """The kind of a dict of arrays that are changed in place, or None."""
    if not (given is None or isinstance(given, dict)):
        raise ValueError(f"{name} is {told(given)}; expected a dict of arrays")
    return given and {key: statistics(array, f"{name}[{key!r}]") for key, array in given.items()}


STEPS = {"stride": pair(1), "padding": pair(0), "dilation": pair(1)}
POOL = {"kernel_size": pair(1), "stride": pair(1)}


def output_size(length, kernel, *, stride=1, padding=0, dilation=1):
    """How many windows of a kernel fit along an axis: eq. (7.4).

    length, kernel: elements; the division rounds down.  0 or less where none fits.
    """
    return (length + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def windows(x, size, *, stride=(1, 1), dilation=(1, 1)):
    """All windows of an image, as a view that copies nothing: (N, C, KH, KW, H', W').

    x: (N, C, H, W); size: (KH, KW); stride, dilation: a pair, rows then columns.  Element
    [n, c, a, b, i, j] is x[n, c, i*stride + a*dilation, j*stride + b*dilation].
    """
    (kh, kw), (sh, sw), (dh, dw) = size, stride, dilation
    reach = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    seen = np.lib.stride_tricks.sliding_window_view(x, reach, axis=(2, 3))
    return seen[:, :, ::sh, ::sw, ::dh, ::dw].transpose(0, 1, 4, 5, 2, 3)


def scatter(dseen, shape, *, stride=(1, 1), dilation=(1, 1)):
    """What comes back to an image from all its windows, added where windows overlap: eq. (7.8).

    dseen: (N, C, KH, KW, H', W'), built like windows(x, ...); shape: of x.  The pullback of windows.
    """
    dx = np.zeros(shape, dseen.dtype)
    *_, kh, kw, height, width = dseen.shape
    for a in range(kh):
        for b in range(kw):
            rows = slice(a * dilation[0], a * dilation[0] + stride[0] * (height - 1) + 1, stride[0])
            columns = slice(b * dilation[1], b * dilation[1] + stride[1] * (width - 1) + 1, stride[1])
            dx[:, :, rows, columns] += dseen[:, :, a, b]
    return dx


@guarded(x="(N, C, H, W)", weight="(O, C, KH, KW)", bias="(O,)", **STEPS)
def conv2d(x, weight, bias=None, *, stride=1, padding=0, dilation=1):
    """Slide each kernel over the image and add up products, a cross-correlation: eqs. (7.3), (7.6) to (7.8).

    x: (N, C, H, W); weight: (O, C, KH, KW); bias: (O,) or None; stride, padding, dilation: an integer
    or a pair, rows then columns.  Returns (N, O, H', W') as torch.nn.functional.conv2d.  ValueError
    when the kernel does not fit into the padded image.
    """
    stride, padding, dilation = both(stride), both(padding), both(dilation)
    expect_fit(x.shape, weight.shape[2:], "weight", stride, padding, dilation)
    padded = pad(x, padding)
    seen = windows(padded, weight.shape[2:], stride=stride, dilation=dilation)
    n, o, taps, places = len(x), len(weight), weight[0].size, seen.shape[4] * seen.shape[5]
    columns = seen.reshape(n, taps, places)  # copies: every pixel as often as windows see it
    rows = weight.reshape(o, taps)
    y = (rows @ columns).reshape(n, o, *seen.shape[4:])
    if bias is not None:
        y = y + bias[:, None, None]

    def pullback(dy):
        dy = dy.reshape(n, o, places)
        dweight = (dy @ columns.transpose(0, 2, 1)).sum(0).reshape(weight.shape)
        dseen = (rows.T @ dy).reshape(seen.shape)
        dx = cut(scatter(dseen, padded.shape, stride=stride, dilation=dilation), padding)
        return dx, dweight, None if bias is None else dy.sum((0, 2))

    return y, pullback


@guarded(
    x="(N, C, L)",
    weight="(O, C, K)",
    bias="(O,)",
    stride=kinds.whole(1),
    padding=kinds.whole(0),
    dilation=kinds.whole(1),
)
def conv1d(x, weight, bias=None, *, stride=1, padding=0, dilation=1):
    """Slide each kernel along a sequence: conv2d on an image of one row.

    x: (N, C, L); weight: (O, C, K); bias: (O,) or None; stride, padding, dilation: integers.  Returns
    (N, O, L') as torch.nn.functional.conv1d.  ValueError when the kernel does not fit.
    """
    y, back = conv2d(
        x[:, :, None],
        weight[:, :, None],
        bias,
        stride=(1, stride),
        padding=(0, padding),
        dilation=(1, dilation),
    )

    def pullback(dy):
        dx, dweight, dbias = back(dy[:, :, None])
        return dx[:, :, 0], dweight[:, :, 0], dbias

    return y[:, :, 0], pullback


@guarded(x="(N, C, H, W)", **POOL)
def max_pool2d(x, *, kernel_size, stride=None):
    """Keep the largest number of each window: eqs. (7.10), (7.11).

    x: (N, C, H, W); kernel_size: an integer or a pair; stride: likewise, kernel_size where omitted.
    Of equal numbers the first, row by row, gets the gradient.  As torch.nn.functional.max_pool2d.
    ValueError when no window fits.
    """
    kernel_size, stride = both(kernel_size), both(stride or kernel_size)
    expect_fit(x.shape, kernel_size, "kernel_size", stride)
    seen = windows(x, kernel_size, stride=stride)
    taps = kernel_size[0] * kernel_size[1]
    listed = seen.reshape(*seen.shape[:2], taps, *seen.shape[4:])
    winner = listed.argmax(2)[:, :, None]

    def pullback(dy):
        dseen = np.where(winner == np.arange(taps)[:, None, None], dy[:, :, None], np.zeros((), dy.dtype))
        return scatter(dseen.reshape(seen.shape), x.shape, stride=stride)

    return np.take_along_axis(listed, winner, 2)[:, :, 0], pullback


@guarded(x="(N, C, H, W)", **POOL)
def avg_pool2d(x, *, kernel_size, stride=None):
    """The mean of each window: eq. (7.12).

    x: (N, C, H, W); kernel_size, stride: as for max_pool2d.  As torch.nn.functional.avg_pool2d.
    ValueError when no window fits.
    """
    kernel_size, stride = both(kernel_size), both(stride or kernel_size)
    expect_fit(x.shape, kernel_size, "kernel_size", stride)
    seen = windows(x, kernel_size, stride=stride)

    def pullback(dy):
        share = dy[:, :, None, None] / (kernel_size[0] * kernel_size[1])
        return scatter(np.broadcast_to(share, seen.shape), x.shape, stride=stride)

    return seen.mean((2, 3)), pullback


BLOCK = ("conv1.weight", "bn1.weight", "bn1.bias", "conv2.weight", "bn2.weight", "bn2.bias")


@guarded(x="(N, C, H, W)", stride=pair(1), skip=kinds.truth, running=running_statistics)
def residual_block(params, x, *, stride=1, skip=True, running=None, training=True):
    """Two convolutions with batch norm, whose result is added to what came in: eqs. (7.14), (7.15).

    params: conv1.weight (O, C, 3, 3), conv2.weight (O, O, 3, 3), and bn1, bn2 with .weight and .bias
    (O,); downsample.0.weight (O, C, 1, 1) and downsample.1.weight, .bias where stride or channels
    change, else a ValueError.  x: (N, C, H, W); skip=False leaves the addition out, a plain block; running: a dict of
    statistics, bn1.running_mean and so on, changed in training, used otherwise.  ReLU after the first
    norm and after the addition, as torchvision's BasicBlock.  He, Zhang, Ren & Sun 2016.
    """
    expect_names(params, *BLOCK)
    layer = functools.partial(conv_norm, params, running=running, training=training)
    h, back_1 = layer(x, "conv1", "bn1", stride=stride, padding=1)
    h, back_relu = relu(h)
    h, back_2 = layer(h, "conv2", "bn2", padding=1)
    short, back_short = x, lambda d: ({}, d)
    if "downsample.0.weight" in params and skip:
        short, back_short = layer(x, "downsample.0", "downsample.1", stride=stride)
    if skip and short.shape != h.shape:
        raise ValueError(
            f"x has shape {x.shape}, what is added to it {h.shape}, by stride {stride}: "
            "params needs downsample.0.weight and downsample.1"
        )
    y, back_last = relu(h + short if skip else h)

    def pullback(dy):
        dsum = back_last(dy)  # an addition hands the same gradient to both of its terms
        dparams_2, dh = back_2(dsum)
        dparams_1, dx = back_1(back_relu(dh))
        dparams_short, dx_short = back_short(dsum) if skip else ({}, 0)
        return dparams_1 | dparams_2 | dparams_short, dx + dx_short

    return y, pullback


def conv_norm(params, x, conv, norm, *, stride=1, padding=0, running=None, training=True):
    """A convolution without bias, then batch norm; conv, norm: how their parameters' names begin."""
    expect_names(params, f"{norm}.weight", f"{norm}.bias")
    if running:
        expect_names(running, f"{norm}.running_mean", f"{norm}.running_var", of="running")
    statistics = {key: running[f"{norm}.{key}"] for key in ("running_mean", "running_var") if running}
    y, back_conv = conv2d(x, params[f"{conv}.weight"], stride=stride, padding=padding)
    z, back_norm = batch_norm(
        y, params[f"{norm}.weight"], params[f"{norm}.bias"], training=training, **statistics
    )

    def pullback(dz):
        dy, dweight, dbias = back_norm(dz)
        dx, dkernel, _ = back_conv(dy)
        return {f"{conv}.weight": dkernel, f"{norm}.weight": dweight, f"{norm}.bias": dbias}, dx

    return z, pullback


@guarded(ids=kinds.integers)
def text_cnn(params, ids):
    """Classify sentences by the phrases in them: eqs. (7.17), (7.18).

    params: embedding.weight (V, D); convs.0.weight (O, D, K) and convs.0.bias (O,), likewise convs.1
    and so on, for phrases of several lengths K; linear.weight (classes, O of all together) and
    linear.bias.  ids: (N, L), integers.  Each kernel slides along the words, ReLU, and of each kernel
    the largest answer in the sentence counts.  Returns logits (N, classes); the pullback gives
    (dparams, None).  Kim 2014.
    """
    if ids.ndim != 2:
        raise ValueError(f"ids has shape {ids.shape}; expected (N, L)")
    expect_names(params, "embedding.weight", "convs.0.weight", "linear.weight", "linear.bias")
    vectors, back_embedding = embedding(ids, params["embedding.weight"])
    sequence = vectors.transpose(0, 2, 1)
    names = [name[:-7] for name in params if name.startswith("convs.") and name.endswith(".weight")]
    expect_names(params, *(f"{name}.bias" for name in names))
    found, backs = zip(*(phrases(params, sequence, name) for name in names))
    features = np.concatenate(found, axis=1)
    logits, back_linear = linear(features, params["linear.weight"], params["linear.bias"])

    def pullback(dlogits):
        dfeatures, dweight, dbias = back_linear(dlogits)
        dparams, dsequence = {"linear.weight": dweight, "linear.bias": dbias}, 0
        ends = np.cumsum([f.shape[1] for f in found])[:-1]
        for back, d in zip(backs, np.split(dfeatures, ends, axis=1)):
            dconv, dx = back(d)
            dparams, dsequence = dparams | dconv, dsequence + dx
        dparams["embedding.weight"] = back_embedding(dsequence.transpose(0, 2, 1))[1]
        return {name: dparams[name] for name in params}, None

    return logits, pullback


def phrases(params, x, name):
    """How strongly each kernel answers somewhere in the sentence, (N, O): conv1d, ReLU, the largest over time."""
    y, back_conv = conv1d(x, params[f"{name}.weight"], params[f"{name}.bias"])
    h, back_relu = relu(y)
    first = h.argmax(-1)[..., None]

    def pullback(d):
        dh = np.zeros_like(h)
        np.put_along_axis(dh, first, d[..., None], -1)
        dx, dweight, dbias = back_conv(back_relu(dh))
        return {f"{name}.weight": dweight, f"{name}.bias": dbias}, dx

    return np.take_along_axis(h, first, -1)[..., 0], pullback


def both(length):
    """An integer for rows and columns alike, or a pair as it is."""
    return (length, length) if isinstance(length, int) else length


def pad(x, padding):
    """Zeros around each image: rows above and below, columns left and right."""
    (ph, pw), (*batch, height, width) = padding, x.shape
    padded = np.zeros((*batch, height + 2 * ph, width + 2 * pw), x.dtype)
    padded[:, :, ph : ph + height, pw : pw + width] = x
    return padded


def cut(padded, padding):
    """The image inside of its padding."""
    (ph, pw), (height, width) = padding, padded.shape[2:]
    return padded[:, :, ph : height - ph, pw : width - pw]


def expect_names(params, *names, of="params"):
    """ValueError unless params is a dict that holds these names."""
    if not isinstance(params, dict):
        raise ValueError(f"{of} is {told(params)}; expected a dict with {', '.join(names)}")
    missing = [name for name in names if params.get(name) is None]
    if missing:
        raise ValueError(
            f"{of} lacks {', '.join(missing)}; it holds {', '.join(map(str, params)) or 'nothing'}"
        )


def expect_fit(shape, size, name, stride, padding=(0, 0), dilation=(1, 1)):
    """ValueError unless a kernel of this size fits into the image at least once, along both axes."""
    for axis, letter in ((0, "rows"), (1, "columns")):
        length = shape[2 + axis]
        fits = output_size(
            length, size[axis], stride=stride[axis], padding=padding[axis], dilation=dilation[axis]
        )
        if fits < 1:
            around = f" and padding {padding[axis]}" if padding[axis] else ""
            apart = f" with dilation {dilation[axis]}" if dilation[axis] > 1 else ""
            raise ValueError(
                f"{name}{apart} reaches over {dilation[axis] * (size[axis] - 1) + 1} {letter}; x has {length}{around}"
            )
