"""Runs mutants with cargo-mutants itself, each in a build of its own."""

import json
import os
import shutil
import subprocess

from knockout.workspace import QUICKLY

from .results import CAUGHT

SECONDS = 300


def run(workspace, mutants, wanted, results, told):
    """In a copy without mutants, that cargo-mutants changes in place."""
    if not wanted:
        return
    for mutant, (by, note) in outcomes(workspace, mutants, wanted).items():
        results.put(mutant, by, note=note)
        told(mutant, results.get(mutant))
    results.save()


def sample(mutants, results, count):
    """Of every outcome and genre in turn, the one in the middle of those that are left."""
    groups = {}
    for mutant in mutants:
        by = (results.get(mutant) or {}).get("by", "not placed")
        if by != "not placed":
            groups.setdefault((by, mutant.genre), []).append(mutant)
    kinds = sorted({by for by, _ in groups})
    rank = {key: sum(other < key for other in groups if other[0] == key[0]) for key in groups}
    taken = []
    while groups and len(taken) < count:
        for key in sorted(groups, key=lambda key: (rank[key], kinds.index(key[0]))):
            taken.append(groups[key].pop(len(groups[key]) // 2))
        groups = {key: left for key, left in groups.items() if left}
    return taken[:count]


def compare(workspace, mutants, chosen, results, count):
    """Whether cargo-mutants itself finds the same; 0 when it does."""
    same = True
    for mutant, (by, note) in outcomes(workspace, mutants, sample(chosen, results, count)).items():
        ours = results.get(mutant)["by"]
        agree = by == ours or (by in CAUGHT and ours in CAUGHT)
        same &= agree
        print(f"{'same' if agree else 'OTHER'}: {ours}, {note}: {mutant.name}", flush=True)
    return 0 if same else 1


def outcomes(workspace, mutants, wanted):
    """What cargo-mutants says of each: "real" where it is caught, "survivor", "unviable", or "not placed"."""
    copy, out = workspace.target / "real", workspace.target / "real-out"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.rmtree(out, ignore_errors=True)
    for name in workspace.names():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(workspace.repo / name, copy / name)
    # `--re` lets all mutants of fields pass, so all others are said to have been caught before.
    (out / "mutants.out").mkdir(parents=True)
    others = {mutant.name for mutant in mutants} - {mutant.name for mutant in wanted}
    (out / "mutants.out" / "previously_caught.txt").write_text("".join(f"{name}\n" for name in sorted(others)))
    command = ["cargo", "mutants", "--in-place", "-d", str(copy), "-p", "countersign", "-o", str(out), "--no-shuffle"]
    command += ["--iterate", "--baseline", "skip", "--timeout", str(SECONDS), "--colors", "never"]
    command += [f"--cargo-arg={word}" for word in ("--release", *QUICKLY)]
    for name in sorted({mutant.name.split(":", 1)[0] for mutant in wanted}):
        command += ["-f", name]
    # Not the folder of the build with all mutants: cargo takes the crates of both for the same.
    env = dict(os.environ, CARGO_TARGET_DIR=str(workspace.target / "real-target"), CARGO_INCREMENTAL="1")
    subprocess.run([*command, "--", "--lib", "--tests"], cwd=copy, env=env, stdout=subprocess.DEVNULL)
    found = json.loads((out / "mutants.out" / "outcomes.json").read_text())["outcomes"]
    said = {outcome["scenario"]["Mutant"]["name"]: outcome["summary"] for outcome in found if isinstance(outcome["scenario"], dict)}
    words = {"CaughtMutant": "real", "Timeout": "timeout", "MissedMutant": "survivor", "Unviable": "unviable"}
    return {mutant: (words.get(said.get(mutant.name), "not placed"), f"cargo-mutants: {said.get(mutant.name)}") for mutant in wanted}
