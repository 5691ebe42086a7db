"""What is wrong with a step of an update rule, in words: other options, eps, factors, a state that is not carried on."""

import inspect

import numpy as np

from utils.crosscheck.finding import Diagnosis
from utils.crosscheck.protocol import kind_of
from utils.crosscheck.trees import leaves

CLOSE = 1e-7  # relative to the longest way
LARGE = 0.1  # gradients beside which eps is nothing
FLAGS = ("nesterov", "amsgrad", "centered")


def diagnose_step(run, k, step):
    """The Diagnosis of parameter k at the first step that is wrong.  run: a steps.Run."""
    ours, theirs, before = run.ours[step][k], run.theirs[step][k], run.theirs[step - 1][k]
    if not isinstance(ours, (np.ndarray, np.generic, float)):
        return Diagnosis(
            "missing", f"{kind_of(ours) if hasattr(ours, '__len__') else 'nothing'} came back for it"
        )
    ours = np.asarray(ours)
    if ours.shape != theirs.shape:
        return Diagnosis("shape", f"its shape is {ours.shape}; expected {theirs.shape}")
    if ours.dtype.kind != "f":
        return Diagnosis("dtype", f"its dtype is {ours.dtype}; expected floating point")
    if not np.isfinite(ours).all():
        bad = int((~np.isfinite(ours)).sum())
        return Diagnosis("nan", f"not finite (NaN or infinite) in {bad} of {ours.size} places")
    moved, right = ours - before, theirs - before
    gradient = [leaf for _, leaf in leaves(run.gradients[step - 1])][k]
    return (
        like_the_first(run, k, step)
        or other_way(moved, right)
        or other_options(run)
        or by_parameters(moved, right, before)
        or by_time(step, by_size(moved, right, np.abs(gradient)))
    )


def close(a, b):
    size = max(np.abs(a).max(initial=0), np.abs(b).max(initial=0))
    return bool((np.abs(a - b) <= CLOSE * size).all())


def other_way(moved, right):
    if not moved.any():
        return Diagnosis("zero", "it does not move")
    if close(moved, -right):
        return Diagnosis("sign", "it moves the other way: a step goes against the gradient")


def like_the_first(run, k, step):
    """A later step that is taken as if it were the first."""
    before = run.theirs[step - 1]
    fresh = run.fresh_step(before, step) if step > 1 else None
    if fresh is not None and close(fresh[k] - before[k], run.ours[step][k] - before[k]):
        said = "it is taken as if it were the first: the state is not carried on from step to step"
        return Diagnosis("state", said)


def variants(optimizer, options):
    """(class, options, how it is written) for each way in which an option may have been misread."""
    import torch

    now = {name: p.default for name, p in inspect.signature(optimizer).parameters.items()} | options
    changes = [{flag: not now[flag]} for flag in FLAGS if flag in now]
    changes += [{name: 0.0} for name in ("weight_decay", "momentum", "lr_decay") if now.get(name)]
    if now.get("momentum"):
        changes.append({"dampening": 0.0 if now["dampening"] else now["momentum"]})
    for change in changes:
        yield optimizer, options | change, ", ".join(f"{n}={v}" for n, v in change.items())
    sisters = {torch.optim.Adam: torch.optim.AdamW, torch.optim.AdamW: torch.optim.Adam}
    if optimizer in sisters and now["weight_decay"]:
        yield sisters[optimizer], options | {"weight_decay": now["weight_decay"]}, ""


def other_options(run):
    """What PyTorch would do with one option changed, or its sister class."""
    from utils.crosscheck.witnesses import torch_steps

    for optimizer, options, change in variants(run.optimizer, run.options):
        try:
            found = torch_steps(optimizer, options, run.params, run.gradients)
        except ValueError:  # the options exclude each other
            continue
        ends = list(zip(found[0], found[-1], run.ours[-1]))
        if len(run.ours) == len(found) and all(close(end - start, ours - start) for start, end, ours in ends):
            name = f"torch.optim.{optimizer.__name__}"
            return Diagnosis("options", f"it does what {name} does{f' with {change}' if change else ''}")


def by_parameters(moved, right, before):
    """Off by a multiple of the parameters."""
    error = moved - right
    c = float((error * before).sum() / max((before * before).sum(), 1e-300))
    if c and np.abs(error - c * before).max() <= CLOSE * np.abs(error).max():
        return Diagnosis("decay", f"off by {c:.4g} times the parameter itself: a weight decay, or none?")


def by_size(moved, right, gradient):
    """A factor; or right for large gradients alone."""
    large = (gradient >= LARGE) & (right != 0)
    ratios = moved[large] / right[large]
    c = float(ratios.mean()) if large.any() else np.nan
    if not large.any() or np.abs(ratios - c).max() > 1e-4 * abs(c):
        return None
    if abs(c - 1) <= 1e-4:
        said = "right where the gradient is large, wrong where it is as small as eps: where does eps stand?"
        return Diagnosis("eps", said)
    said = f"its step is {c:.4g} times PyTorch's: the learning rate, a factor 1 - beta, a bias correction?"
    return Diagnosis("factor", said)


def by_time(step, found):
    """Where only later steps are wrong, the state is; found: what else is known of this step, or None."""
    if step == 1:
        return found or Diagnosis(
            "unknown", "the first step is wrong already: a term or a factor of the rule"
        )
    several = f"the first {step - 1} steps are" if step > 2 else "the first step is"
    said = f"{several} right, so what is kept from step to step, the state, is not"
    return Diagnosis("state", f"{said}; {found.sentence}" if found else said)
