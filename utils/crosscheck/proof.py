"""crosscheck: a value and its gradients, proved by three witnesses."""

from utils.crosscheck.finding import Diagnosis
from utils.crosscheck.protocol import ProtocolError
from utils.crosscheck.report import CrosscheckError, Report, wrong_row
from utils.crosscheck.streams import check_seed


def crosscheck(ours, theirs, *inputs, call=None, names=None, raises=True, seed=0, **options):
    """Prove a value and its gradients by three witnesses, in float64, with a random upstream gradient.

    ours: a function that returns (value, pullback); theirs: a function on tensors with the same
    inputs and options, or an nn.Module, whose named_parameters() become the first input of ours
    and whose options go to ours only; call(module, *inputs) adapts its call.  inputs: arrays,
    numbers, None, or tuples and dicts of them; names: other names for them, as many, or a dict.
    What is given by keyword is an input where it is named before the bare `*` of ours, as if given by
    position, and else an option, which has no gradient.  seed: of the upstream gradient and of the
    sampled coordinates, which come from a stream that nothing else draws from.

    Floating inputs are differentiated.  Integers and booleans (ids, labels, masks) are not: their
    slot holds None; where PyTorch's function has a gradient in such integers, a row says that it was
    not checked.  A frozen parameter is differentiated like the others, and may be None in ours.
    Where differences cannot tell, at a kink, near a singularity, under rounding, PyTorch decides and
    the row says so.

    Returns a Report.  Raises CrosscheckError on a mismatch, unless raises=False; ValueError, naming
    the argument, for what cannot be checked (lists, tensors, complex numbers, NaN) and where ours or
    theirs raises.  Tolerances, relative to the largest gradient: 1e-9 against PyTorch, 1e-5 against
    central differences.
    """
    from utils.crosscheck.case import make_case  # PyTorch is imported when the first check is run
    from utils.crosscheck.rows import rows_of

    check_seed(seed)
    case = make_case(ours, theirs, inputs, options, call, names)
    try:
        report = Report(rows_of(case, seed))
    except ProtocolError as error:
        report = Report([wrong_row("ours", None, Diagnosis("protocol", str(error)))])
    if raises and not report.ok:
        raise CrosscheckError(report)
    return report
