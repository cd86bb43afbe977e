"""What became of each mutant, kept in a file so that a run that was cut short goes on."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

CAUGHT = ("vectors", "tests", "timeout", "real")
EVERY = 20


class Results:
    """By name: {"by": "vectors" | "tests" | "timeout" | "real" | "survivor" | "unviable" | "not placed", "first", "note"}."""

    def __init__(self, path, state):
        self.path, self.state, self.known = path, state, {}
        self.lock = threading.Lock()
        if path.is_file():
            kept = json.loads(path.read_text())
            if kept["state"] == state:
                self.known = kept["mutants"]

    def put(self, mutant, by, first="", note=""):
        with self.lock:
            self.known[mutant.name] = {"by": by, "first": first, "note": note}
            if len(self.known) % EVERY == 0:
                self.save()

    def forget(self, mutants):
        for mutant in mutants:
            self.known.pop(mutant.name, None)

    def get(self, mutant):
        return self.known.get(mutant.name)

    def save(self):
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps({"state": self.state, "mutants": self.known}, indent=0))
        new.replace(self.path)


def run(runner, mutants, results, told):
    """Tries all that have no result yet."""

    def trial(mutant):
        by, count, first, note = runner.notice(mutant)
        if note == "no end":
            by = "timeout"
        results.put(mutant, by or "survivor", f"{first} and {count - 1} more" if count > 1 else first, note)
        return mutant

    pool = ThreadPoolExecutor(runner.jobs)
    try:
        for mutant in pool.map(trial, [mutant for mutant in mutants if not results.get(mutant)]):
            told(mutant, results.get(mutant))
    finally:
        # Also when it is interrupted: what is begun ends, and is kept.
        pool.shutdown(cancel_futures=True)
        results.save()
