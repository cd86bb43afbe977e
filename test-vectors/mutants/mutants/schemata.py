"""Puts all mutants into the copy and takes those out again that do not compile."""

import json
import re
import subprocess

from knockout import workspace as knockout
from knockout.workspace import BuildFailed

from . import listing

# For functions that return `impl Iterator`: the mutant's iterator, or the function's own.
MUTATED = """
/// What a function returns that may return something else. In this copy alone.
pub(crate) enum Mutated<O, S> {
    Other(O),
    Same(S),
}

impl<O: Iterator<Item = S::Item>, S: Iterator> Iterator for Mutated<O, S> {
    type Item = S::Item;
    fn next(&mut self) -> Option<S::Item> {
        match self {
            Self::Other(iterator) => iterator.next(),
            Self::Same(iterator) => iterator.next(),
        }
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Self::Other(iterator) => iterator.size_hint(),
            Self::Same(iterator) => iterator.size_hint(),
        }
    }
}

impl<O: DoubleEndedIterator<Item = S::Item>, S: DoubleEndedIterator> DoubleEndedIterator for Mutated<O, S> {
    fn next_back(&mut self) -> Option<S::Item> {
        match self {
            Self::Other(iterator) => iterator.next_back(),
            Self::Same(iterator) => iterator.next_back(),
        }
    }
}

impl<O: ExactSizeIterator<Item = S::Item>, S: ExactSizeIterator> ExactSizeIterator for Mutated<O, S> {}
"""
REACHED = "COUNTERSIGN_REACHED"
SWITCH_FN = f"""
/// Whether the mutant of this number is the one; and, for who wants to know, that its place was reached. In this copy alone.
pub(crate) fn knocked(number: u32) -> bool {{
    use std::{{env, fs, io::Write, sync}};
    static STATE: sync::OnceLock<(u32, Option<sync::Mutex<fs::File>>)> = sync::OnceLock::new();
    static SEEN: [sync::atomic::AtomicBool; 1 << 13] = [const {{ sync::atomic::AtomicBool::new(false) }}; 1 << 13];
    let (knocked, reached) = STATE.get_or_init(|| {{
        let number = env::var("{knockout.SWITCH}").ok().and_then(|number| number.parse().ok()).unwrap_or(0);
        let append = |path| fs::OpenOptions::new().create(true).append(true).open(path).ok();
        (number, env::var_os("{REACHED}").and_then(append).map(sync::Mutex::new))
    }});
    if let (Some(file), Some(seen)) = (reached, SEEN.get(number as usize)) {{
        if !seen.swap(true, sync::atomic::Ordering::Relaxed) {{
            let _ = file.lock().map(|mut file| file.write_all(format!("{{number}}\\n").as_bytes()));
        }}
    }}
    *knocked == number
}}
"""
# Left out besides: what compares texts of the sources, which are others here, and the vectors that the command runs already.
TEXT_TESTS = {**knockout.TEXT_TESTS, "registries": None, "vectors": ["core_decides_every_vector"]}
LIB = "crates/countersign/src/lib.rs"
ROUNDS = 60
# What is asked of a value that the compiler computes itself.
IN_CONST = ("E0015", "E0658", "E0764")
CALLED = re.compile(r"cannot call non-const .*`(?:.*::)?(\w+)(?:::<.*>)?` in ")


