"""Arguments of an operation ("Arguments" and "Poison" of spec/checks.md)."""
from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes

from .datalog import Term
from .encoding import MAX_SAFE
from .errors import Denial
from .jsontext import Number

_MAX_FACTS, _MAX_TEXT = 1024, 4096
_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_LABEL = re.compile(r"[A-Za-z0-9_-]{1,63}\Z")
_URL = re.compile(r"(?i:https?)://(\[[0-9A-Fa-f:.]+\]|[^\[\]/?#:]*)(?::([0-9]{0,5}))?(?:[/?#].*)?\Z")
_OCTET = re.compile(r"0|[1-9][0-9]{0,2}\Z")
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
        self.values: dict[str, list[Term]] = {}  # all under a name, equal ones too: what a cost looks at
        self.poisoned: dict[str, set[str]] = {name: set() for name in PREDICATES}
        self.facts: dict[str, dict[tuple[Term, ...], None]] = {name: {} for name in PREDICATES}
        self._counts = {"arg": 0, "arg_present": 0}

    @classmethod
    def unextracted(cls, declared: Declared) -> Arguments:
        arguments = cls(declared)
        arguments.extracted = False
        return arguments

    @classmethod
    def extract(cls, declared: Declared, parameters: list[tuple[str, str]], body: dict | None) -> Arguments:
        """CK-29, CK-32. `body` is None where there is none."""
        arguments = cls(declared)
        try:
            for name, value in parameters:
                arguments._present(name)
                arguments._string(name, value)
            arguments._object("", body or {})
        except _TooMuch:
            return cls.unextracted(declared)
        return arguments

    def _count(self, predicate: str) -> None:
        self._counts[predicate] += 1
        if self._counts[predicate] > _MAX_FACTS:  # CK-33, CK-43
            raise _TooMuch

    def _present(self, name: str) -> None:
        if len(name.encode()) > _MAX_TEXT:  # CK-33
            raise _TooMuch
        self._count("arg_present")
        self.facts["arg_present"].setdefault((Term("string", name),))

    def _poison(self, name: str, *predicates: str) -> None:
        for predicate in predicates or ("arg", "arg_host", "arg_path"):
            self.poisoned[predicate].add(name)

    def _value(self, name: str, term: Term) -> None:
        self._count("arg")
        self.values.setdefault(name, []).append(term)
        self.facts["arg"].setdefault((Term("string", name), term))
        if term.kind == "string":
            return
        if name in self.declared.urls:
            self._poison(name, "arg_host")
        if name in self.declared.paths:
            self._poison(name, "arg_path")

    def _string(self, name: str, text: str) -> None:
        if len(text.encode()) > _MAX_TEXT:  # CK-33
            raise _TooMuch
        self._value(name, Term("string", text))
        for predicate, names, parse in (("arg_host", self.declared.urls, host), ("arg_path", self.declared.paths, path)):
            if name in names:
                derived = parse(text)
                if derived is None:
                    self._poison(name, predicate)
                else:
                    self.facts[predicate].setdefault((Term("string", name), Term("string", derived)))

    def _object(self, prefix: str, members: dict[str, Any]) -> None:
        """As deep as the JSON, which RQ-55 limits."""
        for member, value in members.items():
            name = prefix + "/" + member.replace("~", "~0").replace("/", "~1")
            self._present(name)
            if isinstance(value, dict):
                self._poison(name)
                self._object(name, value)
            elif isinstance(value, list):
                if not value:
                    self._poison(name)
                for element in value:
                    if isinstance(element, (dict, list)):
                        self._poison(name, *PREDICATES)
                    else:
                        self._scalar(name, element)
            else:
                self._scalar(name, value)

    def _scalar(self, name: str, value: Any) -> None:
        if isinstance(value, str):
            self._string(name, value)
        elif isinstance(value, bool):
            self._value(name, Term("bool", value))
        elif isinstance(value, Number):
            scale = self.declared.scales.get(name)
            number = value.integer if scale is None else scaled(value.text, scale)
            if number is None:
                self._poison(name)
            else:
                self._value(name, Term("integer", number))
        else:
            self._poison(name)

    def offered(self, predicate: str, name: str | None) -> list[tuple[Term, ...]] | None:
        """The facts offered to a predicate over a name, or over all names (None). None where that is an error."""
        poisoned = self.poisoned[predicate]
        if not self.extracted or name in poisoned or (name is None and poisoned):  # CK-33, CK-36
            return None
        declared = {"arg_host": self.declared.urls, "arg_path": self.declared.paths}.get(predicate)
        if declared is not None and name not in declared:  # CK-37
            return None
        return list(self.facts[predicate])

    def amount(self, name: str) -> int | None:
        """VF-34: the one integer under a name, from 0 to 2^53 - 1."""
        values = self.values.get(name, [])
        if not self.extracted or name in self.poisoned["arg"] or len(values) != 1 or values[0].kind != "integer":
            return None
        return values[0].value if 0 <= values[0].value <= MAX_SAFE else None


