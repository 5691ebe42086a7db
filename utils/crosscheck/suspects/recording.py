"""PyTorch's computation, step by step: what each step takes, what it makes, and taps on every way back.

`theirs` is called once more under a TorchFunctionMode.  Every differentiable tensor that enters a step
goes through a clone of its own, so that the gradient on that one way back can be changed by a hook: a
mistake is planted there, and PyTorch says which gradients would come of it.
"""

import copy
import os
import sys
import warnings
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_flatten_with_path, tree_unflatten

from utils.crosscheck.suspects.fine import FINE
from utils.crosscheck.suspects.wording import LOOKS, TRANSPOSES, Writer
from utils.crosscheck.witnesses import TorchWitness, is_live

ATTRIBUTES = {"T", "mT", "H", "mH"}  # what a tensor gives without a call, and is a step all the same
IN_PLACE = {"__setitem__", "__iadd__", "__isub__", "__imul__", "__itruediv__", "__idiv__", "__ipow__"}
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

    name: `tanh`, `matmul`; place: where in the code, the same for every turn of a loop; helper: the line
    of code alone, the same wherever its function is called from; call: repeats it with other arguments;
    arguments: {slot: argument}, (0, k, ...) for the k-th and (1, name, ...) for one by keyword; writes:
    into its first argument; number: its place in time; outputs: list of tensors; edges: list of Edge.
    """

    name: str
    place: tuple
    helper: tuple
    call: object
    arguments: dict
    writes: bool
    number: int = -1
    outputs: list = field(default_factory=list)
    edges: list = field(default_factory=list)

    @property
    def output(self):
        """Its only output, or None where it has several."""
        return self.outputs[0] if len(self.outputs) == 1 else None

    @property
    def is_plain(self):
        """One output, nothing written into, no randomness."""
        return self.output is not None and not self.writes and "dropout" not in self.name

    @property
    def axis(self):
        """The axis that it was given, a whole number; None where there is none."""
        given = (self.arguments.get(slot) for slot in ((0, 1), (1, "dim"), (1, "axis")))
        return next((a for a in given if type(a) is int), None)

    def pull(self, edge, upstream, changed=None):
        """The gradient that this step sends along `edge`, with some arguments replaced: {slot: tensor}."""
        values = self.arguments | (changed or {})
        values = {s: v.detach() if isinstance(v, torch.Tensor) else v for s, v in values.items()}
        values[edge.slot] = values[edge.slot].clone().requires_grad_()
        with torch.enable_grad():
            made = self.call(values)
            made = next(m for m in made if is_live(m)) if isinstance(made, (tuple, list)) else made
            (found,) = torch.autograd.grad(made, values[edge.slot], upstream, allow_unused=True)
        return torch.zeros_like(edge.source) if found is None else found


class Site:
    """The steps at one place of the code, one or one for every turn of a loop; or those of a helper called from several places."""

    def __init__(self, steps, helper=False):
        self.steps, self.first, self.name, self.helper = steps, steps[0], steps[0].name, helper

    def edges(self, k=0):
        return [s.edges[k] for s in self.steps]

    def groups(self, singles=6):
        """All turns of a loop together, then one by one: (steps, words for which)."""
        yield self.steps, ", wherever that is done" if self.helper else ""
        if len(self.steps) > 1 and not self.helper:
            yield from one_by_one(self.steps, singles)


def one_by_one(steps, singles=6):
    for k in range(len(steps)) if len(steps) <= singles else (0, len(steps) - 1):
        yield [steps[k]], f", in turn {k + 1} of {len(steps)}"


class Recorder(TorchFunctionMode):
    """Notes every differentiable step while it is on."""

    def __init__(self, fine):
        super().__init__()
        self.fine = fine
        self.steps, self.maker, self.looks = [], {}, {}

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
        flat, spec = tree_flatten_with_path((args, kwargs))
        slots = {
            tuple(getattr(k, "idx", None) if hasattr(k, "idx") else k.key for k in path): a
            for path, a in flat
        }
        if name is None or not any(is_live(a) for a in slots.values()):
            made = func(*args, **kwargs)
            if name and name.strip("_") in LOOKS | {"getitem"} and made.numel() == args[0].numel() > 1:
                self.looks[id(made)] = args[0], made
            return made

        def call(values):
            args, kwargs = tree_unflatten(list(values.values()), spec)
            return func(*args, **kwargs)

        writes = name in IN_PLACE or (name.endswith("_") and not name.endswith("__"))
        step = Step(name.strip("_"), *place(), call, slots, writes)
        taken = [(slot, a) for slot, a in slots.items() if is_live(a) and not (writes and slot == (0, 0))]
        step.edges = [Edge(step, a, a.clone(), slot) for slot, a in taken]
        made = call(slots | {e.slot: e.tap for e in step.edges})
        self.note(step, args[0] if name == "__setitem__" else made)
        return made

    def note(self, step, made):
        step.outputs = [m for m in (made if isinstance(made, (tuple, list)) else [made]) if is_live(m)]
        if step.outputs:
            step.number = len(self.steps)
            self.steps.append(step)
            self.maker |= {id(output): (step, k) for k, output in enumerate(step.outputs)}


def name_of(func):
    """`tanh`, `matmul`, `T`; None for what only asks a tensor something."""
    name = getattr(func, "__name__", "")
    if name in ("__get__", "__set__", "__delete__"):
        owner = getattr(getattr(func, "__self__", None), "__name__", "")
        return owner if name == "__get__" and owner in ATTRIBUTES else None
    return name or None


def place():
    """Where in the code a step stands: all frames, the same in every turn of a loop; and the innermost that is not PyTorch's."""
    frame, found, helper = sys._getframe(2), [], None
    while frame is not None and len(found) < DEEP and frame.f_code is not Recording.__init__.__code__:
        found.append((frame.f_code, frame.f_lasti))
        if helper is None and not frame.f_code.co_filename.startswith(TORCH):
            helper = found[-1]
        frame = frame.f_back
    return tuple(found), helper


