"""What this machine allows, for the doctor: memory and its limits, processors, folders, commands that start.

Python 3.7's syntax and its own library alone.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
OWN_CGROUPS = Path("/proc/self/cgroup")
GB = 1024**3
NO_LIMIT = 1 << 60  # what version 1 of cgroups writes where there is none is larger


# --- memory


def own_cgroups(kind: str, cgroup: Path = CGROUP, own: Path = OWN_CGROUPS) -> list[Path]:
    """The folders of the control groups that hold this process, the innermost first; of both versions.

    kind: "memory" or "cpu". Inside a container the list of a process may name paths that are not there.
    """
    folders = [cgroup, cgroup / "unified", cgroup / kind]
    with contextlib.suppress(OSError):
        for line in own.read_text(encoding="utf-8").splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers and kind not in controllers.split(","):
                continue
            for base in [cgroup / kind] if controllers else [cgroup, cgroup / "unified"]:
                inner = base / path.lstrip("/")
                folders += [inner, *(folder for folder in inner.parents if base in folder.parents)]
    found = [folder for folder in dict.fromkeys(folders) if folder.is_dir()]
    return sorted(found, key=lambda folder: -len(folder.parts))


def container_memory(cgroup: Path = CGROUP, own: Path = OWN_CGROUPS) -> tuple[int, int] | None:
    """(limit, used) of the tightest control group around this process, in bytes; None where there is no limit."""
    found = []
    for folder in own_cgroups("memory", cgroup, own):
        for limit, used, cached in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            try:
                most = int((folder / limit).read_text(encoding="ascii"))
                now = int((folder / used).read_text(encoding="ascii"))
            except (OSError, ValueError):  # no such group, or "max": no limit
                continue
            with contextlib.suppress(OSError):
                # files that the system keeps in memory only because there is room
                statistics = (folder / "memory.stat").read_text(encoding="ascii")
                match = re.search(rf"^{cached} (\d+)", statistics, re.MULTILINE)
                now -= int(match.group(1)) if match else 0
            if most < NO_LIMIT:
                found.append((most, now))
    return min(found, key=lambda pair: pair[0] - pair[1]) if found else None


def read_memory() -> tuple[int, int]:
    """(total, available) memory in bytes; inside a container, that of the container."""
    try:
        import psutil

        total, available = psutil.virtual_memory()[:2]
    except ImportError:  # nothing is installed yet: Linux can tell without help
        page = os.sysconf("SC_PAGE_SIZE")
        total, available = page * os.sysconf("SC_PHYS_PAGES"), page * os.sysconf("SC_AVPHYS_PAGES")
    container = container_memory()
    if container:
        limit, used = container
        total, available = min(total, limit), min(available, limit - used)
    return total, available


def shell_limits() -> dict[str, int]:
    """The limits on memory that the shell has set, in bytes: {"-v": address space, "-d": data}."""
    try:
        import resource
    except ImportError:  # Windows has none
        return {}
    limits = {
        "-v": resource.getrlimit(resource.RLIMIT_AS)[0],
        "-d": resource.getrlimit(resource.RLIMIT_DATA)[0],
    }
    return {option: limit for option, limit in limits.items() if limit != resource.RLIM_INFINITY}


# --- processors


def read_processors(cgroup: Path = CGROUP, own: Path = OWN_CGROUPS) -> tuple[int, int]:
    """(seen, usable) processors. They differ in a container whose share of the time is limited."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux alone
    seen = usable = len(affinity(0)) if affinity else os.cpu_count() or 1
    for folder in own_cgroups("cpu", cgroup, own):
        for names in (("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us")):
            try:
                text = " ".join((folder / name).read_text(encoding="ascii") for name in names)
                quota, period = map(int, text.split())
            except (OSError, ValueError):  # no such group, or "max": no limit
                continue
            if quota > 0:
                usable = min(usable, -(-quota // period))
    return seen, usable


# --- folders


def why_not_writable(folder: Path) -> OSError | None:
    """None where a file can be made in the folder, or in the nearest one above it that is there."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=str(folder)):
            return None
    except OSError as error:
        return error


# --- commands


def starts(command: list[str], timeout: float = 60.0) -> bool:
    """Whether a command can be started and ends well."""
    try:
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=timeout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def readers_environment() -> dict[str, str]:
    """The environment as the reader set it: without what `import utils` has added."""
    added = getattr(sys.modules.get("utils.threads"), "SET", ())
    return {name: value for name, value in os.environ.items() if name not in added}


def run_python(code: str, *arguments: str, timeout: float = 90.0) -> tuple[bool, str]:
    """Run code in a fresh interpreter of this environment, in an empty folder.

    Returns whether it succeeded, and the last line that it wrote: of a traceback, the one that tells most. Where
    the system ended it, the last line of its output, up to where it came, and what ended it.
    """
    command = [sys.executable, "-c", code, *arguments]
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env=readers_environment(),
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=timeout,
            )
        except subprocess.TimeoutExpired:
            return False, f"no answer within {timeout:.0f} seconds"
        except OSError as error:
            return False, f"Python could not be started again: {error.strerror}"
    if done.returncode == 0:
        return True, last_line(done.stdout)
    if done.returncode in range(-64, 0) or done.returncode > 255:  # a signal, or an exception of Windows
        reached = f"{last_line(done.stdout)}: " if done.stdout.strip() else ""
        return False, f"{reached}the system ended it ({ending(done.returncode)})"
    return False, last_line(done.stderr)


def ending(code: int) -> str:
    """What ended a process, in words: "SIGKILL, most often for want of memory"."""
    try:
        name = signal.Signals(-code).name
    except ValueError:
        return f"code {code}"
    return name + (", most often for want of memory" if name == "SIGKILL" else "")


def last_line(text: str) -> str:
    """The last line that is not blank."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "no message")
