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


def plus(a, bias):
    return a if bias is None else a + bias


# ---- norms


def normalized(x, axes, eps, mean=None, var=None):
    """(x - mean) / sqrt(var + eps) over `axes`."""
    mean = labelled(x.mean(axes, keepdim=True), "the mean") if mean is None else mean
    centred = labelled(x - mean, "the centred input")
    var = labelled((centred**2).mean(axes, keepdim=True), "the variance") if var is None else var
    inv_std = labelled((var + eps) ** -0.5, "1 / the standard deviation")
    x_hat = labelled(centred * inv_std, "the normalised input")
    x_hat.normalized = (x, axes, inv_std)
    return x_hat


def rescaled(x_hat, weight, bias, channels=False):
    """weight, bias: along the last axes, or along the channels of axis 1."""
    view = (lambda p: p.reshape(1, -1, *[1] * (x_hat.ndim - 2))) if channels else (lambda p: p)
    y = x_hat if weight is None else x_hat * view(weight)
    return y if bias is None else y + view(bias)


def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-5):
    axes = tuple(range(-len(normalized_shape), 0))
    return rescaled(normalized(input, axes, eps), weight, bias)


def batch_norm(input, running_mean, running_var, weight=None, bias=None, training=False, eps=1e-5, **_):
    shape = (1, -1, *[1] * (input.ndim - 2))
    known = () if training else (running_mean.reshape(shape), running_var.reshape(shape))
    return rescaled(normalized(input, (0, *range(2, input.ndim)), eps, *known), weight, bias, channels=True)


def group_norm(input, num_groups, weight=None, bias=None, eps=1e-5):
    groups = input.reshape(len(input), num_groups, -1)
    return rescaled(normalized(groups, (-1,), eps).reshape(input.shape), weight, bias, channels=True)


def instance_norm(input, weight=None, bias=None, use_input_stats=True, eps=1e-5, **_):
    axes = tuple(range(2, input.ndim))
    return rescaled(normalized(input, axes, eps), weight, bias, channels=True) if use_input_stats else None


def rms_norm(input, normalized_shape, weight=None, eps=None):
    axes = tuple(range(-len(normalized_shape), 0))
    eps = torch.finfo(input.dtype).eps if eps is None else eps
    rms = labelled(torch.sqrt((input**2).mean(axes, keepdim=True) + eps), "the root mean square")
    return rescaled(labelled(input / rms, "the normalised input"), weight, None)


def normalize(input, p=2.0, dim=1, out=None, **_):
    if p == 2 and out is None:
        return input / labelled(torch.sqrt((input**2).sum(dim, keepdim=True)), "the length")


def cosine_similarity(x1, x2, dim=1, eps=1e-8):
    first = labelled(torch.sqrt((x1**2).sum(dim)), "the first length")
    second = labelled(torch.sqrt((x2**2).sum(dim)), "the second length")
    return (x1 * x2).sum(dim) / (first * second)


# ---- activations and losses


def gelu(input, *, approximate="none"):
    if approximate == "tanh":
        return 0.5 * input * (1 + torch.tanh(math.sqrt(2 / math.pi) * (input + 0.044715 * input**3)))
    return input * labelled(0.5 * (1 + torch.erf(input / math.sqrt(2))), "Phi(x)")


def loss(each):
    """A loss of PyTorch's from each(input, target, ...), the losses one by one or None."""

    def reduced(
        input, target, weight=None, pos_weight=None, reduction="mean", size_average=None, reduce=None, **rest
    ):
        made = None if weight is not None or pos_weight is not None else each(input, target, **rest)
        return made if made is None or reduction == "none" else getattr(made, reduction)()

    return reduced


def huber(input, target, delta):
    error = input - target
    size = torch.abs(error)
    return torch.where(size <= delta, 0.5 * error**2, delta * (size - 0.5 * delta))


def smooth_l1(input, target, beta):
    error = input - target
    size = torch.abs(error)
    return torch.where(size < beta, 0.5 * error**2 / beta, size - 0.5 * beta)


def binary_cross_entropy(p, target):
    return -(target * torch.log(p) + (1 - target) * torch.log(1 - p))


def cross_entropy(input, target, ignore_index=-100, label_smoothing=0.0):
    if input.ndim != 2 or (target == ignore_index).any() or label_smoothing:
        return None
    log_p = torch.log_softmax(input, 1)
    given = target.is_floating_point()
    return -(target * log_p).sum(1) if given else -log_p[torch.arange(len(target)), target]


