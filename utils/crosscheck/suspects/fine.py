"""PyTorch's larger functions taken apart, so that a mistake can be planted inside: norms, losses, attention, recurrent layers.

FINE: {function of PyTorch: the same in small steps}.  A small version returns None for what it does not cover.
Every value that has a name in the text books carries it as `label`.
"""

import math

import torch
import torch.nn.functional as F


def labelled(tensor, label):
    tensor.label = label
    return tensor


# ---- norms


def normalized(x, axes, eps, mean=None, var=None):
    """(x - mean) / sqrt(var + eps) over `axes`."""
    if mean is None:
        mean = labelled(x.mean(axes, keepdim=True), "the mean")
    centred = labelled(x - mean, "the centred input")
    if var is None:
        var = labelled((centred**2).mean(axes, keepdim=True), "the variance")
    inv_std = labelled(1 / torch.sqrt(var + eps), "1 / the standard deviation")
    x_hat = labelled(centred * inv_std, "the normalised input")
    x_hat.normalized = (x, axes, inv_std)
    return x_hat


def rescaled(x_hat, weight, bias, shape=None):
    view = (lambda p: p) if shape is None else (lambda p: p.reshape(shape))
    y = x_hat if weight is None else x_hat * view(weight)
    return y if bias is None else y + view(bias)


def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-5):
    axes = tuple(range(-len(normalized_shape), 0))
    return rescaled(normalized(input, axes, eps), weight, bias)


def batch_norm(
    input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5
):
    axes = (0, *range(2, input.ndim))
    shape = (1, -1, *[1] * (input.ndim - 2))
    if training:
        return rescaled(normalized(input, axes, eps), weight, bias, shape)
    x_hat = normalized(input, axes, eps, running_mean.reshape(shape), running_var.reshape(shape))
    return rescaled(x_hat, weight, bias, shape)


def group_norm(input, num_groups, weight=None, bias=None, eps=1e-5):
    groups = input.reshape(len(input), num_groups, -1)
    x_hat = normalized(groups, (-1,), eps).reshape(input.shape)
    return rescaled(x_hat, weight, bias, (1, -1, *[1] * (input.ndim - 2)))


def instance_norm(
    input,
    running_mean=None,
    running_var=None,
    weight=None,
    bias=None,
    use_input_stats=True,
    momentum=0.1,
    eps=1e-5,
):
    if not use_input_stats:
        return None
    x_hat = normalized(input, tuple(range(2, input.ndim)), eps)
    return rescaled(x_hat, weight, bias, (1, -1, *[1] * (input.ndim - 2)))


def rms_norm(input, normalized_shape, weight=None, eps=None):
    axes = tuple(range(-len(normalized_shape), 0))
    eps = torch.finfo(input.dtype).eps if eps is None else eps
    rms = labelled(torch.sqrt((input**2).mean(axes, keepdim=True) + eps), "the root mean square")
    return rescaled(labelled(input / rms, "the normalised input"), weight, None)


def normalize(input, p=2.0, dim=1, eps=1e-12, out=None):
    if p != 2 or out is not None:
        return None
    length = labelled(torch.sqrt((input**2).sum(dim, keepdim=True)), "the length")
    return input / length


def cosine_similarity(x1, x2, dim=1, eps=1e-8):
    first = labelled(torch.sqrt((x1**2).sum(dim)), "the first length")
    second = labelled(torch.sqrt((x2**2).sum(dim)), "the second length")
    return (x1 * x2).sum(dim) / (first * second)


# ---- activations and losses


def silu(input, inplace=False):
    return input * torch.sigmoid(input)


def gelu(input, *, approximate="none"):
    if approximate == "tanh":
        return 0.5 * input * (1 + torch.tanh(math.sqrt(2 / math.pi) * (input + 0.044715 * input**3)))
    return input * labelled(0.5 * (1 + torch.erf(input / math.sqrt(2))), "Phi(x)")


def mish(input, inplace=False):
    return input * torch.tanh(F.softplus(input))


def reduced(loss, reduction):
    return {"mean": loss.mean, "sum": loss.sum, "none": lambda: loss}[reduction]()


def mse_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    return None if weight is not None else reduced((input - target) ** 2, reduction)


def l1_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    return None if weight is not None else reduced(torch.abs(input - target), reduction)


def huber_loss(input, target, reduction="mean", delta=1.0, weight=None):
    error = input - target
    size = torch.abs(error)
    small, large = 0.5 * error**2, delta * (size - 0.5 * delta)
    return None if weight is not None else reduced(torch.where(size <= delta, small, large), reduction)


def smooth_l1_loss(input, target, size_average=None, reduce=None, reduction="mean", beta=1.0):
    error = input - target
    size = torch.abs(error)
    return reduced(torch.where(size < beta, 0.5 * error**2 / beta, size - 0.5 * beta), reduction)


def binary_cross_entropy(input, target, weight=None, size_average=None, reduce=None, reduction="mean"):
    if weight is not None:
        return None
    return reduced(-(target * torch.log(input) + (1 - target) * torch.log(1 - input)), reduction)


