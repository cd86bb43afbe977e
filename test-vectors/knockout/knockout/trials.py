"""Runs the vectors, and then the named tests, with one site knocked out."""

import os
import re
import resource
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from .workspace import SWITCH

# Of the processor, so that a busy machine makes no knock-out look noticed.
VECTORS_SECONDS = 10
TESTS_SECONDS = 60
# A program that waits for ever uses none.
WALL_SECONDS = 300
# What never stops to grow must not take the memory of others.
MEMORY_BYTES = 4 << 30
COUNTS = re.compile(r"(\d+) passed, (\d+) failed")
FAILED_TEST = re.compile(r"^test (\S+)(?: - should panic)? \.\.\. FAILED$", re.M)


@dataclass
class Result:
    """What became of one patch."""

    patch: object
    by: str = ""  # "vectors", "tests", "redundant", "none", "survivor", "marked"
    count: int = 0
    first: str = ""
    note: str = ""


def limit(seconds):
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class Runner:
    def __init__(self, workspace, jobs):
        self.workspace = workspace
        self.jobs = jobs
        self.vectors = 0
        self.tests = 0
        self.seconds = 0.0

    def control(self):
        """A run with nothing knocked out: says what fails then."""
        begun = time.monotonic()
        count, first, note = self.run_vectors(0)
        if count or note:
            return f"vectors fail: {count} {first} {note}"
        for name, path in self.workspace.tests:
            count, first, note = self.run_tests(0, name, path)
            if count or note:
                return f"tests of {name} fail: {count} {first} {note}"
        self.seconds = time.monotonic() - begun
        return ""

    def run(self, patches, told):
        """All trials, each result `told` in the order of the patches as soon as it is there."""
        begun = time.monotonic()
        results = []
        with ThreadPoolExecutor(self.jobs) as pool:
            for result in pool.map(self.trial, patches):
                results.append(result)
                told(result)
        self.seconds += time.monotonic() - begun
        return results

    def trial(self, patch):
        if patch.none:
            return Result(patch, "none", note=patch.none)
        count, first, note = self.run_vectors(patch.number)
        by = "vectors"
        if not count and not note:
            by = "tests"
            for name, path in self.workspace.tests:
                count, first, note = self.run_tests(patch.number, name, path)
                if count or note:
                    first = f"{name}: {first}"
                    break
        if not count and not note:
            return Result(patch, "redundant" if patch.redundant else "survivor", note=patch.redundant)
        return Result(patch, "marked" if patch.redundant else by, count, first, note)

    def run_vectors(self, number):
        output, note = self.finish([self.workspace.command, "vectors", "run", self.workspace.vectors], number, VECTORS_SECONDS)
        failed = [line.split(":", 1)[0] for line in output.splitlines() if re.match(r"^[a-z0-9-]+/\S+: ", line)]
        counts = COUNTS.search(output)
        if counts and not number:
            self.vectors = int(counts.group(1))
        if note == "failed":
            note = "" if failed and counts else "ended early"
        return len(failed), failed[0] if failed else "", note

    def run_tests(self, number, name, path):
        skipped = [word for test in self.workspace.text_tests.get(name, []) for word in ("--skip", test)]
        output, note = self.finish([path, f"--test-threads={max(1, 2 // self.jobs)}", *skipped], number, TESTS_SECONDS)
        failed = sorted(FAILED_TEST.findall(output))
        if not number:
            self.tests += sum(int(count) for count in re.findall(r"^test result: \w+\. (\d+) passed", output, re.M))
        if note == "failed":
            note = "" if failed else "ended early"
        return len(failed), failed[0] if failed else "", note

    def finish(self, command, number, seconds, also=()):
        """Runs a program to its end: what it said, and how it ended where that was not well."""
        env = dict(os.environ, **{SWITCH: str(number)}, **dict(also))
        for name in ("COUNTERSIGN_UPSTREAM_VECTORS", "COUNTERSIGN_AGREE"):
            env.pop(name, None)
        folder = self.workspace.copy / "crates" / "countersign"
        try:
            done = subprocess.run(
                command, cwd=folder, env=env, capture_output=True, text=True, errors="replace", timeout=WALL_SECONDS, preexec_fn=lambda: limit(seconds)
            )
        except subprocess.TimeoutExpired:
            return "", "no end"
        if done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
            return "", "no end"
        output = done.stdout
        # The command panics; a test that does is a test that fails.
        if done.returncode in (101, -6) and command[0] == self.workspace.command:
            return output, "panic"
        return output, "failed" if done.returncode else ""
