"""PyTorch's computation, step by step: what each step takes, what it makes, and taps on every way back.

`theirs` is called once more under a TorchFunctionMode.  Every differentiable tensor that enters a step
goes through a clone of its own, so that the gradient on that one way back can be changed by a hook: a
mistake is planted there, and PyTorch says which gradients would come of it.
"""

import os
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

import torch
from torch.overrides import TorchFunctionMode

from utils.crosscheck.suspects.fine import FINE
from utils.crosscheck.suspects.wording import LOOKS, Writer
from utils.crosscheck.witnesses import TorchWitness

ATTRIBUTES = {"T", "mT", "H", "mH"}  # what a tensor gives without a call, and is a step all the same
TORCH = os.path.dirname(torch.__file__)
DEEP = 60  # frames that tell one place of the code from another


@dataclass(eq=False)
class Edge:
    """One way into a step: `source` (the tensor as it was), `tap` (its clone), `slot` (where among the arguments)."""

    step: object
    source: torch.Tensor
    tap: torch.Tensor
    slot: tuple


@dataclass(eq=False)
class Step:
    """One call of a function of PyTorch that something differentiable entered and left.

    name: `tanh`, `matmul`; number: its place in time; place: where in the code, the same for every
    turn of a loop; helper: the line of code alone, the same wherever its function is called from; call: repeats it with other arguments; arguments: {slot: argument}; outputs:
    list of tensors; edges: list of Edge.
    """

    name: str
    number: int
    place: tuple
    helper: tuple
    call: object
    arguments: dict
    outputs: list = field(default_factory=list)
    edges: list = field(default_factory=list)

    @property
    def output(self):
        """Its only output, or None where it has several."""
        return self.outputs[0] if len(self.outputs) == 1 else None

    def pull(self, edge, upstream, changed=None):
        """The gradient that this step sends along `edge`, with some arguments replaced: {slot: tensor}."""
        values = {slot: (changed or {}).get(slot, a) for slot, a in self.arguments.items()}
        values = {s: v.detach() if isinstance(v, torch.Tensor) else v for s, v in values.items()}
        values[edge.slot] = values[edge.slot].clone().requires_grad_()
        with torch.enable_grad():
            made = self.call(values)
            made = next(m for m in made if is_live(m)) if isinstance(made, (tuple, list)) else made
            (found,) = torch.autograd.grad(made, values[edge.slot], upstream, allow_unused=True)
        return torch.zeros_like(edge.source) if found is None else found


class Recorder(TorchFunctionMode):
    """Notes every differentiable step while it is on."""

    def __init__(self, fine):
        super().__init__()
        self.fine = fine
        self.steps, self.maker = [], {}

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if not torch.is_grad_enabled():  # a module's parameters being filled
            return func(*args, **kwargs)
        if func in self.fine:
            with self:
                made = self.fine[func](*args, **kwargs)
            if made is not None:
                return made
        name = name_of(func)
        slots = dict(flatten(args, ("args",))) | dict(flatten(kwargs, ("kwargs",)))
        if name is None or not any(is_live(a) for a in slots.values()):
            return func(*args, **kwargs)
        step = Step(name, -1, *place(), caller(func, args, kwargs), slots)
        step.edges = [
            Edge(step, a, a.clone(), slot)
            for slot, a in slots.items()
            if is_live(a) and not (writes(name) and slot == ("args", 0))
        ]
        made = step.call(slots | {e.slot: e.tap for e in step.edges})
        self.note(step, args[0] if name == "__setitem__" else made)
        return made

    def note(self, step, made):
        step.outputs = [m for m in (made if isinstance(made, (tuple, list)) else [made]) if is_live(m)]
        if step.outputs:
            step.number = len(self.steps)
            self.steps.append(step)
            self.maker |= {id(output): (step, k) for k, output in enumerate(step.outputs)}


def is_live(a):
    """A tensor that gradients flow through."""
    return isinstance(a, torch.Tensor) and a.requires_grad and a.is_floating_point()


