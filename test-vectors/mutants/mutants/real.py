"""Runs mutants with cargo-mutants itself, each in a build of its own."""

import json
import os
import re
import shutil
import subprocess

from knockout.workspace import QUICKLY

SECONDS = 300


def run(workspace, mutants, results, told):
    """In a copy without mutants, that cargo-mutants changes in place; what the crate depends on is built already."""
    if not mutants:
        return
    for mutant, (by, note) in outcomes(workspace, mutants).items():
        results.put(mutant, by, note=note)
        told(mutant, results.get(mutant))
    results.save()


def outcomes(workspace, mutants):
    """What cargo-mutants says of each: "real" where it is caught, "survivor", "unviable", or "not placed"."""
    copy, out = workspace.target / "real", workspace.target / "real-out"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.rmtree(out, ignore_errors=True)
    for name in workspace.names():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(workspace.repo / name, copy / name)
    out.mkdir()
    command = ["cargo", "mutants", "--in-place", "-d", str(copy), "-p", "countersign", "-o", str(out), "--no-shuffle"]
    command += ["--baseline", "skip", "--timeout", str(SECONDS), "--colors", "never"]
    command += [f"--cargo-arg={word}" for word in ("--release", *QUICKLY)]
    for mutant in mutants:
        command += ["-F", "^" + re.escape(mutant.name).replace("\\ ", " ") + "$"]
    env = dict(os.environ, CARGO_TARGET_DIR=str(workspace.target), CARGO_INCREMENTAL="1")
    subprocess.run([*command, "--", "--lib", "--tests"], cwd=copy, env=env, stdout=subprocess.DEVNULL)
    found = json.loads((out / "mutants.out" / "outcomes.json").read_text())["outcomes"]
    said = {outcome["scenario"]["Mutant"]["name"]: outcome["summary"] for outcome in found if isinstance(outcome["scenario"], dict)}
    words = {"CaughtMutant": "real", "Timeout": "timeout", "MissedMutant": "survivor", "Unviable": "unviable"}
    return {mutant: (words.get(said.get(mutant.name), "not placed"), f"cargo-mutants: {said.get(mutant.name)}") for mutant in mutants}