def record(case, upstream, names, truths):
    """The Recording of a case, in as small steps as can be; None where theirs cannot be repeated."""
    for fine in (FINE, {}):
        try:
            with warnings.catch_warnings(action="ignore"):  # the reader has had them already
                found = Recording(case, upstream, names, truths, fine)
            if found.agrees():
                return found
        except Exception:  # theirs may do what does not bear watching
            continue
    return None


class Recording:
    """The steps of `theirs`, and the gradients that come of planted mistakes.

    case: what is checked; upstream: the gradient from above; names: of the input leaves; truths: the
    gradients of those that have one; fine: the functions to take apart.
    """

    def __init__(self, case, upstream, names, truths, fine):
        if case.is_module:
            case = replace(case, theirs=copy.deepcopy(case.theirs))  # its buffers may be written into
        recorder = Recorder(fine)
        with recorder:
            self.witness = TorchWitness(case)
        self.steps, self.maker, self.looks = recorder.steps, recorder.maker, recorder.looks
        self.leaves = [t for t in self.witness.input_tensors if is_live(t)]
        pairs = [*zip(names, self.witness.input_tensors), *self.witness.options.items()]
        self.named = [(n, t) for n, t in pairs if isinstance(t, torch.Tensor)]
        self.names = {id(t): n for n, t in self.named}
        self.upstream, self.truths = upstream, [torch.from_numpy(t) for t in truths]
        self.start = self.witness.sent(upstream)
        self.consumers = {}
        for step in self.steps:
            for edge in step.edges:
                self.consumers.setdefault(id(edge.source), []).append(edge)
        self.words = Writer(self)

    def agrees(self):
        """Whether the second call has the gradients of the first."""
        if not self.leaves or not self.start[0]:
            return False
        largest = max((float(t.abs().max()) for t in self.truths if t.numel()), default=0.0)
        pairs = [(g, t) for g, t in zip(self.gradients(), self.truths) if t.numel()]
        return all(bool((g - t).abs().max() <= 1e-9 * t.abs().max() + 1e-13 * largest) for g, t in pairs)

    def gradients(self, hooks=(), start=None, tensors=None):
        """Gradients of all live leaves, or of `tensors`, with hooks on some tensors, a list of (tensor, function); start: from where."""
        outputs, upstream = start or self.start
        tensors = self.leaves if tensors is None else tensors
        with ExitStack() as stack:
            for tensor, hook in hooks:
                stack.callback(tensor.register_hook(hook).remove)
            found = torch.autograd.grad(outputs, tensors, upstream, retain_graph=True, allow_unused=True)
        return [torch.zeros_like(t) if g is None else g for t, g in zip(tensors, found)]

    @cached_property
    def made(self):
        """All that the steps have made."""
        return [output for step in self.steps for output in step.outputs]

    @cached_property
    def arriving(self):
        """{id of a value that a step has made: the right gradient at it}."""
        return dict(zip(map(id, self.made), self.gradients(tensors=self.made)))

    @cached_property
    def reach(self):
        """{id of a tensor: positions of the leaves that a gradient at it gets to}."""
        found = {id(leaf): frozenset([k]) for k, leaf in enumerate(self.leaves)}
        for step in self.steps:
            behind = frozenset().union(*(found.get(id(e.source), frozenset()) for e in step.edges))
            if step.writes:  # what was there before
                behind |= found.get(id(step.outputs[0]), frozenset())
            found |= {id(output): behind for output in step.outputs}
        return found

    @cached_property
    def sites(self):
        """Every place of the code, then the helpers that several places call."""
        by_place, by_helper = {}, {}
        for step in self.steps:
            alike = step.name, tuple(e.slot for e in step.edges), len(step.outputs)
            by_place.setdefault((step.place, alike), []).append(step)
            by_helper.setdefault((step.helper, alike), []).append(step)
        known = {tuple(map(id, steps)) for steps in by_place.values()}
        helpers = [steps for steps in by_helper.values() if tuple(map(id, steps)) not in known]
        return [*map(Site, by_place.values()), *(Site(steps, helper=True) for steps in helpers)]

    def plain(self, names=None):
        """The sites of plain steps, of those names alone."""
        return [s for s in self.sites if s.first.is_plain and (names is None or s.name in names)]

    @cached_property
    def turns(self):
        """{number of a step: which turn of its loop it belongs to}."""
        found, seen = {}, {}
        for step in self.steps:
            found[step.number] = seen[step.place] = seen.get(step.place, -1) + 1
        return found

    def uses(self, name):
        """The steps that an input goes into, past mere looks at it."""
        front = [t for n, t in self.named if n == name]
        while front:
            steps = [e.step for e in self.consumers.get(id(front.pop()), [])]
            front += [s.output for s in steps if s.name in LOOKS | TRANSPOSES]
            yield from (s for s in steps if s.name not in LOOKS | TRANSPOSES)

    def is_result(self, value):
        """Whether a value is part of what theirs returns, or is made into it by mere looks."""
        return any(value is t for t in self.start[0]) or any(
            self.is_result(e.step.output) for e in self.consumers.get(id(value), []) if e.step.name in LOOKS
        )

    def focuses(self):
        """Smaller problems: (value, position of an output, index into it) for the first parts of a stacked output."""
        for k, output in enumerate(self.witness.output_tensors):
            step, _ = self.maker.get(id(output), (None, 0))
            if step is not None and step.name == "stack" and len(step.edges) > 2:
                for turn in (0, 1):
                    value = step.edges[turn].source
                    if id(value) in self.maker:
                        yield value, k, (slice(None),) * ((step.axis or 0) % output.ndim) + (turn,)