def name_of(func):
    """`tanh`, `matmul`, `T`; None for what only asks a tensor something."""
    name = getattr(func, "__name__", "")
    if name in ("__get__", "__set__", "__delete__"):
        owner = getattr(getattr(func, "__self__", None), "__name__", "")
        return owner if name == "__get__" and owner in ATTRIBUTES else None
    return name or None


def writes(name):
    """Steps that write into their first argument."""
    return name == "__setitem__" or (name.endswith("_") and not name.endswith("__")) or name in IN_PLACE


IN_PLACE = {"__iadd__", "__isub__", "__imul__", "__itruediv__", "__idiv__", "__ipow__"}


def flatten(tree, path):
    """(slot, leaf) for all arguments; lists, tuples and dicts opened."""
    if isinstance(tree, dict):
        return [pair for k, v in tree.items() for pair in flatten(v, (*path, k))]
    if type(tree) in (list, tuple):
        return [pair for k, v in enumerate(tree) for pair in flatten(v, (*path, k))]
    return [(path, tree)]


def rebuilt(tree, path, values):
    if isinstance(tree, dict):
        return {k: rebuilt(v, (*path, k), values) for k, v in tree.items()}
    if type(tree) in (list, tuple):
        return type(tree)(rebuilt(v, (*path, k), values) for k, v in enumerate(tree))
    return values[path]


def caller(func, args, kwargs):
    """A function of {slot: argument} that calls func with them."""
    return lambda values: func(*rebuilt(args, ("args",), values), **rebuilt(kwargs, ("kwargs",), values))


def place():
    """Where in the code a step stands: all frames, the same in every turn of a loop; and the innermost that is not PyTorch's."""
    frame, found, helper = sys._getframe(2), [], None
    while frame is not None and len(found) < DEEP and frame.f_code.co_name != "gradients_by_torch":
        found.append((frame.f_code, frame.f_lasti))
        if helper is None and not frame.f_code.co_filename.startswith(TORCH):
            helper = found[-1]
        frame = frame.f_back
    return tuple(found), helper


def record(case, upstream, names, truths):
    """The Recording of a case, in as small steps as can be; None where theirs cannot be repeated."""
    for fine in (FINE, {}):
        try:
            found = Recording(TorchWitness, case, upstream, names, truths, fine)
        except Exception:  # theirs may do what does not bear watching
            continue
        if found.ok:
            return found
    return None


