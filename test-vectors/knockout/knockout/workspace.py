"""A copy of the workspace with all patches in it, each behind its number, built once."""

import json
import os
import shutil
import subprocess

from . import sites

SWITCH = "COUNTERSIGN_KNOCKOUT"

SWITCH_FN = f"""
/// Whether what stands under this number is knocked out. In this copy alone.
pub(crate) fn knocked(number: u32) -> bool {{
    static KNOCKED: std::sync::OnceLock<u32> = std::sync::OnceLock::new();
    let read = || std::env::var("{SWITCH}").ok().and_then(|number| number.parse().ok()).unwrap_or(0);
    *KNOCKED.get_or_init(read) == number
}}
"""

# Not copied: the tool itself, and verifiers by others, which have nothing of the core in them.
LEFT_OUT = ("test-vectors/knockout/", "test-vectors/mutants/", "test-vectors/checkers/")

# Our crates are built anew for each change of a patch, so quickly rather than well; what they depend on stays optimised.
OURS = ("countersign", "countersign-cli", "countersign-datalog", "countersign-testkit", "countersign-tower")
QUICKLY = [word for name in OURS for word in ("--config", f"profile.release.package.{name}.opt-level=1")]

# Tests that hold texts of spec/ against the code notice the text, not the rule.
TEXT_TESTS = {"spec": None, "revocation": ["the_example_of_the_spec_holds"]}


class BuildFailed(Exception):
    """The copy does not build."""


class Workspace:
    def __init__(self, repo, name="knockout", switch=SWITCH_FN, text_tests=TEXT_TESTS):
        self.repo = repo
        # What is copied: the work tree may go on meanwhile.
        self.commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=repo, capture_output=True, text=True, check=True).stdout.strip()
        self.switch = switch
        self.text_tests = text_tests
        self.target = repo / "target" / name
        self.copy = self.target / "copy"
        self.vectors = self.copy / "test-vectors"
        self.command = self.target / "release" / "countersign"
        self.tests = []

    def build(self, patches):
        """The copy with these patches, and what is run of it."""
        by_file = {}
        for patch in patches:
            by_file.setdefault((sites.SOURCES / patch.file).as_posix(), []).append(patch)
        self.sync({name: sites.apply((self.repo / name).read_text(), of_file) for name, of_file in by_file.items()})
        self.compile()

    def compile(self):
        self.cargo("build", "-p", "countersign-cli", "--bin", "countersign")
        lines = self.cargo("test", "-p", "countersign", "--lib", "--tests", "--no-run", "--message-format=json")
        self.tests = []
        for line in lines.splitlines():
            message = json.loads(line) if line.startswith("{") else {}
            if message.get("executable") and message.get("profile", {}).get("test"):
                self.tests.append((message["target"]["name"], message["executable"]))
        # The unit tests first, the long comparisons last.
        rank = {"countersign": 0, "laws_tokens": 2, "laws_rar": 2, "oracle_biscuit": 2, "vectors": 3}
        self.tests.sort(key=lambda test: (rank.get(test[0], 1), test[0]))
        self.tests = [test for test in self.tests if self.text_tests.get(test[0], []) is not None]

    def sync(self, rewritten):
        """Brings the copy up to date; files that stay the same keep their times, so little is built anew."""
        names = self.names()
        for name in sorted(names):
            content = rewritten[name].encode() if name in rewritten else (self.repo / name).read_bytes()
            if name == (sites.SOURCES / "lib.rs").as_posix():
                content += self.switch.encode()
            self.put(name, content)
        if self.copy.is_dir():
            for path in [path for path in self.copy.rglob("*") if path.is_file()]:
                if path.relative_to(self.copy).as_posix() not in names:
                    path.unlink()
            for path in sorted((path for path in self.copy.rglob("*") if path.is_dir()), reverse=True):
                if not any(path.iterdir()):
                    path.rmdir()

    def names(self):
        """Which files there are in the copy."""
        listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=self.repo, capture_output=True, text=True, check=True)
        return {name for name in listed.stdout.split("\0") if name and not name.startswith(LEFT_OUT) and (self.repo / name).is_file()}

    def put(self, name, content):
        path = self.copy / name
        if path.is_file() and path.read_bytes() == content:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        shutil.copymode(self.repo / name, path)

    def cargo(self, *arguments):
        done = self.try_cargo(*arguments)
        if done.returncode:
            shown = done.stderr or done.stdout
            (self.target / "build.log").write_text(shown)
            errors = [block for block in shown.split("\n\n") if block.lstrip().startswith("error")]
            raise BuildFailed(f"the copy does not build, see {self.target / 'build.log'}:\n" + "\n\n".join(errors[:12]))
        return done.stdout

    def try_cargo(self, *arguments):
        env = dict(os.environ, CARGO_TARGET_DIR=str(self.target), CARGO_TERM_COLOR="never", CARGO_INCREMENTAL="1")
        env.pop(SWITCH, None)
        command = ["cargo", arguments[0], "--release", "--locked", "-q", *QUICKLY, *arguments[1:]]
        return subprocess.run(command, cwd=self.copy, env=env, capture_output=True, text=True)
