"""The list of cargo-mutants, cut into its shards."""

import hashlib
import json
import re
import subprocess
from dataclasses import dataclass

FILES = "crates/countersign/src/{token,request,checks,verify}/**"
LIST = ["cargo", "mutants", "--list", "--json", "-p", "countersign", "-f", FILES]
SHARDS = 8
# What decides how a mutant fares.
DECIDING = ("crates/countersign/", "crates/countersign-testkit/", "crates/countersign-cli/", "crates/countersign-datalog/", "test-vectors/", "Cargo.")


@dataclass(frozen=True)
class Mutant:
    """One of the list; its number is its place there, from 1."""

    number: int
    name: str
    genre: str
    shard: int

    def place(self):
        """Where it stands, below the sources."""
        return self.name.split(": ", 1)[0].removeprefix("crates/countersign/src/")

    def plain(self):
        """The name without line and column."""
        return plain(self.name)


def plain(name):
    return re.sub(r":\d+:\d+: ", ": ", name, count=1)


def load(repo, path):
    """Writes the list to `path`, for the rewriting, and gives it back."""
    listed = subprocess.run(LIST, cwd=repo, capture_output=True, text=True, check=True).stdout
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(listed)
    found = json.loads(listed)
    # As cargo-mutants cuts them (`--sharding slice`): ranges of the list, the last one shorter.
    size = -(-len(found) // SHARDS)
    return [Mutant(at + 1, one["name"], one["genre"], at // size) for at, one in enumerate(found)]


def digest(workspace, also=()):
    """Of what decides how mutants fare, in the working copy."""
    found = hashlib.sha256()
    paths = [workspace.repo / name for name in sorted(workspace.names()) if name.startswith(DECIDING) and not name.endswith(".md")]
    for path in [*paths, *also]:
        content = path.read_bytes()
        found.update(f"{path.relative_to(workspace.repo)} {len(content)}\n".encode() + content)
    return found.hexdigest()
