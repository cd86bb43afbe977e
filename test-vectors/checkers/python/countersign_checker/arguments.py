"""Arguments of an operation ("Arguments" and "Poison" of spec/checks.md)."""

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import unquote_to_bytes

from .datalog import Term
from .encoding import MAX_SAFE
from .errors import Denial
from .jsontext import Number

_MAX_FACTS, _MAX_TEXT = 1024, 4096
_URL = re.compile(r"(?i:https?)://(\[[0-9A-Fa-f:.]+\]|[^\[\]/?#:]*)(?::([0-9]{0,5}))?(?:[/?#].*)?")
_OCTET = re.compile(r"0|[1-9][0-9]{0,2}")
_BAD_PATH = re.compile(r"[\x00-\x1f\x7f\\]|%2[Ff]|%5[Cc]|%00")
PREDICATES = ("arg", "arg_host", "arg_path", "arg_present")


@dataclass(frozen=True)
class Declared:
    """What a service declared about the arguments of an operation."""

    urls: frozenset[str] = frozenset()
    paths: frozenset[str] = frozenset()
    scales: dict[str, int] = field(default_factory=dict)


class _TooMuch(Exception):
    """CK-33: nothing counts as extracted."""


class Arguments:
    """The facts of the four `arg` predicates, with what is poisoned."""

    def __init__(self, declared: Declared) -> None:
        self.declared = declared
        self.extracted = True
        self.values: dict[str, list[Term]] = defaultdict(list)  # all under a name, equal ones too: what a cost looks at
        self.poisoned: dict[str, set[str]] = {name: set() for name in PREDICATES}
        self.facts: dict[str, dict[tuple[Term, ...], None]] = {name: {} for name in PREDICATES}
        self._counts: Counter[str] = Counter()

    @classmethod
    def unextracted(cls, declared: Declared) -> Self:
        arguments = cls(declared)
        arguments.extracted = False
        return arguments

    @classmethod
    def extract(cls, declared: Declared, parameters: list[tuple[str, str]], body: dict | None) -> Self:
        """CK-29, CK-32. `body` is None where there is none."""
        arguments = cls(declared)
        try:
            for name, value in parameters:
                arguments._fact("arg_present", name)
                arguments._scalar(name, value)
            for name in _twins([name for name, _ in parameters]):
                arguments._poison(name, *PREDICATES)
            arguments._object("", body or {})
        except _TooMuch:
            return cls.unextracted(declared)
        return arguments

    def _fact(self, predicate: str, name: str, *value: Term) -> None:
        """CK-33, CK-43"""
        self._counts[predicate] += 1
        if self._counts[predicate] > _MAX_FACTS or len(name.encode()) > _MAX_TEXT:
            raise _TooMuch
        self.facts[predicate].setdefault((Term("string", name), *value))

    def _poison(self, name: str, *predicates: str) -> None:
        for predicate in predicates or ("arg", "arg_host", "arg_path"):
            self.poisoned[predicate].add(name)

    def _object(self, prefix: str, members: dict[str, Any], ambiguous: bool = False) -> None:
        """As deep as the JSON, which RQ-55 limits."""
        twins = _twins(list(members))
        for member, value in members.items():
            name = prefix + "/" + member.replace("~", "~0").replace("/", "~1")
            self._fact("arg_present", name)
            if twin := ambiguous or member in twins:
                self._poison(name, *PREDICATES)
            if isinstance(value, dict):
                self._poison(name)
                self._object(name, value, twin)
                continue
            if value == []:
                self._poison(name)
            for element in value if isinstance(value, list) else [value]:
                if isinstance(element, (dict, list)):
                    self._poison(name, *PREDICATES)
                else:
                    self._scalar(name, element)

    def _scalar(self, name: str, value: Any) -> None:
        if isinstance(value, Number):
            scale = self.declared.scales.get(name)
            value = value.integer if scale is None else scaled(value.text, scale)
        if value is None:  # null, or a number that is poison
            self._poison(name)
            return
        term = Term({str: "string", bool: "bool", int: "integer"}[type(value)], value)
        if term.kind == "string" and len(value.encode()) > _MAX_TEXT:  # CK-33
            raise _TooMuch
        self._fact("arg", name, term)
        self.values[name].append(term)
        for predicate, names, parse in (("arg_host", self.declared.urls, host), ("arg_path", self.declared.paths, path)):
            if name in names:
                derived = parse(value) if term.kind == "string" else None
                if derived is None:
                    self._poison(name, predicate)
                else:
                    self._fact(predicate, name, Term("string", derived))

    def offered(self, predicate: str, name: str | None) -> list[tuple[Term, ...]] | None:
        """The facts offered to a predicate over a name, or over all names (None). None where that is an error."""
        poisoned = self.poisoned[predicate]
        declared = {"arg_host": self.declared.urls, "arg_path": self.declared.paths}.get(predicate, {name})
        bad = not self.extracted or name in poisoned or name is None and poisoned or name not in declared  # CK-33, CK-36, CK-37
        return None if bad else list(self.facts[predicate])

    def amount(self, name: str) -> int | None:
        """VF-34: the one integer under a name, from 0 to 2^53 - 1."""
        values = self.values.get(name, [])
        if not self.extracted or name in self.poisoned["arg"] or len(values) != 1 or values[0].kind != "integer":
            return None
        return values[0].value if 0 <= values[0].value <= MAX_SAFE else None


