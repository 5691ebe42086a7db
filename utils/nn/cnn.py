"""Chapter 07: windows on an image, convolution as one matrix product over them, and pooling."""

import numpy as np

from utils.nn import kinds
from utils.nn.guard import guarded


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


@guarded(x="(N, C, H, W)", weight="(O, C, KH, KW)", bias="(O,)")
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


@guarded(x="(N, C, H, W)")
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


@guarded(x="(N, C, H, W)")
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
