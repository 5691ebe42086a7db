"""The report of the doctor: python -m utils.doctor [--tests]."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from utils.doctor.checks import CHECKS, FIRST_CHECKS, TEST_CHECKS, Check, check_browser
from utils.doctor.commands import ROOT, pip_install
from utils.doctor.machine import last_line


def examine(check: Callable[[], Check]) -> Check:
    """What a check finds; where the check itself fails, a sentence that says so."""
    try:
        return check()
    except Exception as error:
        name = getattr(check, "__name__", "check").replace("check_", "")
        sentence = f"This could not be checked: {type(error).__name__}: {last_line(str(error))}."
        return Check(name, False, sentence, pip_install("-r requirements.txt"))


def diagnose(tests: bool = False) -> list[Check]:
    """Run the checks, in the order in which their findings should be mended.

    With a Python that is too old or another one, too little memory, or nowhere to write, the others would
    mislead. A browser is looked for where CHROMIUM names one, or for the tests.
    """
    findings = []
    for check in FIRST_CHECKS:
        findings.append(examine(check))
        if not findings[-1].ok:
            return findings
    named = (check_browser,) if os.environ.get("CHROMIUM") else ()
    return findings + [examine(check) for check in CHECKS + (TEST_CHECKS if tests else named)]


def report(findings: list[Check]) -> str:
    """The findings as text, a line each; under a bad one the way to mend it."""
    lines = []
    for name, ok, sentence, mend in findings:
        lines.append(f"{'ok  ' if ok else 'MEND'}  {name:<14}{sentence}")
        if mend and not ok:
            lines.append(f"{'':<20}-> {mend}")
    bad = sum(not finding.ok for finding in findings)
    if not bad:
        return "\n".join([*lines, "", "Ready."])
    where = "" if Path.cwd() == ROOT else f" The commands are for the folder {ROOT}."
    return "\n".join([*lines, "", f"Not ready: {bad} to mend, from the top down.{where}"])


def main(arguments: list[str] | None = None) -> int:
    """Print the report. Returns the exit code: 0 where the machine is ready, 1 where it is not."""
    parser = argparse.ArgumentParser(prog="python -m utils.doctor", description="Is this machine ready?")
    parser.add_argument("--tests", action="store_true", help="also check what the tests need")
    options = parser.parse_args(arguments)
    # a console that lacks a character of some path must not turn the report into an error
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    try:
        findings = diagnose(options.tests)
    except KeyboardInterrupt:
        print("Stopped before the end.")
        return 1
    print(report(findings))
    return 0 if all(finding.ok for finding in findings) else 1


if __name__ == "__main__":
    sys.exit(main())
