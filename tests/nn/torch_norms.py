"""PyTorch's batch norm with its arguments in our order, to compare with."""

import torch
import torch.nn.functional as F


def torch_batch_norm(
    x, weight=None, bias=None, running_mean=None, running_var=None, training=True, **options
):
    """torch.nn.functional.batch_norm of tensors or of arrays; running statistics change in place, as in ours."""
    x, weight, bias, *running = (
        None if given is None else torch.as_tensor(given)
        for given in (x, weight, bias, running_mean, running_var)
    )
    return F.batch_norm(x, *running, weight, bias, training, **options)