def kl_div(input, target, size_average=None, reduce=None, reduction="mean", log_target=False):
    p, log_p = (torch.exp(target), target) if log_target else (target, torch.log(target))
    made = p * (log_p - input)
    if reduction == "batchmean":
        return made.sum() / len(input)
    return made if reduction == "none" else getattr(made, reduction)()


# ---- convolution and pooling


def each_axis(number, axes):
    return [number] * axes if isinstance(number, int) else list(number) * (axes if len(number) == 1 else 1)


def windows(x, sizes, strides, pads=()):
    """(B, C, out..., the elements of a window): every window of the spatial axes."""
    if any(pads):
        x = F.pad(x, [p for pad in reversed(pads) for p in (pad, pad)], value=0.0)
    for axis, (size, stride) in enumerate(zip(sizes, strides)):
        x = x.unfold(2 + axis, size, stride)
    return labelled(x.flatten(2 + len(sizes)), "the windows of the input")


def convolution(axes):
    def conv(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
        if (
            isinstance(padding, str)
            or groups != 1
            or max(each_axis(dilation, axes)) > 1
            or input.ndim != axes + 2
        ):
            return None
        cut = windows(input, weight.shape[2:], each_axis(stride, axes), each_axis(padding, axes))
        kernel = labelled(weight.flatten(2), "the kernel")
        made = torch.einsum("bcpk,ock->bop", cut.flatten(2, 1 + axes), kernel)
        made = made.reshape(*made.shape[:2], *cut.shape[2:-1])
        return plus(made, None if bias is None else bias.reshape(-1, *[1] * axes))

    return conv


def pooling(axes, reduce):
    def pool(input, kernel_size, stride=None, padding=0, *args, **kwargs):
        plain = all(a in (False, 1, None) for a in [*args, *kwargs.values()]) and padding in (0, (0,) * axes)
        if not plain or input.ndim < axes + 1:
            return None
        sizes = each_axis(kernel_size, axes)
        x = input if input.ndim == axes + 2 else input[None]
        made = reduce(windows(x, sizes, sizes if stride is None else each_axis(stride, axes)))
        return made if input.ndim == axes + 2 else made[0]

    return pool


def largest(cut):
    return cut.max(-1).values


def average(cut):
    return cut.mean(-1)


# ---- attention


def attention(query, key, value, mask, scale=None):
    """(output, weights); mask: True where something is seen, or added to the scores, or None."""
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = labelled((query @ key.transpose(-1, -2)) * scale, "the scores")
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else scores + mask
    weights = labelled(torch.softmax(scores, -1), "the attention weights")
    return weights @ value, weights


def scaled_dot_product_attention(
    query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False
):
    if dropout_p or enable_gqa:
        return None
    if is_causal:
        attn_mask = torch.ones((query.shape[-2], key.shape[-2]), dtype=torch.bool).tril()
    return attention(query, key, value, attn_mask, scale)[0]


def multi_head_attention_forward(
    query, key, value, embed_dim_to_check, num_heads, in_proj_weight, in_proj_bias, bias_k, bias_v, add_zero_attn,
    dropout_p, out_proj_weight, out_proj_bias, training=True, key_padding_mask=None, need_weights=True,
    attn_mask=None, use_separate_proj_weight=False, average_attn_weights=True, is_causal=False, **rest,
):  # fmt: skip
    special = bias_k is not None or add_zero_attn or use_separate_proj_weight or key_padding_mask is not None
    if special or (dropout_p and training) or query.ndim != 3:
        return None
    biases = [None] * 3 if in_proj_bias is None else in_proj_bias.chunk(3)

    def heads(x, weight, bias, label):  # (T, B, D) to (B, heads, T, D / heads)
        projected = labelled(F.linear(x, weight, bias), label)
        return projected.reshape(*x.shape[:2], num_heads, -1).permute(1, 2, 0, 3)

    labels = ("the queries", "the keys", "the values")
    q, k, v = map(heads, (query, key, value), in_proj_weight.chunk(3), biases, labels)
    seen = ~attn_mask if attn_mask is not None and attn_mask.dtype == torch.bool else attn_mask
    mixed, p = attention(q, k, v, seen)
    mixed = mixed.permute(2, 0, 1, 3).reshape(query.shape)
    averaged = None if not need_weights else p.mean(1) if average_attn_weights else p
    return F.linear(mixed, out_proj_weight, out_proj_bias), averaged


# ---- recurrent layers


def gates(z, letters, which=""):
    """The weighted sums of the gates."""
    parts = z.chunk(len(letters), -1)
    return [labelled(p, f"{which}the weighted sum of {letter}") for p, letter in zip(parts, letters)]


def lstm_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    h, c = hx
    z_i, z_f, z_g, z_o = gates(plus(input @ w_ih.T, b_ih) + plus(h @ w_hh.T, b_hh), "ifgo")
    i = labelled(torch.sigmoid(z_i), "the input gate i")
    f = labelled(torch.sigmoid(z_f), "the forget gate f")
    g = labelled(torch.tanh(z_g), "the candidate g")
    o = labelled(torch.sigmoid(z_o), "the output gate o")
    c = labelled(labelled(f * c, "f * c") + labelled(i * g, "i * g"), "the cell c")
    return labelled(o * labelled(torch.tanh(c), "tanh(c)"), "the state h"), c


def gru_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    x_r, x_z, x_n = gates(plus(input @ w_ih.T, b_ih), "rzn", "x's part of ")
    h_r, h_z, h_n = gates(plus(hx @ w_hh.T, b_hh), "rzn", "h's part of ")
    r = labelled(torch.sigmoid(x_r + h_r), "the reset gate r")
    z = labelled(torch.sigmoid(x_z + h_z), "the update gate z")
    n = labelled(torch.tanh(x_n + labelled(r * h_n, "r * (W_hn h + b_hn)")), "the candidate n")
    return labelled(labelled((1 - z) * n, "(1 - z) * n") + labelled(z * hx, "z * h"), "the state h")


def rnn_cell(activation):
    def cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
        return labelled(activation(plus(input @ w_ih.T, b_ih) + plus(hx @ w_hh.T, b_hh)), "the state h")

    return cell


def layers(cell):
    """A recurrent layer of PyTorch as loops over `cell`."""

    def run(input, hx, flat_weights, bias, num_layers, dropout, train, bidirectional, batch_first):
        if not isinstance(bias, bool) or (dropout and train and num_layers > 1):
            return None  # a packed sequence, or randomness
        per, ways = (4 if bias else 2), (2 if bidirectional else 1)
        if len(flat_weights) != per * num_layers * ways:
            return None
        several = isinstance(hx, tuple)
        x = input.transpose(0, 1) if batch_first else input
        last = []
        for layer in range(num_layers):
            made = []
            for k in range(layer * ways, (layer + 1) * ways):
                turn = -1 if k % ways else 1
                state, states = tuple(h[k] for h in hx) if several else hx[k], []
                for x_t in list(x)[::turn]:
                    state = cell(x_t, state, *flat_weights[per * k : per * (k + 1)])
                    states.append(state[0] if several else state)
                made.append(torch.stack(states[::turn]))
                last.append(state if several else (state,))
            x = torch.cat(made, -1) if ways > 1 else made[0]
        output = x.transpose(0, 1) if batch_first else x
        return output, *(torch.stack(part) for part in zip(*last))

    return run


rnn_tanh, rnn_relu = rnn_cell(torch.tanh), rnn_cell(torch.relu)

FINE = {
    F.layer_norm: layer_norm, F.batch_norm: batch_norm, F.group_norm: group_norm, F.instance_norm: instance_norm,
    F.rms_norm: rms_norm, F.normalize: normalize, F.cosine_similarity: cosine_similarity,
    F.silu: lambda input, inplace=False: input * torch.sigmoid(input),
    F.mish: lambda input, inplace=False: input * torch.tanh(F.softplus(input)),
    F.gelu: gelu,
    F.mse_loss: loss(lambda input, target: (input - target) ** 2),
    F.l1_loss: loss(lambda input, target: torch.abs(input - target)),
    F.huber_loss: loss(huber), F.smooth_l1_loss: loss(smooth_l1), F.cross_entropy: loss(cross_entropy),
    F.binary_cross_entropy: loss(binary_cross_entropy),
    F.binary_cross_entropy_with_logits: loss(lambda x, target: binary_cross_entropy(torch.sigmoid(x), target)),
    F.kl_div: kl_div,
    F.conv1d: convolution(1), F.conv2d: convolution(2),
    F.max_pool1d: pooling(1, largest), F.max_pool2d: pooling(2, largest),
    F.avg_pool1d: pooling(1, average), F.avg_pool2d: pooling(2, average),
    F.scaled_dot_product_attention: scaled_dot_product_attention,
    F.multi_head_attention_forward: multi_head_attention_forward,
    torch._VF.lstm: layers(lstm_cell), torch._VF.gru: layers(gru_cell),
    torch._VF.rnn_tanh: layers(rnn_tanh), torch._VF.rnn_relu: layers(rnn_relu),
    torch._VF.lstm_cell: lstm_cell, torch._VF.gru_cell: gru_cell,
    torch._VF.rnn_tanh_cell: rnn_tanh, torch._VF.rnn_relu_cell: rnn_relu,
}  # fmt: skip
