"""The command line: `python -m utils.explorable.tour [00 01 ...] [--app notebook] [--theme dark] [--width 390] [--hard]`."""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from tqdm import tqdm

from utils.register import ROOT

from .jupyter import Jupyter
from .opening import Missing, chromium
from .report import as_html, as_text
from .visits import Settings, visit_notebook


def main(arguments=None):
    """Visits the chapters, writes the page and prints its path; returns 1 when there is something to complain of."""
    options = parser().parse_args(arguments)
    try:
        names = chapters(options.chapters)
    except ValueError as error:
        print(error)
        return 2
    out = options.out or Path(tempfile.mkdtemp(prefix="tour_"))
    given = {
        name: getattr(options, name)
        for name in ("app", "theme", "width", "forced_colors", "reduced_motion", "budget")
    }
    try:
        visits = tour(names, Settings(out=out, **given))
    except Missing as missing:
        print(f"The tour needs {missing}")
        return 2
    print(as_text(visits))
    print(f"The page: {out / 'index.html'}")
    return int(any(one.hard or not options.hard for visit in visits for one in visit.complaints))


def parser():
    program = argparse.ArgumentParser(
        prog="python -m utils.explorable.tour",
        description="Opens the chapters in Jupyter, tries everything in them, and writes one page of pictures, times and complaints.",
    )
    program.add_argument("chapters", nargs="*", help="numbers, 00 01; all where omitted")
    program.add_argument("--out", type=Path, help="the folder of the page; a new temporary one where omitted")
    program.add_argument("--app", choices=("lab", "notebook"), default="lab")
    program.add_argument("--theme", choices=("light", "dark"), default="light")
    program.add_argument("--width", type=int, default=1400, help="of the page in pixels: 1400, 1000, 390")
    program.add_argument("--forced-colors", action="store_true", help="the colours of a high-contrast system")
    program.add_argument(
        "--reduced-motion", action="store_true", help="as for somebody whom motion makes ill"
    )
    program.add_argument(
        "--budget", type=float, default=8.0, help="seconds of combinations for each explorable"
    )
    program.add_argument(
        "--hard", action="store_true", help="only hard complaints count: errors, dead, blank"
    )
    return program


def chapters(numbers, root=ROOT):
    """The notebooks with these numbers, all where there are none; ValueError for a number without a notebook."""
    files = {path.name[:2]: path.name for path in sorted((root / "chapters").glob("[0-9][0-9]_*.ipynb"))}
    unknown = [number for number in numbers if number not in files]
    if unknown:
        raise ValueError(f"chapters: expected some of {', '.join(files)}, got {unknown[0]}")
    return [files[number] for number in numbers or files]


def tour(names, settings, root=ROOT):
    """Visit notebooks of chapters/ in copies and write the page; returns the visits."""
    settings.out.mkdir(parents=True, exist_ok=True)
    # nobody's progress is touched, and no progress bar of a chapter is waited for
    os.environ |= {"GRADIENTS_PROGRESS": "off", "TQDM_DISABLE": "1"}
    visits = []
    with (
        tempfile.TemporaryDirectory(prefix="tour_", ignore_cleanup_errors=True) as folder,
        chromium() as browser,
    ):
        jupyter = Jupyter(Path(folder), dark=settings.theme == "dark")
        try:
            shutil.copytree(root / "chapters", jupyter.root, dirs_exist_ok=True)
            jupyter.wait()
            with tqdm(names, disable=False, unit="chapter") as bar:
                for name in bar:
                    told = lambda done, of, name=name: bar.set_postfix_str(
                        f"{name}: {done} of {of} explorables"
                    )
                    visits += visit_notebook(browser, jupyter, name, settings, told)
                    (settings.out / "index.html").write_text(as_html(visits, settings), encoding="utf-8")
        finally:
            jupyter.close()
    return visits


if __name__ == "__main__":
    sys.exit(main())