def _text(data: bytes) -> str:
    """Undoes escapes (CK-30)."""
    try:
        if not _BAD_ESCAPE.search(data):
            return unquote_to_bytes(data).decode("utf-8")
    except UnicodeDecodeError:
        pass
    raise Denial(11, "body_ambiguous")


def parameters_of(path: tuple[tuple[str, str], ...], query: bytes | None) -> list[tuple[str, str]]:
    """CK-30: path and query parameters, decoded, under their names."""
    out = [("path." + name, _text(value.encode())) for name, value in path]
    for part in (query or b"").split(b"&"):
        if part:
            name, _, content = part.replace(b"+", b" ").partition(b"=")
            out.append(("query." + _text(name), _text(content)))
    return out


def scaled(text: str, digits: int) -> int | None:
    """CK-35: the value of a JSON number times 10^digits, None where it is poison."""
    mantissa, _, exponent = text.lower().partition("e")
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    figures = (whole + fraction).lstrip("0")
    if not figures:
        return 0
    zeros = len(figures) - len(figures.rstrip("0"))
    figures = figures.rstrip("0")
    if text.strip("-0123456789") and len(figures) > 15:  # a fraction, of more than a double keeps
        return None
    magnitude = exponent.lstrip("+-").lstrip("0") or "0"
    if len(magnitude) > 9:  # the text is far too short to make up for it
        return None
    power = int(magnitude) * (-1 if exponent.startswith("-") else 1) - len(fraction) + zeros + digits
    if power < 0 or len(figures) + power > 16:
        return None
    value = int(figures) * 10**power
    return None if value > MAX_SAFE else -value if text.startswith("-") else value


def host(url: str) -> str | None:
    """CK-38: the host of a URL, None where it does not parse."""
    if any(not "!" <= char <= "~" for char in url) or "\\" in url:
        return None
    match = _URL.match(url)
    if not match or (match.group(2) and int(match.group(2)) > 65535):
        return None
    name = match.group(1)
    if not name.startswith("["):
        labels = name.split(".")
        if len(name) > 253 or not all(_LABEL.match(label) for label in labels):
            return None
        last = labels[-1]
        if last.isdigit() or last[:2].lower() == "0x":
            if len(labels) != 4 or not all(_OCTET.fullmatch(label) and int(label) <= 255 for label in labels):
                return None
    return name.lower()


def path(text: str) -> str | None:
    """CK-39: the path as it is, None where it does not parse."""
    if not text or _BAD_PATH.search(text):
        return None
    segments = text.split("/")
    for at, segment in enumerate(segments):
        dots = segment.replace("%2E", ".").replace("%2e", ".")
        if dots in (".", "..") or (not segment and 0 < at < len(segments) - 1):
            return None
    return text
