"""Shows that the tool notices what it has to notice."""

from . import sites

SOURCE = """fn f(a: bool) -> bool {
    // spec: XX-1, XX-2
    if a {
        return true;
    }
    let b = a;
    let b = a;
    false
}
"""
GOOD = """// spec: XX-1, XX-2
* XX-1, XX-2: the answer
- if a {
+ if !knocked!() && a {
"""
# What is wrong with each, by a word of the complaint.
BAD = [
    ("has no section", ""),
    ("has no comment", GOOD + "// spec: XX-3\n"),
    ("nothing is knocked out of XX-2", GOOD.replace("* XX-1, XX-2", "* XX-1")),
    ("stale", GOOD.replace("- if a {", "- if c {")),
    ("fits 2 places", GOOD.replace("- if a {\n", "- let b = a;\n")),
    ("no knocked!()", GOOD.replace("!knocked!() && a", "!a")),
    ("either old and new text", GOOD + "none: a reason\n"),
    ("no line of a site file", GOOD + "if a {\n"),
    ("changes the same text", GOOD + "* XX-1: all of it\n- if a {\n- return true;\n- }\n+ while knocked!() {}\n"),
]


def of_the_checks():
    """What of the rules about patches goes unnoticed."""
    problems = []
    if sites.read("f.rs", SOURCE, GOOD)[1]:
        problems.append("self-test: a good patch is refused")
    for word, text in BAD:
        found = sites.read("f.rs", SOURCE, text)[1]
        if not any(word in problem for problem in found):
            problems.append(f"self-test: not noticed, but expected: {word}")
    print(f"self-test: {len(BAD)} kinds of wrong patches are refused" if not problems else "self-test: failed")
    return problems


def nothing(repo):
    """A patch that changes nothing, with a number that no other has."""
    name = "lib.rs"
    source = (repo / sites.SOURCES / name).read_text()
    patch = sites.Patch(name, ["XX-0"], "nothing", "self-test", number=1_000_000)
    patch.edits = [sites.Edit(len(source), len(source), f"\nconst _: fn() -> bool = || {sites.MARK};\n")]
    return patch


def of_a_run(runner, patch):
    result = runner.trial(patch)
    if result.by != "survivor":
        print(f"self-test: a patch that changes nothing counts as {result.by}: {result.first} {result.note}")
        return 1
    print("self-test: a patch that changes nothing survives, as it must")
    return 0