def _twins(names: list[str]) -> set[str]:
    """CK-44: names that differ by case alone."""
    alike: dict[str, set[str]] = defaultdict(set)
    for name in names:
        alike[name.lower().upper()].add(name)
    return {name for group in alike.values() if len(group) > 1 for name in group}


def _text(data: bytes) -> str:
    """Undoes escapes (CK-30)."""
    try:
        if not re.search(rb"%(?![0-9A-Fa-f]{2})", data):
            return unquote_to_bytes(data).decode("utf-8")
    except UnicodeDecodeError:
        pass
    raise Denial(11, "body_ambiguous")


def parameters_of(path: dict[str, str], query: bytes | None) -> list[tuple[str, str]]:
    """CK-30: path and query parameters, decoded, under their names."""
    out = [("path." + name, _text(value.encode())) for name, value in path.items()]
    parts = [part.replace(b"+", b" ").partition(b"=") for part in (query or b"").split(b"&") if part]
    return out + [("query." + _text(name), _text(content)) for name, _, content in parts]


def scaled(text: str, digits: int) -> int | None:
    """CK-35: the value of a JSON number times 10^digits, None where it is poison."""
    sign, whole, fraction, exponent = re.fullmatch(r"(-?)(\d+)\.?(\d*)(?:[eE]([-+]?\d+))?", text).groups("")  # type: ignore[union-attr]
    figures = (whole + fraction).lstrip("0").rstrip("0")
    if not figures:
        return 0
    if len(figures) > 15 and (fraction or exponent) or len(exponent.lstrip("+-0")) > 9:  # of more than a double keeps; far too great or small
        return None
    zeros = len(whole + fraction) - len((whole + fraction).rstrip("0"))
    power = int(exponent or 0) - len(fraction) + zeros + digits
    if power < 0 or len(figures) + power > 16 or int(figures) * 10**power > MAX_SAFE:
        return None
    return int(sign + figures) * 10**power


def host(url: str) -> str | None:
    """CK-38: the host of a URL, None where it does not parse."""
    match = _URL.fullmatch(url) if re.fullmatch(r"[!-\[\]-~]*", url) else None
    if not match or int(match[2] or 0) > 65535:
        return None
    name = match[1]
    labels = name.split(".")
    if not name.startswith("["):
        if len(name) > 253 or not all(re.fullmatch("[A-Za-z0-9_-]{1,63}", label) for label in labels):
            return None
        if labels[-1].isdigit() or labels[-1][:2].lower() == "0x":
            if len(labels) != 4 or not all(_OCTET.fullmatch(label) and int(label) <= 255 for label in labels):
                return None
    return name.lower()


def path(text: str) -> str | None:
    """CK-39: the path as it is, None where it does not parse."""
    segments = [re.sub("%2[Ee]", ".", segment) for segment in text.split("/")]
    return None if not text or _BAD_PATH.search(text) or {".", ".."} & {*segments} or "" in segments[1:-1] else text
