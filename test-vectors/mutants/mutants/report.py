"""The figures, the shards' summaries, and survivors.txt held against the survivors."""

import datetime
import os
import sys
from collections import Counter

from . import listing
from .results import CAUGHT

ENOUGH = 0.95


def counts(mutants, results):
    return Counter(results.get(mutant)["by"] for mutant in mutants if results.get(mutant))


def caught(count):
    """How many viable mutants were caught, of how many."""
    noticed = sum(count[by] for by in CAUGHT)
    return noticed, noticed + count["survivor"]


def figures(mutants, results):
    count = counts(mutants, results)
    noticed, viable = caught(count)
    share = f"{100 * noticed / viable:.1f} %" if viable else "none"
    real = f", {count['real']} by tests with cargo-mutants itself" if count["real"] else ""
    return (
        f"{sum(count.values())} mutants: {count['unviable']} do not compile; of the {viable} others {count['vectors']} are caught by vectors, "
        f"{count['tests']} by named tests alone, {count['timeout']} by timeout{real}, {count['survivor']} survive ({share} caught); "
        f"{count['not placed']} not placed" + (f"; {rest} not run" if (rest := len(mutants) - sum(count.values())) else "")
    )


def enough(mutants, results):
    noticed, viable = caught(counts(mutants, results))
    return noticed >= ENOUGH * viable


def survivors(mutants, results):
    return [mutant for mutant in mutants if (results.get(mutant) or {}).get("by") == "survivor"]


class Reasons:
    """survivors.txt: a mutant's name without line and column, `: `, why it survives."""

    def __init__(self, path, mutants):
        self.by_name, self.stale = {}, []
        names = sorted({mutant.plain() for mutant in mutants}, key=len, reverse=True)
        lines = path.read_text().splitlines() if path.is_file() else []
        for line in lines:
            if not line.strip() or line.startswith("#"):
                continue
            name = next((name for name in names if line.startswith(f"{name}: ")), None)
            if name:
                self.by_name[name] = line[len(name) + 2 :].strip()
            else:
                self.stale.append(line)

    def of(self, mutant):
        return self.by_name.get(mutant.plain(), "")

    def complaints(self, mutants, results):
        """Survivors without a reason; reasons of mutants that are caught, or that there are not."""
        alive = survivors(mutants, results)
        said = [f"survives without a reason: {mutant.name}" for mutant in alive if not self.of(mutant)]
        names, run = {mutant.plain() for mutant in alive}, {}
        for mutant in mutants:
            run.setdefault(mutant.plain(), []).append(results.get(mutant))
        for name in self.by_name:
            if name in run and all(run[name]) and name not in names:
                said.append(f"has a reason to survive, but is caught: {name}")
        return said + [f"no such mutant: {line}" for line in self.stale]


def cell(text):
    return text.replace("|", "\\|").replace("\n", " ")


def table(mutants, results, reasons):
    lines = ["| survivor | why |", "| --- | --- |"]
    for mutant in survivors(mutants, results):
        why = reasons.of(mutant) or results.get(mutant)["note"]
        lines.append(f"| `{cell(mutant.name.removeprefix('crates/countersign/src/'))}` | {cell(why)} |")
    return lines


def write(folder, commit, shard, mutants, results, reasons):
    """The summary of one shard."""
    unplaced = [mutant for mutant in mutants if (results.get(mutant) or {}).get("by") == "not placed"]
    lines = [
        f"# Mutants, shard {shard}/{listing.SHARDS}",
        "",
        f"{datetime.date.today().isoformat()}, {os.cpu_count()} cores, on commit {commit}: `{' '.join(['test-vectors/mutants/run', *sys.argv[1:]])}`.",
        "",
        figures(mutants, results) + ".",
        "",
        *(table(mutants, results, reasons) if survivors(mutants, results) else ["Nothing survives."]),
    ]
    if unplaced:
        lines += ["", "Not placed:", ""]
        lines += [f"- `{cell(mutant.name)}`: {results.get(mutant)['note']}" for mutant in unplaced]
    folder.mkdir(exist_ok=True)
    (folder / f"{shard}.md").write_text("\n".join(lines) + "\n")