class Schemata:
    def __init__(self, workspace, mutants, tool, told):
        self.workspace, self.mutants, self.tool, self.told = workspace, mutants, tool, told
        self.folder = workspace.target
        self.unviable, self.not_placed, self.consts = {}, {}, set()
        self.map = {}

    def settle(self):
        """Builds until everything compiles; a build that was settled before is remembered."""
        remembered = self.folder / "settled.json"
        sources = [self.tool / "Cargo.lock", *sorted((self.tool / "src").iterdir())]
        state = listing.digest(self.workspace, sources)
        if remembered.is_file():
            known = json.loads(remembered.read_text())
            if known["state"] == state:
                self.consts = set(known["consts"])
                self.unviable = {int(number): why for number, why in known["unviable"].items()}
                self.not_placed = {int(number): why for number, why in known["not_placed"].items()}
        for _ in range(ROUNDS):
            self.rewrite()
            errors = self.errors()
            if not errors:
                break
            self.attribute(errors)
        else:
            raise BuildFailed(f"the copy does not compile after {ROUNDS} rounds")
        known = {"state": state, "consts": sorted(self.consts), "unviable": self.unviable, "not_placed": self.not_placed}
        remembered.write_text(json.dumps(known, indent=1))
        self.workspace.compile()

    def rewrite(self):
        plan, out = self.folder / "plan.json", self.folder / "rewritten"
        plan.write_text(json.dumps({"without": sorted({*self.unviable, *self.not_placed}), "consts": sorted(self.consts)}))
        command = ["cargo", "run", "--release", "--locked", "-q", "--manifest-path", str(self.tool / "Cargo.toml"), "--target-dir", str(self.folder / "schemata")]
        command += ["--", str(self.folder / "list.json"), str(self.workspace.repo), str(plan), str(out)]
        subprocess.run(command, check=True)
        self.map = json.loads((out / "map.json").read_text())
        self.unviable.update({int(number): why for number, why in self.map["unviable"].items()})
        self.not_placed.update({int(number): why for number, why in self.map["not_placed"].items()})
        rewritten = {name: (out / name).read_text() for name in self.map["files"]}
        rewritten[LIB] = (self.workspace.repo / LIB).read_text() + MUTATED
        self.workspace.sync(rewritten)

    def errors(self):
        for arguments in (
            ["build", "-p", "countersign-cli", "--bin", "countersign"],
            ["test", "-p", "countersign", "--lib", "--tests", "--no-run"],
        ):
            done = self.workspace.try_cargo(*arguments, "--message-format=json")
            if done.returncode:
                messages = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
                found = [message["message"] for message in messages if message.get("reason") == "compiler-message"]
                errors = {json.dumps(error["spans"]): error for error in found if error["level"] == "error" and error["spans"]}
                if not errors:
                    raise BuildFailed(f"the copy does not build:\n{done.stderr[-2000:]}")
                return list(errors.values())
        return []

    def attribute(self, errors):
        """Finds whose fault each error is: the mutant's in whose text it lies, or else of the way that mutants are put in."""
        before = len(self.unviable), len(self.not_placed), len(self.consts)
        others, at_fault = [], set()
        for error in errors:
            code = (error.get("code") or {}).get("code", "")
            said = " ".join(filter(None, [code, error["message"].split("\n")[0]]))
            spans = [(self.here(span), span["is_primary"]) for span in error["spans"]]
            spans = [(span, primary) for span, primary in spans if span]
            own = [number for span, primary in spans if primary for number in self.inside(span, "own")]
            if own:
                (self.not_placed if code in IN_CONST else self.unviable).update({own[0]: said})
                at_fault.update(self.function(span) for span, _ in spans)
            else:
                others.append((code, said, error, spans))
        for code, said, error, spans in others:
            # It may come of a mutant in the same function that is at fault itself.
            if not at_fault.isdisjoint(self.function(span) for span, _ in spans):
                continue
            called = CALLED.search(error["message"]) if code == "E0015" else None
            if called and called.group(1) not in {*self.consts, "knocked"}:
                self.consts.add(called.group(1))
                continue
            suspects = [number for span, _ in spans for number in self.inside(span, "own")]
            suspects = suspects or [number for span, _ in spans for number in self.inside(span, "around")]
            suspects = suspects or [number for span, _ in spans for number in self.of_function(span)]
            if not suspects:
                raise BuildFailed(f"an error that is no mutant's:\n{error.get('rendered')}")
            self.not_placed.update({number: said for number in suspects})
        after = len(self.unviable), len(self.not_placed), len(self.consts)
        self.told(f"mutants: {len(errors)} errors; so far {after[0]} do not compile, {after[1]} have no place")
        if before == after:
            raise BuildFailed(f"no mutant can be taken out for:\n{errors[0].get('rendered')}")

    def here(self, span):
        """Where in a rewritten file: a macro's text is where it is called."""
        while span and span["file_name"] not in self.map["files"]:
            span = (span.get("expansion") or {}).get("span")
        return (span["file_name"], span["byte_start"], span["byte_end"]) if span else None

    def inside(self, span, which):
        """The mutants in whose text, or whose alternatives, this is; of several such places the smallest."""
        name, start, end = span
        found = [mutant for mutant in self.map["files"][name]["mutants"] if mutant[which][0] <= start and end <= mutant[which][1]]
        least = min((mutant[which][1] - mutant[which][0] for mutant in found), default=0)
        return [mutant["number"] for mutant in found if mutant[which][1] - mutant[which][0] == least]

    def function(self, span):
        name, start, end = span
        found = [tuple(one["around"]) for one in self.map["files"][name]["functions"] if one["around"][0] <= start and end <= one["around"][1]]
        return (name, *min(found, key=lambda around: around[1] - around[0])) if found else (name, start, end)

    def of_function(self, span):
        name, start, end = self.function(span)
        return [mutant["number"] for mutant in self.map["files"][name]["mutants"] if start <= mutant["own"][0] and mutant["own"][1] <= end]