def binary_cross_entropy_with_logits(
    input, target, weight=None, size_average=None, reduce=None, reduction="mean", pos_weight=None
):
    if pos_weight is not None:
        return None
    return binary_cross_entropy(torch.sigmoid(input), target, weight, reduction=reduction)


def cross_entropy(
    input,
    target,
    weight=None,
    size_average=None,
    ignore_index=-100,
    reduce=None,
    reduction="mean",
    label_smoothing=0.0,
):
    if weight is not None or input.ndim != 2 or (target == ignore_index).any() or label_smoothing:
        return None
    log_p = torch.log_softmax(input, 1)
    if target.is_floating_point():
        losses = -(target * log_p).sum(1)
    else:
        losses = -log_p[torch.arange(len(target)), target]
    return reduced(losses, reduction)


# ---- convolution and pooling


def windows(x, sizes, strides, fill=None, pads=None):
    """(B, C, out..., k...): every window of the spatial axes, as views."""
    if pads and any(pads):
        x = F.pad(x, [p for pad in reversed(pads) for p in (pad, pad)], value=fill)
    for axis, (size, stride) in enumerate(zip(sizes, strides)):
        x = x.unfold(2 + axis, size, stride)
    return x


def each(number, axes):
    return [number] * axes if isinstance(number, int) else list(number) * (axes if len(number) == 1 else 1)


