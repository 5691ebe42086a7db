"""One thread a kernel, whatever is imported first, unless the reader chose a number; and `import utils` stays cheap."""

import json
import os
import subprocess
import sys

import pytest

from utils import threads

ASK = """
import json, threadpoolctl
pools = {pool["internal_api"]: pool["num_threads"] for pool in threadpoolctl.threadpool_info()}
print(json.dumps([pools["openblas"], torch.get_num_threads()]))
"""
ORDERS = [
    "import numpy, torch, utils",
    "import numpy; import utils; import torch",
    "import utils; import numpy, torch",
]


def kernel(code, **variables):
    """What a fresh interpreter prints, in an environment without anybody's setting but the given ones."""
    environment = {name: value for name, value in os.environ.items() if name not in threads.VARIABLES}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment | variables, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


needs_processors = pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one processor: nothing to limit")


@needs_processors
@pytest.mark.parametrize("imports", ORDERS)
def test_one_thread_whatever_comes_first(imports):
    assert kernel(imports + ASK) == [1, 1]


@needs_processors
def test_without_the_course_there_are_more():
    blas, torch = kernel("import numpy, torch" + ASK)
    assert blas > 1 and torch > 1, "else the tests above show nothing"


@needs_processors
def test_the_reader_may_choose():
    assert kernel("import numpy, torch, utils" + ASK, OMP_NUM_THREADS="2") == [2, 2]
    code = "import os, utils, json; print(json.dumps([os.environ.get(n) for n in utils.threads.VARIABLES]))"
    assert kernel(code, OMP_NUM_THREADS="2") == ["2", None, None]
    assert kernel(code, MKL_NUM_THREADS="3") == [None, None, "3"]
    assert kernel(code, OMP_NUM_THREADS="") == ["1", "1", "1"], "empty means that nobody chose"


def test_importing_utils_loads_nothing():
    heavy = kernel(
        "import sys, json; before = set(sys.modules); import utils\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in set(sys.modules) - before})))"
    )
    assert heavy == ["utils"]


def test_a_python_with_nothing_installed_can_import_it():
    code = f"import sys; sys.path.insert(0, {os.fspath(os.path.dirname(os.path.dirname(threads.__file__)))!r}); import utils"
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
