"""Runs the vectors, file by file, and then the named tests against one mutant at a time.

A run without a mutant tells which places each file of vectors and each test comes to. What does not come to a mutant's place
cannot notice it and is left out.
"""

import re
import shutil
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from knockout.trials import COUNTS, FAILED_TEST, TESTS_SECONDS, VECTORS_SECONDS, Runner

from .schemata import REACHED


@dataclass
class Unit:
    """A file of vectors, or a test."""

    name: str
    path: str
    reached: set = field(default_factory=set)
    seconds: float = 0.0


class Trials(Runner):
    def __init__(self, workspace, jobs):
        super().__init__(workspace, jobs)
        self.files, self.named = [], []
        # Which file of vectors, or test program, noticed how much of which file and folder of the sources.
        self.noticed = Counter()

    def control(self):
        """A run without a mutant: says what fails then."""
        begun = time.monotonic()
        self.split()
        said = []
        with ThreadPoolExecutor(self.jobs) as pool:
            tests = [(name, path, test) for name, path in self.workspace.tests for test in self.tests_of(name, path)]
            files = pool.map(lambda unit: self.measure(unit, lambda also: self.run_file(0, unit, also)), self.files)
            said += [f"vectors of {unit.name} fail: {first} {note}" for unit, (count, first, note) in zip(self.files, files) if count or note]
            self.named = [(Unit(test, path), name) for name, path, test in tests]
            ran = pool.map(lambda pair: self.measure(pair[0], lambda also: self.run_named(0, pair[0].path, [pair[0].name], also)), self.named)
            said += [f"test {unit.name} of {name} fails: {note}" for (unit, name), (count, _, note) in zip(self.named, ran) if count or note]
        self.tests = len(self.named)
        self.seconds = time.monotonic() - begun
        return "; ".join(said)

    def split(self):
        """Each file of vectors in a folder of its own, below which it stands as it does among all."""
        folder = self.workspace.target / "files"
        shutil.rmtree(folder, ignore_errors=True)
        for path in sorted(self.workspace.vectors.glob("*/*.json")):
            own = folder / f"{path.parent.name}-{path.stem}"
            (own / path.parent.name).mkdir(parents=True)
            shutil.copy(path, own / path.parent.name / path.name)
            self.files.append(Unit(f"{path.parent.name}/{path.name}", str(own)))

    def tests_of(self, name, path):
        output, _ = self.finish([path, "--list", "--format", "terse"], 0, TESTS_SECONDS)
        skipped = self.workspace.text_tests.get(name, [])
        return [test for test in re.findall(r"^(\S+): test$", output, re.M) if not any(word in test for word in skipped)]

    def measure(self, unit, run):
        """Which places it comes to, and how long it takes."""
        reached = self.workspace.target / "reached" / re.sub(r"\W+", "-", f"{unit.path} {unit.name}")
        reached.parent.mkdir(exist_ok=True)
        reached.unlink(missing_ok=True)
        begun = time.monotonic()
        ended = run([(REACHED, str(reached))])
        unit.seconds = time.monotonic() - begun
        if reached.is_file():
            unit.reached = {int(number) for number in reached.read_text().split()}
        return ended

    def notice(self, mutant):
        """Who notices this mutant, "vectors" or "tests"; how many, the first of them, and how it ended where not well."""
        file = mutant.place().split(":")[0]
        about = [file, file.split("/")[0]]

        def soonest(pair):
            """First what is quick, and what has noticed much thereabouts before."""
            name, seconds = pair[0], sum(unit.seconds for unit in pair[1])
            return seconds / (1 + 4 * self.noticed[name, about[0]] + self.noticed[name, about[1]])

        files = [(unit.name, [unit]) for unit in self.files if mutant.number in unit.reached]
        for name, (unit,) in sorted(files, key=soonest):
            count, first, note = self.run_file(mutant.number, unit)
            if count or note:
                self.noticed.update((name, where) for where in about)
                return "vectors", count, first or name, note
        tests = [(name, [unit for unit, _ in self.named if unit.path == path and mutant.number in unit.reached]) for name, path in self.workspace.tests]
        tests = [(name, units) for name, units in tests if units]
        for name, units in sorted(tests, key=soonest):
            count, first, note = self.run_named(mutant.number, units[0].path, [unit.name for unit in units])
            if count or note:
                self.noticed.update((name, where) for where in about)
                return "tests", count, f"{name}: {first}", note
        return "", 0, "", "" if files or tests else "not reached"

    def run_file(self, number, unit, also=()):
        output, note = self.finish([self.workspace.command, "vectors", "run", unit.path], number, VECTORS_SECONDS, also)
        failed = [line.split(":", 1)[0] for line in output.splitlines() if re.match(r"^[a-z0-9-]+/\S+: ", line)]
        counts = COUNTS.search(output)
        if counts and not number:
            self.vectors += int(counts.group(1))
        if note == "failed":
            note = "" if failed and counts else "ended early"
        return len(failed), failed[0] if failed else "", note

    def run_named(self, number, path, named, also=()):
        threads = f"--test-threads={max(1, 2 // self.jobs)}"
        output, note = self.finish([path, threads, "--exact", *named], number, TESTS_SECONDS, also)
        failed = sorted(FAILED_TEST.findall(output))
        if note == "failed":
            note = "" if failed else "ended early"
        return len(failed), failed[0] if failed else "", note
