"""A second opinion: the checks of a token, run by a Biscuit engine (biscuit-python) with the verifier's facts."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import biscuit_auth  # type: ignore[import-untyped]

from .checks import Row
from .datalog import Term
from .encoding import un_b64u
from .verifier import Trace

# "Evaluation" of spec/checks.md: what an engine does not know
_ASIDE = {"argument": "poisoned, undeclared or unextracted arguments", "limit_exceeded": "exhausted work"}


def _value(term: Term) -> object:
    return datetime.fromtimestamp(term.value, UTC) if term.kind == "date" else term.value


def _fact(name: str, row: Row) -> biscuit_auth.Fact:
    slots = {f"t{number}": _value(term) for number, term in enumerate(row)}
    return biscuit_auth.Fact(f"{name}({', '.join('{%s}' % slot for slot in slots)})", slots)


def allows(trace: Trace) -> bool:
    """Whether the engine lets the token of a trace pass. The facts of its authority block are in the token already."""
    root = biscuit_auth.PublicKey.from_bytes(trace.context.root, biscuit_auth.Algorithm.Ed25519)
    token = biscuit_auth.Biscuit.from_bytes(un_b64u(trace.context.proof.token) or b"", root)
    builder = biscuit_auth.AuthorizerBuilder("allow if true")
    limits = builder.limits()
    limits.max_facts, limits.max_time = 10_000, timedelta(seconds=10)
    builder.set_limits(limits)
    given = [(name, row) for name, row in trace.facts.plain.items() if name not in ("user", "purpose", "issuer", "agent")]
    for name, row in given + [(name, row) for name, rows in trace.facts.arguments.facts.items() for row in rows]:
        builder.add_fact(_fact(name, row))
    try:
        builder.build(token).authorize()
    except biscuit_auth.AuthorizationError as error:
        if "limit" in str(error).lower() or "timeout" in str(error).lower():
            raise RuntimeError(f"the engine gave up: {error}") from None
        return False
    return True


class Opinions:
    """Compares, counts, and says what was left out."""

    def __init__(self) -> None:
        self.where = ""
        self.compared = 0
        self.differ: list[str] = []
        self.left_out: Counter[str] = Counter()

    def ask(self, trace: Trace | None) -> None:
        if trace is None or not trace.evaluated:
            return
        aside = "argument" if trace.facts.blocked else trace.refusal
        if trace.refusal and aside in _ASIDE:
            self.left_out[_ASIDE[aside]] += 1
            return
        try:
            allowed = allows(trace)
        except Exception as error:  # counted and printed: what the library cannot take
            self.left_out[f"not expressed: {type(error).__name__}: {error}"] += 1
            return
        self.compared += 1
        if allowed != (trace.refusal is None):
            self.differ.append(f"{self.where}: the engine {'allows' if allowed else 'denies'}, not {trace.refusal}")

    def report(self) -> bool:
        """Prints what was found; whether the engine agrees."""
        lines = self.differ + [f"left out {count}: {reason}" for reason, count in sorted(self.left_out.items())]
        for line in [*lines, f"{self.compared} verdicts compared, {len(self.differ)} differ"]:
            print(f"engine: {line}")
        return not self.differ