def convolution(axes):
    def conv(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
        if isinstance(padding, str) or groups != 1 or max(each(dilation, axes)) > 1 or input.ndim != axes + 2:
            return None
        cut = windows(input, weight.shape[2:], each(stride, axes), 0.0, each(padding, axes))
        cut = labelled(cut.flatten(2 + axes), "the windows of the input").flatten(2, 1 + axes)
        kernel = labelled(weight.flatten(2), "the kernel")
        made = torch.einsum("bcpk,ock->bop", cut, kernel)
        out = [
            (n + 2 * p - k) // s + 1
            for n, p, k, s in zip(input.shape[2:], each(padding, axes), weight.shape[2:], each(stride, axes))
        ]
        made = made.reshape(*made.shape[:2], *out)
        return made if bias is None else made + bias.reshape(-1, *[1] * axes)

    return conv


def pooling(axes, reduce):
    def pool(input, kernel_size, stride=None, padding=0, *args, **kwargs):
        plain = all(a in (False, 1, None) for a in [*args, *kwargs.values()]) and padding in (0, (0,) * axes)
        if not plain or input.ndim < axes + 1:
            return None
        sizes = each(kernel_size, axes)
        x = input if input.ndim == axes + 2 else input[None]
        cut = windows(x, sizes, sizes if stride is None else each(stride, axes)).flatten(2 + axes)
        made = reduce(labelled(cut, "the windows of the input"))
        return made if input.ndim == axes + 2 else made[0]

    return pool


def largest(cut):
    return cut.max(-1).values


def average(cut):
    return cut.mean(-1)


# ---- attention


def scaled_dot_product_attention(
    query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False
):
    if dropout_p or enable_gqa:
        return None
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = labelled((query @ key.transpose(-1, -2)) * scale, "the scores")
    if is_causal:
        attn_mask = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
    if attn_mask is not None and attn_mask.dtype == torch.bool:
        scores = scores.masked_fill(~attn_mask, -torch.inf)
    elif attn_mask is not None:
        scores = scores + attn_mask
    return labelled(torch.softmax(scores, -1), "the attention weights") @ value


def multi_head_attention_forward(
    query, key, value, embed_dim_to_check, num_heads, in_proj_weight, in_proj_bias, bias_k, bias_v, add_zero_attn,
    dropout_p, out_proj_weight, out_proj_bias, training=True, key_padding_mask=None, need_weights=True,
    attn_mask=None, use_separate_proj_weight=False, average_attn_weights=True, is_causal=False, **rest,
):  # fmt: skip
    special = bias_k is not None or add_zero_attn or use_separate_proj_weight or key_padding_mask is not None
    if special or (dropout_p and training) or query.ndim != 3:
        return None
    weights = in_proj_weight.chunk(3)
    biases = [None] * 3 if in_proj_bias is None else in_proj_bias.chunk(3)

    def heads(x, weight, bias, label):  # (T, B, D) to (B, heads, T, D / heads)
        projected = labelled(F.linear(x, weight, bias), label)
        return projected.reshape(*x.shape[:2], num_heads, -1).permute(1, 2, 0, 3)

    labels = ("the queries", "the keys", "the values")
    q, k, v = (heads(x, w, b, label) for x, w, b, label in zip((query, key, value), weights, biases, labels))
    scores = labelled((q @ k.transpose(-1, -2)) / math.sqrt(q.shape[-1]), "the scores")
    if attn_mask is not None:
        scores = (
            scores.masked_fill(attn_mask, -torch.inf) if attn_mask.dtype == torch.bool else scores + attn_mask
        )
    p = labelled(torch.softmax(scores, -1), "the attention weights")
    mixed = (p @ v).permute(2, 0, 1, 3).reshape(query.shape)
    averaged = None if not need_weights else p.mean(1) if average_attn_weights else p
    return F.linear(mixed, out_proj_weight, out_proj_bias), averaged


# ---- recurrent layers


def plus(a, bias):
    return a if bias is None else a + bias


def summed(parts, letters, which=""):
    return [labelled(p, f"{which}the weighted sum of {letter}") for p, letter in zip(parts, letters)]


def lstm_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    h, c = hx
    z = plus(input @ w_ih.T, b_ih) + plus(h @ w_hh.T, b_hh)
    z_i, z_f, z_g, z_o = summed(z.chunk(4, -1), "ifgo")
    i = labelled(torch.sigmoid(z_i), "the input gate i")
    f = labelled(torch.sigmoid(z_f), "the forget gate f")
    g = labelled(torch.tanh(z_g), "the candidate g")
    o = labelled(torch.sigmoid(z_o), "the output gate o")
    c = labelled(labelled(f * c, "f * c") + labelled(i * g, "i * g"), "the cell c")
    return labelled(o * labelled(torch.tanh(c), "tanh(c)"), "the state h"), c


def gru_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    x_r, x_z, x_n = summed(plus(input @ w_ih.T, b_ih).chunk(3, -1), "rzn", "x's part of ")
    h_r, h_z, h_n = summed(plus(hx @ w_hh.T, b_hh).chunk(3, -1), "rzn", "h's part of ")
    r = labelled(torch.sigmoid(x_r + h_r), "the reset gate r")
    z = labelled(torch.sigmoid(x_z + h_z), "the update gate z")
    n = labelled(torch.tanh(x_n + labelled(r * h_n, "r * (W_hn h + b_hn)")), "the candidate n")
    return labelled(labelled((1 - z) * n, "(1 - z) * n") + labelled(z * hx, "z * h"), "the state h")


def rnn_cell(activation):
    def cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
        return labelled(activation(plus(input @ w_ih.T, b_ih) + plus(hx @ w_hh.T, b_hh)), "the state h")

    return cell


def layers(cell, states):
    """A recurrent layer of PyTorch as loops over `cell`; states: how many a cell carries."""

    def run(input, hx, flat_weights, bias, num_layers, dropout, train, bidirectional, batch_first):
        if not isinstance(bias, bool) or (dropout and train and num_layers > 1):
            return None  # a packed sequence, or randomness
        hx = hx if states > 1 else (hx,)
        per, ways = (4 if bias else 2), (2 if bidirectional else 1)
        if len(flat_weights) != per * num_layers * ways:
            return None
        x = input.transpose(0, 1) if batch_first else input
        last = []
        for layer in range(num_layers):
            made = []
            for way in range(ways):
                k = layer * ways + way
                weights = flat_weights[per * k : per * (k + 1)]
                state = tuple(h[k] for h in hx)
                steps = []
                for t in reversed(range(len(x))) if way else range(len(x)):
                    new = cell(x[t], state if states > 1 else state[0], *weights)
                    state = new if states > 1 else (new,)
                    steps.append(state[0])
                made.append(torch.stack(steps[::-1] if way else steps))
                last.append(state)
            x = torch.cat(made, -1) if ways > 1 else made[0]
        output = x.transpose(0, 1) if batch_first else x
        return output, *(torch.stack(part) for part in zip(*last))

    return run


rnn_tanh, rnn_relu = rnn_cell(torch.tanh), rnn_cell(torch.relu)

FINE = {
    F.layer_norm: layer_norm,
    F.batch_norm: batch_norm,
    F.group_norm: group_norm,
    F.instance_norm: instance_norm,
    F.rms_norm: rms_norm,
    F.normalize: normalize,
    F.cosine_similarity: cosine_similarity,
    F.silu: silu,
    F.gelu: gelu,
    F.mish: mish,
    F.mse_loss: mse_loss,
    F.l1_loss: l1_loss,
    F.huber_loss: huber_loss,
    F.smooth_l1_loss: smooth_l1_loss,
    F.binary_cross_entropy: binary_cross_entropy,
    F.binary_cross_entropy_with_logits: binary_cross_entropy_with_logits,
    F.cross_entropy: cross_entropy,
    F.conv1d: convolution(1),
    F.conv2d: convolution(2),
    F.max_pool1d: pooling(1, largest),
    F.max_pool2d: pooling(2, largest),
    F.avg_pool1d: pooling(1, average),
    F.avg_pool2d: pooling(2, average),
    F.scaled_dot_product_attention: scaled_dot_product_attention,
    F.multi_head_attention_forward: multi_head_attention_forward,
    torch._VF.lstm: layers(lstm_cell, 2),
    torch._VF.gru: layers(gru_cell, 1),
    torch._VF.rnn_tanh: layers(rnn_tanh, 1),
    torch._VF.rnn_relu: layers(rnn_relu, 1),
    torch._VF.lstm_cell: lstm_cell,
    torch._VF.gru_cell: gru_cell,
    torch._VF.rnn_tanh_cell: rnn_tanh,
    torch._VF.rnn_relu_cell: rnn_relu,
}
