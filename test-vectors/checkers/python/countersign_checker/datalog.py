"""Terms, facts and checks, and the way between them and an encoded Block ("Symbols" of spec/token.md)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, is_dataclass
from typing import Any

from . import wire
from .encoding import MAX_DATE
from .errors import refuse
from .wire import Block, Check, Op, Predicate, Term

FIXED = (  # 0 to 27
    "read", "write", "resource", "operation", "right", "time", "role", "owner", "tenant", "namespace", "user", "team", "service", "admin",
    "email", "group", "member", "ip_address", "client", "client_ip", "domain", "path", "version", "cluster", "node", "hostname", "nonce",
    "query")
FIRST = 1024
CHECK_IF, REJECT_IF = 0, 2
SCALARS = ("integer", "string", "date", "bytes", "bool")


@dataclass
class Symbols:
    """The strings from 1024 on, as one block sees them."""

    strings: list[str] = field(default_factory=list)

    def text(self, index: int) -> str:
        refuse(len(FIXED) <= index < FIRST or index >= FIRST + len(self.strings), 4, "token_malformed")  # TK-17
        return FIXED[index] if index < FIRST else self.strings[index - FIRST]

    def index(self, text: str) -> int:
        """The index of a string, which is added where it is missing."""
        if text in FIXED:
            return FIXED.index(text)
        if text not in self.strings:
            self.strings.append(text)
        return FIRST + self.strings.index(text)


def _translate(value: Any, symbol: Callable[[Any], Any]) -> Any:
    """The same with indices in place of strings, or strings in place of indices, in document order."""
    if isinstance(value, tuple):
        return tuple(_translate(part, symbol) for part in value)
    if isinstance(value, Predicate):
        return Predicate(symbol(value.name), _translate(value.terms, symbol))
    if not isinstance(value, Term):
        return type(value)(*(_translate(part, symbol) for part in vars(value).values())) if is_dataclass(value) else value
    if value.kind == "set":
        refuse(len(value.value) > 128, 4, "limit_exceeded")  # CK-18
        kinds = {term.kind for term in value.value}
        refuse(len(kinds) > 1 or not kinds <= set(SCALARS), 4, "token_profile")  # CK-17
        elements = sorted(set(value.value), key=_order)  # TK-20, since UTF-8 sorts as code points do
        return Term("set", tuple(sorted((_translate(term, symbol) for term in elements), key=_order)))  # CK-19
    refuse(value.kind == "bytes" and len(value.value) > 1024 or value.kind == "date" and value.value > MAX_DATE, 4, "token_profile")  # TK-22, TK-23
    return Term(value.kind, symbol(value.value)) if value.kind in ("variable", "string") else value


def _order(term: Term) -> Any:
    return term.value


def flat(ops: tuple[Op, ...]) -> Iterator[Op]:
    """All operations, those inside closures too."""
    for op in ops:
        yield op
        if op.kind == "closure":
            yield from flat(op.value)


def version_of(checks: tuple[Check, ...], external: bool) -> int:
    """TK-26: the version that a block must have."""
    ops = [op for check in checks for query in check.queries for expression in query.expressions for op in flat(expression)]
    if any(check.kind == REJECT_IF for check in checks) or any(op.kind == "closure" for op in ops):
        return 6
    return 5 if external else 4 if Op("binary", 20) in ops else 3


def read_block(data: bytes, symbols: Symbols) -> Block:
    """Decodes a block and adds its strings to `symbols`."""
    block = wire.decode("Block", data, depth=1)
    before = Symbols(symbols.strings.copy())
    symbols.strings += block.symbols
    refuse(any(len(text.encode()) > 1024 for text in block.symbols), 4, "token_profile")  # TK-22
    refuse(len(block.facts) > 200 or len(block.checks) > 64, 4, "limit_exceeded")  # TK-25
    refuse(len(set(block.facts)) != len(block.facts), 4, "token_malformed")  # TK-24
    facts, checks = _translate(block.facts, symbols.text), _translate(block.checks, symbols.text)
    refuse(write_block(facts, checks, block.version, before) != data, 4, "token_malformed")  # TK-3 to TK-7, TK-17 to TK-20, CK-19
    return Block(facts, checks, block.version)


def write_block(facts: tuple[Predicate, ...], checks: tuple[Check, ...], version: int, symbols: Symbols) -> bytes:
    """Encodes a block and adds its strings to `symbols`."""
    known = len(symbols.strings)
    facts, checks = _translate(facts, symbols.index), _translate(checks, symbols.index)
    return wire.encode("Block", Block(facts, checks, version, tuple(symbols.strings[known:])))
