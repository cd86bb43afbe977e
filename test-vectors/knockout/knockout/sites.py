"""The patches under sites/, held against the sources: every `// spec:` comment has its patches, and each applies to one place."""

import re
from dataclasses import dataclass, field
from pathlib import Path

SOURCES = Path("crates/countersign/src")
ID = re.compile(r"\b[A-Z]{2}-\d+\b")
COMMENT = re.compile(r"// spec: (.*)")
# Unit tests stand at the end of a file; they are what notices, not what is knocked out.
TESTS = re.compile(r"^#\[cfg\(test\)\]\s*\nmod ", re.M)
PLACEHOLDER = "knocked!()"
# Stands for it while texts are compared: no character of it can be taken for one of the source.
MARK = "\0"


@dataclass
class Edit:
    """Puts `new` in the place of source[start:end]."""

    start: int
    end: int
    new: str


@dataclass
class Patch:
    """One knock-out: the requirements that it takes away, in words and as text."""

    file: str
    ids: list
    words: str
    where: str
    hunks: list = field(default_factory=list)
    none: str = ""
    redundant: str = ""
    site: int = 0
    line: int = 0
    number: int = 0
    edits: list = field(default_factory=list)

    def place(self):
        return f"{self.file}:{self.line}"

    def matches(self, only):
        return not only or any(what == self.file or what in self.ids for what in only)


@dataclass
class Section:
    """What a site file says under one `// spec:` line."""

    comment: str
    patches: list


def load(repo, folder):
    """All patches in order, numbered, with their edits; and what is wrong with them."""
    patches, problems, known = [], [], set()
    for path in sorted((repo / SOURCES).rglob("*.rs")):
        name = path.relative_to(repo / SOURCES).as_posix()
        source = shipped(name, path.read_text())
        sites = folder / Path(name).with_suffix(".txt")
        known.add(sites)
        text = sites.read_text() if sites.exists() else ""
        found, wrong = read(name, source, text)
        patches += found
        problems += wrong
    for stray in sorted(set(folder.rglob("*.txt")) - known):
        problems.append(f"{stray.relative_to(folder)}: no such source file")
    for number, patch in enumerate(patches, start=1):
        patch.number = number
    return patches, problems


def shipped(name, source):
    """A source file without its unit tests."""
    if name.endswith("tests.rs"):
        return ""
    tests = TESTS.search(source)
    return source[: tests.start()] if tests else source


def read(name, source, text):
    """The patches of one source file, and what is wrong with them."""
    sections, problems = parse(name, text)
    comments = [(match.group(1).strip(), source.count("\n", 0, match.start()) + 1) for match in COMMENT.finditer(source)]
    written, found = [section.comment for section in sections], [comment for comment, _ in comments]
    if written != found:
        problems.append(f"{name}: {difference(found, written)}")
        return [], problems
    for index, (section, (comment, line)) in enumerate(zip(sections, comments)):
        named = {id for patch in section.patches for id in patch.ids}
        for id in ID.findall(comment):
            if id not in named:
                problems.append(f"{name}:{line}: nothing is knocked out of {id}")
        for patch in section.patches:
            patch.site, patch.line = index, line
    patches = [patch for section in sections for patch in section.patches]
    for patch in patches:
        problems += locate(patch, source)
    problems += overlaps(patches)
    return patches, problems


def difference(found, written):
    for at, comment in enumerate(found):
        if at >= len(written) or written[at] != comment:
            return f"comment {at + 1}, `// spec: {comment}`, has no section in its place"
    return f"section `// spec: {written[len(found)]}` has no comment"


