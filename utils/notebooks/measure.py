"""measure: runs the long experiments of a chapter and stores what they give, with all that is needed to judge it.

utils/chapters/<name>/runs.py holds EXPERIMENTS = {"name": function}; each function takes a seed and returns what JSON
can hold. SEEDS = (0, 1, 2) unless it says otherwise: other numbers for all, or {"name": numbers}. What is done is
kept when it is stopped, and not done again.
"""

import importlib.util
import json
import platform
import re
from datetime import date
from importlib import metadata
from pathlib import Path

import threadpoolctl
from tqdm import tqdm

from utils.notebooks.files import BrokenFile, Remark, entry_named, told_name, write_bytes
from utils.notebooks.measured import digest_of_runs, runs_of
from utils.notebooks.run import first_line

SEEDS = (0, 1, 2)
PACKAGES = ("numpy", "torch")


def measure(root, chapter):
    """Runs what results.json does not have for these sources yet, and writes it when all is there. Yields remarks."""
    root = Path(root)
    try:
        entry = entry_named(root, chapter)
        runs = runs_of(root, entry)
        experiments, seeds = load(root, entry, runs)
        sources = digest_of_runs(root, entry)
        partial = runs.with_name("results.partial.json")
        done = kept(partial, sources)
        wanted = [(name, seed) for name in experiments for seed in seeds[name]]
        for name, seed in tqdm(wanted, desc=entry.name, unit="run", leave=False, initial=0):
            if str(seed) not in done.get(name, {}):
                done.setdefault(name, {})[str(seed)] = one(
                    experiments[name], name, seed, told_name(root, runs)
                )
                save(root, partial, {"sources": sources, "experiments": done})
        ordered = {name: {str(seed): done[name][str(seed)] for seed in seeds[name]} for name in experiments}
        head = {"measured": date.today().isoformat(), "sources": sources, "versions": versions()}
        head |= {"processor": processor(), "seeds": seeds}
        save(root, runs.with_name("results.json"), head | {"experiments": ordered})
        partial.unlink(missing_ok=True)
    except BrokenFile as broken:
        yield broken.remark
        return
    name = told_name(root, runs.with_name("results.json"))
    yield Remark(name, f"written: {len(wanted)} runs of {len(experiments)} experiments", refused=False)


def load(root, entry, runs):
    """EXPERIMENTS of a chapter's runs.py, and {name: seeds}."""
    name = told_name(root, runs)
    if not runs.is_file():
        raise BrokenFile(name, "does not exist, so there is nothing to measure")
    spec = importlib.util.spec_from_file_location(f"{entry.module}.runs", runs)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise BrokenFile(name, f"cannot be imported ({type(error).__name__}: {first_line(error)})") from None
    experiments, seeds = getattr(module, "EXPERIMENTS", None), getattr(module, "SEEDS", SEEDS)
    if not (isinstance(experiments, dict) and experiments and all(map(callable, experiments.values()))):
        raise BrokenFile(name, 'has no EXPERIMENTS = {"name": function}')
    by_name = seeds if isinstance(seeds, dict) else dict.fromkeys(experiments, seeds)
    if by_name.keys() != experiments.keys():
        raise BrokenFile(
            name, f"SEEDS must name every experiment, and no other; it names {', '.join(by_name)}"
        )
    if not all(type(seed) is int for some in by_name.values() for seed in some):
        raise BrokenFile(name, f"SEEDS must be whole numbers; they are {seeds!r}")
    return experiments, {name: list(by_name[name]) for name in experiments}


def one(function, name, seed, where):
    """The result of one run, as JSON will give it back."""
    try:
        return json.loads(json.dumps(function(seed), allow_nan=False))
    except (TypeError, ValueError) as error:
        text = f"{name}, seed {seed}, raised or gave what JSON cannot hold ({first_line(error)}); nan and inf as None"
        raise BrokenFile(where, text) from None
    except Exception as error:
        raise BrokenFile(
            where, f"{name}, seed {seed}, raised {type(error).__name__}: {first_line(error)}"
        ) from None


def kept(partial, sources):
    """What an earlier try has done with the same sources: {experiment: {seed: result}}."""
    try:
        found = json.loads(partial.read_text(encoding="utf-8"))
        return found["experiments"] if found["sources"] == sources else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def save(root, path, content):
    """As JSON, a list of numbers on one line: a change shows in few lines."""
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    text = re.sub(r'\[[^][{}"]*\]', lambda found: re.sub(r"\s*\n\s*", " ", found[0]), text)
    write_bytes(path, text.encode(), told_name(root, path))


def versions():
    return {"Python": platform.python_version()} | {name: metadata.version(name) for name in PACKAGES}


def processor():
    """What decides the last digits: "x86_64, SkylakeX kernels, 1 thread"."""
    pools = threadpoolctl.threadpool_info()
    found = {pool.get("architecture") for pool in pools} - {None}
    threads = max((pool["num_threads"] for pool in pools), default=1)
    told = f"{threads} thread" + "s" * (threads > 1)
    return ", ".join([platform.machine(), *(f"{name} kernels" for name in sorted(found)), told])
