"""The linear layer of chapter 01: a matrix, a bias, and its pullback."""

from utils.nn.guard import guarded


@guarded(x="(..., in)", weight="(out, in)", bias="(out,)")
def linear(x, weight, bias=None):
    """Map the last axis by a matrix and add a bias, x W^T + b: eqs. (1.10), (1.11), (1.13).

    x: (..., in); weight: (out, in); bias: (out,) or None.  Returns (..., out), as
    torch.nn.functional.linear.  ValueError when the shapes do not fit together.
    """
    y = x @ weight.T
    if bias is not None:
        y = y + bias

    def pullback(dy):
        rows = lambda a: a.reshape(-1, a.shape[-1])  # one for each example, however many axes they fill
        dbias = None if bias is None else rows(dy).sum(0)
        return dy @ weight, rows(dy).T @ rows(x), dbias

    return y, pullback
