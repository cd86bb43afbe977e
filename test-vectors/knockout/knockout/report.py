"""The table, the figures and RESULTS.md."""

import datetime
import os
import sys
from collections import Counter

HEAD = "| site | requirements | knocked out | noticed by | first |\n| --- | --- | --- | --- | --- |"


def wrong(results):
    return [result for result in results if result.by in ("survivor", "marked")]


def inventory(patches):
    sites = {(patch.file, patch.site) for patch in patches}
    none = sum(bool(patch.none) for patch in patches)
    return f"{len(sites)} sites, {len(patches)} patches, {none} of them none"


def row(result):
    patch = result.patch
    said = {
        "none": f"none: {result.note}",
        "redundant": f"redundant: {result.note}",
        "survivor": "**SURVIVES**",
        "marked": "**marked redundant, but noticed**",
    }.get(result.by, f"{result.count} {result.by}" if result.count else "")
    if result.note and result.by in ("vectors", "tests", "marked"):
        said = f"{said} ({result.note})".strip()
    cells = [patch.place(), " ".join(patch.ids), patch.words, said, f"`{result.first}`" if result.first else ""]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def table(results):
    return "\n".join([HEAD, *map(row, results)])


def figures(results, runner):
    count = Counter(result.by for result in results)
    sites = {(result.patch.file, result.patch.site) for result in results}
    ids = {id for result in results for id in result.patch.ids}
    ended = sum(bool(result.note) for result in results if result.by in ("vectors", "tests"))
    lines = [
        f"{len(sites)} sites, {len(ids)} requirements, {len(results)} patches: {count['vectors']} noticed by vectors, {count['tests']} by named tests alone, "
        f"{count['redundant']} redundant, {count['none']} none; {count['survivor']} survive",
        f"{runner.vectors} vectors, {runner.tests} named tests; {ended} knock-outs end in a panic or without end; {runner.seconds:.0f} seconds after the build",
    ]
    for result in wrong(results):
        what = "survives" if result.by == "survivor" else f"is marked redundant, but noticed by {result.first}"
        lines.append(f"{result.patch.place()} {' '.join(result.patch.ids)}, {result.patch.words}: {what}")
    return "\n".join(lines)


def write(path, commit, results, runner):
    head = [
        "# Results of the knock-out",
        "",
        f"{datetime.date.today().isoformat()}, {os.cpu_count()} cores, on commit {commit}: `{' '.join(['test-vectors/knockout/run', *sys.argv[1:]])}`.",
        "",
        *figures(results, runner).split("\n"),
        "",
    ]
    path.write_text("\n".join(head) + "\n" + table(results) + "\n")
