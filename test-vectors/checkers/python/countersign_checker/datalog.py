"""Terms, facts and checks, and the way between them and an encoded Block ("Symbols" of spec/token.md)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from . import wire
from .encoding import MAX_DATE
from .errors import Denial, refuse

FIXED = (  # 0 to 27
    "read", "write", "resource", "operation", "right", "time", "role", "owner", "tenant", "namespace", "user", "team", "service", "admin",
    "email", "group", "member", "ip_address", "client", "client_ip", "domain", "path", "version", "cluster", "node", "hostname", "nonce",
    "query")
FIRST = 1024
CHECK_IF, REJECT_IF = 0, 2
SCALARS = ("integer", "string", "date", "bytes", "bool")


@dataclass(frozen=True, slots=True)
class Term:
    kind: str   # variable, a scalar kind, or set
    value: Any  # str for variables and strings; a tuple of terms for sets


@dataclass(frozen=True, slots=True)
class Predicate:
    name: str
    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Op:
    kind: str   # value, unary, binary, closure
    value: Any  # a term, the number of the operation, a tuple of operations


@dataclass(frozen=True, slots=True)
class Query:
    head: Predicate
    body: tuple[Predicate, ...]
    expressions: tuple[tuple[Op, ...], ...]


@dataclass(frozen=True, slots=True)
class Check:
    kind: int
    queries: tuple[Query, ...]


@dataclass(frozen=True, slots=True)
class Block:
    facts: tuple[Predicate, ...]
    checks: tuple[Check, ...]
    version: int


@dataclass
class Symbols:
    """The strings from 1024 on, as one block sees them, and what is read and written with them."""

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

    def read_term(self, message: wire.Message) -> Term:
        (kind, value), = message.items()
        refuse(kind == "bytes" and len(value) > 1024 or kind == "date" and value > MAX_DATE, 4, "token_profile")  # TK-22, TK-23
        if kind != "set":
            return Term(kind, self.text(value) if kind in ("variable", "string") else value)
        refuse(len(value["set"]) > 128, 4, "limit_exceeded")  # CK-18
        terms = tuple(self.read_term(element) for element in value["set"])
        refuse(len({term.kind for term in terms}) > 1 or any(term.kind not in SCALARS for term in terms), 4, "token_profile")  # CK-17
        return Term("set", terms)

    def write_term(self, term: Term) -> wire.Message:
        if term.kind in ("variable", "string"):
            return {term.kind: self.index(term.value)}
        if term.kind != "set":
            return {term.kind: term.value}
        elements = sorted({(item.kind, item.value) for item in term.value})  # TK-20, since UTF-8 sorts as code points do
        messages = [self.write_term(Term(*element)) for element in elements]
        return {"set": {"set": sorted(messages, key=lambda message: next(iter(message.values())))}}  # CK-19

    def read_predicate(self, message: wire.Message) -> Predicate:
        return Predicate(self.text(message["name"]), tuple(self.read_term(term) for term in message["terms"]))

    def write_predicate(self, predicate: Predicate) -> wire.Message:
        return {"name": self.index(predicate.name), "terms": [self.write_term(term) for term in predicate.terms]}

    def read_op(self, message: wire.Message) -> Op:
        (kind, value), = message.items()
        if kind == "value":
            return Op(kind, self.read_term(value))
        return Op(kind, tuple(self.read_op(op) for op in value["ops"]) if kind == "closure" else value["kind"])

    def write_op(self, op: Op) -> wire.Message:
        if op.kind == "value":
            return {"value": self.write_term(op.value)}
        return {op.kind: {"ops": [self.write_op(inner) for inner in op.value]} if op.kind == "closure" else {"kind": op.value}}

    def read_query(self, message: wire.Message) -> Query:
        return Query(self.read_predicate(message["head"]), tuple(self.read_predicate(predicate) for predicate in message["body"]),
                     tuple(tuple(self.read_op(op) for op in expression["ops"]) for expression in message["expressions"]))

    def write_query(self, query: Query) -> wire.Message:
        return {"head": self.write_predicate(query.head), "body": [self.write_predicate(predicate) for predicate in query.body],
                "expressions": [{"ops": [self.write_op(op) for op in ops]} for ops in query.expressions]}


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
    message = wire.decode("Block", data, depth=1)
    before = Symbols(symbols.strings.copy())
    symbols.strings += message["symbols"]
    refuse(any(len(text.encode()) > 1024 for text in message["symbols"]), 4, "token_profile")  # TK-22
    refuse(len(message["facts"]) > 200 or len(message["checks"]) > 64, 4, "limit_exceeded")  # TK-25
    block = Block(tuple(symbols.read_predicate(fact["predicate"]) for fact in message["facts"]),
                  tuple(Check(check.get("kind", CHECK_IF), tuple(symbols.read_query(query) for query in check["queries"]))
                        for check in message["checks"]), message.get("version", 0))
    refuse(len(set(block.facts)) != len(block.facts), 4, "token_malformed")  # TK-24
    refuse(write_block(block, before) != data, 4, "token_malformed")  # TK-3 to TK-7, TK-17 to TK-20, CK-19
    return block


def write_block(block: Block, symbols: Symbols) -> bytes:
    """Encodes a block and adds its strings to `symbols`."""
    known = len(symbols.strings)
    message = {"facts": [{"predicate": symbols.write_predicate(fact)} for fact in block.facts], "version": block.version,
               "checks": [{"queries": [symbols.write_query(query) for query in check.queries], "kind": check.kind} for check in block.checks]}
    return wire.encode("Block", message | {"symbols": symbols.strings[known:]})