class Recording:
    """The steps of `theirs`, and the gradients that come of planted mistakes.

    witness: a class that calls theirs (TorchWitness); case: what is checked; upstream: the gradient
    from above; names: of the input leaves; truths: the gradients of those that have one; fine: the
    functions to take apart.  `ok` is False where the second call is not like the first.
    """

    def __init__(self, witness, case, upstream, names, truths, fine):
        if case.is_module:
            import copy

            case = replace(case, theirs=copy.deepcopy(case.theirs))  # its buffers may be written into
        self.recorder = Recorder(fine)
        self.witness = gradients_by_torch(self.recorder, witness, case)
        self.steps, self.maker = self.recorder.steps, self.recorder.maker
        self.leaves = [t for t in self.witness.input_tensors if is_live(t)]
        named = [(n, t) for n, t in zip(names, self.witness.input_tensors) if isinstance(t, torch.Tensor)]
        named += [(n, t) for n, t in self.witness.options.items() if isinstance(t, torch.Tensor)]
        self.names = {id(t): n for n, t in named}
        self.named = named
        self.slots = [k for k, t in enumerate(self.witness.input_tensors) if is_live(t)]
        self.whole_upstream = upstream
        self.outputs, self.upstream = sent(self.witness.output_tensors, upstream)
        self.truths = [torch.from_numpy(t) for t in truths]
        self.consumers = {}
        for step in self.steps:
            for edge in step.edges:
                self.consumers.setdefault(id(edge.source), []).append(edge)
        self.reach = reached(self.steps, self.leaves)
        self.writer = Writer(self.maker, self.names)
        self.arrived, self.turns = None, {}
        self.ok = bool(self.leaves and self.outputs) and self.agrees(self.gradients())

    def agrees(self, gradients):
        largest = max((float(t.abs().max()) for t in self.truths if t.numel()), default=0.0)
        pairs = [(g, t) for g, t in zip(gradients, self.truths) if t.numel()]
        return all(bool((g - t).abs().max() <= 1e-9 * t.abs().max() + 1e-13 * largest) for g, t in pairs)

    def gradients(self, hooks=(), start=None):
        """Gradients of all live leaves with hooks on some tensors, a list of (tensor, function); start: from where."""
        return self.pulled(self.leaves, hooks, start)

    def pulled(self, tensors, hooks=(), start=None):
        outputs, upstream = start or (self.outputs, self.upstream)
        with ExitStack() as stack:
            for tensor, hook in hooks:
                stack.callback(tensor.register_hook(hook).remove)
            found = torch.autograd.grad(outputs, tensors, upstream, retain_graph=True, allow_unused=True)
        return [torch.zeros_like(t) if g is None else g for t, g in zip(tensors, found)]

    def is_result(self, value):
        """Whether a value is part of what theirs returns, or is made into it by mere looks."""
        return any(value is t for t in self.outputs) or any(
            self.is_result(e.step.output) for e in self.consumers.get(id(value), []) if e.step.name in LOOKS
        )

    def focuses(self):
        """Smaller problems: (value, position of an output, index into it) for the first parts of a stacked output."""
        for k, output in enumerate(self.witness.output_tensors):
            step, _ = self.maker.get(id(output), (None, 0))
            if step is None or step.name != "stack" or len(step.edges) < 3:
                continue
            axis = next((a for s, a in step.arguments.items() if s in (("args", 1), ("kwargs", "dim"))), 0)
            for turn in (0, 1):
                value = step.edges[turn].source
                if id(value) in self.maker:
                    yield value, k, (slice(None),) * (axis % output.ndim) + (turn,)

    def turn(self, step):
        """Which turn of its loop a step belongs to."""
        if not self.turns:
            seen = {}
            for s in self.steps:
                self.turns[s.number] = seen[s.place] = seen.get(s.place, -1) + 1
        return self.turns[step.number]

    def arriving(self, value):
        """The right gradient at a value that a step has made."""
        if self.arrived is None:
            made = [output for step in self.steps for output in step.outputs]
            self.arrived = dict(zip(map(id, made), self.pulled(made)))
        return self.arrived[id(value)]

    def values(self):
        """(words, array) of every value that a step has made, with more than one number."""
        made = [output for step in self.steps for output in step.outputs if output.numel() > 1]
        return [(self.words(output), output.detach().numpy()) for output in made]

    def words(self, value):
        """A value in words: its label, its name, or its formula in backticks."""
        known = getattr(value, "label", None) or self.names.get(id(value))
        return known or f"`{self.writer(value)}`"


def gradients_by_torch(recorder, witness, case):
    with recorder:
        return witness(case)


def sent(outputs, upstream):
    pairs = [
        (t, torch.from_numpy(u.copy()))
        for t, u in zip(outputs, upstream)
        if isinstance(t, torch.Tensor) and t.requires_grad and u is not None
    ]
    return [t for t, _ in pairs], [u for _, u in pairs]


def reached(steps, leaves):
    """{id of a tensor: positions of the leaves that a gradient at it gets to}."""
    found = {id(leaf): frozenset([k]) for k, leaf in enumerate(leaves)}
    for step in steps:
        behind = frozenset().union(*(found.get(id(e.source), frozenset()) for e in step.edges))
        if writes(step.name):  # what was there before
            behind |= found.get(id(step.outputs[0]), frozenset())
        found |= {id(output): behind for output in step.outputs}
    return found