def parse(name, text):
    """Reads a site file: `// spec:` lines, below each its patches."""
    sections, problems, patch = [], [], None
    for number, line in enumerate(text.split("\n"), start=1):
        where = f"sites/{Path(name).with_suffix('.txt')}:{number}"
        mark, rest = line[:2], line[2:]
        if COMMENT.fullmatch(line.strip()):
            sections.append(Section(COMMENT.fullmatch(line.strip()).group(1).strip(), []))
            patch = None
        elif mark == "* " and sections and ":" in rest:
            ids, words = rest.split(":", 1)
            patch = Patch(name, ID.findall(ids), words.strip(), where)
            sections[-1].patches.append(patch)
        elif patch and line.startswith("none: "):
            patch.none = line[6:].strip()
        elif patch and line.startswith("redundant: "):
            patch.redundant = line[11:].strip()
        elif patch and mark in ("- ", "-"):
            if not patch.hunks or patch.hunks[-1][1]:
                patch.hunks.append(([], []))
            patch.hunks[-1][0].append(rest.strip())
        elif patch and mark in ("+ ", "+") and patch.hunks:
            patch.hunks[-1][1].append(rest.strip().replace(PLACEHOLDER, MARK))
        elif line.strip() and not line.startswith("#"):
            problems.append(f"{where}: {line.strip()!r} is no line of a site file")
    for patch in (patch for section in sections for patch in section.patches):
        if not patch.ids or not patch.words:
            problems.append(f"{patch.where}: a patch without requirement or words")
        if bool(patch.none) == bool(patch.hunks):
            problems.append(f"{patch.where}: a patch has either old and new text, or `none: reason`")
        if patch.hunks and MARK not in "".join(line for _, new in patch.hunks for line in new):
            problems.append(f"{patch.where}: the new text has no {PLACEHOLDER}")
    return sections, problems


def locate(patch, source):
    """Finds the one place of each hunk; indentation at line starts plays no part."""
    problems = []
    for old, new in patch.hunks:
        pattern = r"\n *".join(re.escape(line) for line in old)
        places = list(re.finditer(pattern, source))
        if len(places) != 1:
            what = "is stale: its old text is nowhere" if not places else f"fits {len(places)} places"
            problems.append(f"{patch.where}: {','.join(patch.ids)}, {patch.words}: {what}")
            continue
        patch.edits.append(smallest(source, places[0].start(), places[0].end(), new))
    return problems


def smallest(source, start, end, new):
    """The edit without what old and new text have in common at both ends, so that patches of one line get along."""
    text = source[start:end]
    old = text.split("\n")
    new = list(new)
    head = 0
    while head < min(len(old), len(new)) - 1 and old[head].strip() == new[head]:
        head += 1
    start += sum(len(line) + 1 for line in old[:head])
    old, new = old[head:], new[head:]
    while min(len(old), len(new)) > 1 and old[-1].strip() == new[-1]:
        end -= len(old[-1]) + 1
        old, new = old[:-1], new[:-1]
    before, after = "\n".join(old), "\n".join(new)
    if len(old) == 1 and len(new) == 1:
        indent = len(before) - len(before.lstrip())
        start, before = start + indent, before.lstrip()
    prefix = 0
    while prefix < min(len(before), len(after)) and before[prefix] == after[prefix]:
        prefix += 1
    suffix = 0
    while suffix < min(len(before), len(after)) - prefix and before[-1 - suffix] == after[-1 - suffix]:
        suffix += 1
    return Edit(start + prefix, end - suffix, after[prefix : len(after) - suffix])


def overlaps(patches):
    edits = sorted(((edit, patch) for patch in patches for edit in patch.edits), key=lambda pair: (pair[0].start, pair[0].end))
    problems = []
    for (first, one), (second, other) in zip(edits, edits[1:]):
        if second.start < first.end:
            problems.append(f"{other.where}: changes the same text as {one.where}")
    return problems


def apply(source, patches):
    """The source with all patches of its file, each under its number."""
    edits = [(edit.start, edit.end, edit.new.replace(MARK, f"crate::knocked({patch.number})")) for patch in patches for edit in patch.edits]
    edits = [edit for _, edit in sorted(enumerate(edits), key=lambda pair: (pair[1][0], pair[1][1], pair[0]))]
    pieces, at = [], 0
    for start, end, new in edits:
        pieces += [source[at:start], new]
        at = end
    return "".join([*pieces, source[at:]])
