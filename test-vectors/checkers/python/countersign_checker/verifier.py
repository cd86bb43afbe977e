"""The twelve stages (spec/verify.md)."""
from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import approvals, charges, encoding, message, rpc, signature
from . import token as tokens
from .arguments import Arguments
from .body import MAX_READ, arguments_of
from .config import Config, View
from .datalog import Check, Term
from .encoding import SKEW
from .errors import Denial
from .evaluate import Evaluator, Facts
from .message import Request
from .operation import Operation, digest, find_right, good_resource, map_request
from .signature import Proof
from .token import Token


@dataclass
class Context:
    """What is known of a request from stage 9 on."""

    proof: Proof
    token: Token
    root: bytes
    service: str


@dataclass
class Asked:
    """The operation at stage 11, and what surrounds it."""

    operation: Operation
    arguments: Arguments
    args: dict | None
    content_sha256: str | None
    method: str | None = None
    authority: str | None = None
    path: str | None = None
    query: str | None = None
    fields: dict[str, str] | None = None
    meta: dict | None = None
    approvals: bytes | None = None


@dataclass
class Trace:
    """What stage 11 saw last: for a second opinion, and for who makes requests."""

    context: Context
    operation: Operation
    facts: Facts
    evaluated: bool = False     # whether checks were
    refusal: str | None = None  # check_failed, check_error, limit_exceeded
    digest: bytes | None = None  # of an operation that needs an approval


Decision = dict[str, Any]


def checks_of(token: Token) -> list[Check]:
    return [check for block in token.blocks for check in block.block.checks]


class Verifier:
    def __init__(self, config: Config, stores: charges.Stores | None = None) -> None:
        self.config = config
        self.stores = stores or charges.Stores()
        self.trace: Trace | None = None

    # Entrances

    def http(self, request: Request, now: int) -> Decision:
        """A signed HTTP request."""
        authorities = [name.encode() for name in self.config.authorities]
        context: Context | None = None
        try:
            authority = message.framing(request, self.config.scheme, authorities, self.config.max_body)
            carried = message.carried(request)
            proof = signature.select(request, carried, authority, now)
            path = request.path.decode()
            context = self._prove(proof, now, lambda: self.config.service(path))
            self._body(request, carried, proof)
            self.stores.claim(proof.keyid, proof.nonce)  # VF-19
            right = self._http_operation(request, context, authority.decode(), now)
            return _allowed(context, right)
        except Denial as denial:
            return _denied(denial, context)

    def rpc(self, text: bytes, now: int) -> Decision:
        """A signed JSON-RPC message."""
        assert self.config.mcp
        context: Context | None = None
        try:
            if len(text) > min(self.config.max_body, MAX_READ):  # JR-1
                raise Denial(1, "body_too_large")
            sent = rpc.read(text, 1)
            proof = rpc.envelope(sent, now)
            context = self._prove(proof, now, lambda: rpc.service(sent, self.config.audiences))
            self.stores.claim(proof.keyid, proof.nonce)  # JR-15
            call = rpc.map_message(sent, self.config.mcp.server)
            right = None
            if call:
                right = self._authorise(context, Asked(call.operation, call.arguments, call.args, None, meta=call.meta), now)
            return _allowed(context, right)
        except Denial as denial:
            return _denied(denial, context)

    # Stages

    def _prove(self, proof: Proof, now: int, service_of: Callable[[], str]) -> Context:
        """Stages 4 to 8."""
        token = tokens.decode(proof.token)
        issuer = str(token.fact("issuer"))
        if issuer not in self.config.issuers:  # VF-5
            raise Denial(5, "issuer_unknown")
        service = service_of()  # VF-6, JR-12
        if token.fact("audience") != service:  # VF-7
            raise Denial(5, "audience_mismatch")
        if int(token.fact("issued_at")) > now + SKEW:  # VF-8
            raise Denial(5, "token_not_yet_valid")
        if now > token.effective_expiry:  # VF-9
            raise Denial(5, "token_expired")
        if proof.keyid != encoding.key_id(token.holder.key):  # RQ-45, JR-13
            raise Denial(5, "key_mismatch")
        view = self.config.views.get(issuer, View())
        view.judge(token)
        keys = [key for key in self.config.issuers[issuer] if key not in view.issuer_keys]  # VF-16
        root = tokens.verify(token, keys)
        if not encoding.verify(token.holder.key, proof.signature, proof.signed):  # RQ-48, JR-14, VF-18
            raise Denial(8, "signature_invalid")
        return Context(proof, token, root, service)

    def _body(self, request: Request, carried: message.Carried, proof: Proof) -> None:
        """Stage 9."""
        for name, value in carried.digests.items():  # RQ-49, RQ-50
            if value != hashlib.new(name.replace("-", ""), request.body).digest():
                raise Denial(9, "digest_mismatch")
        if len(request.body) > self.config.max_body:  # RQ-52
            raise Denial(9, "body_too_large")
        if request.body and not {"content-digest", "content-type"} <= proof.covered:  # RQ-54
            raise Denial(9, "body_uncovered")
        if request.trailers:  # RQ-53
            raise Denial(9, "trailer_rejected")

    def _http_operation(self, request: Request, context: Context, authority: str, now: int) -> str | None:
        """Stages 11 and 12 of an HTTP request."""
        method, path = request.method.decode(), request.path.decode()
        query = None if request.query is None else request.query.decode()
        mcp = self.config.mcp
        if mcp and path == mcp.path:
            call = rpc.map_request(request, mcp, context.proof, context.service, context.token.holder.key, now)
            if call is None:
                return None
            operation, arguments, args, content, meta = call.operation, call.arguments, call.args, None, call.meta
        else:
            operation, meta = map_request(self.config.operations, method, path), None
        if not good_resource(path) or not good_resource(operation.resource):  # VF-25 to VF-28
            raise Denial(11, "resource_invalid")
        if not (mcp and path == mcp.path):
            arguments, args = arguments_of(request, operation)
            content = hashlib.sha256(request.body).hexdigest() if request.body and args is None else None
        asked = Asked(operation, arguments, args, content, method, authority, path, query,
                      signature.other_fields(request, context.proof), meta, request.value("countersign-approval"))
        return self._authorise(context, asked, now)

    def _authorise(self, context: Context, asked: Asked, now: int) -> str:
        """Right, checks, approvals, charges. Gives the right."""
        token, operation = context.token, asked.operation
        if not good_resource(operation.resource):
            raise Denial(11, "resource_invalid")
        facts = Facts(_plain(context, asked, now), asked.arguments)
        trace = self.trace = Trace(context, operation, facts)
        right = find_right(token.blocks[0].facts("right"), operation)
        trace.evaluated = True
        try:
            Evaluator(facts).all(checks_of(token))  # VF-31
        except Denial as denial:
            trace.refusal = denial.code
            raise
        uses: list[bytes] = []
        keys = approvals.needed(token, operation)
        if keys:
            trace.digest = digest(_digested(context, asked))
            uses = approvals.judge(asked.approvals, keys, token, trace.digest, now)
        raised = charges.charges(token, operation, asked.arguments, now)
        self.stores.take(raised, uses)
        return right

    def listing(self, method: str, items: list[dict], context: Context, now: int) -> list[dict]:
        """JR-25: the items of a list that the token lets its holder use."""
        assert self.config.mcp
        kept = []
        for item in items:
            try:
                call = rpc.map_item(method, item, self.config.mcp.server)
                if not good_resource(call.operation.resource):
                    continue
                find_right(context.token.blocks[0].facts("right"), call.operation)
                asked = Asked(call.operation, call.arguments, None, None)
                facts = Facts(_plain(context, asked, now), Arguments.unextracted(call.operation.entry.declared))
                for check in checks_of(context.token):
                    try:
                        Evaluator(facts).check(check)
                    except Denial:
                        if not facts.blocked:
                            raise
                        facts.blocked = False
            except Denial:
                continue
            kept.append(item)
        return kept


def _plain(context: Context, asked: Asked, now: int) -> dict[str, tuple[Term, ...]]:
    """The facts of "Predicates" of spec/checks.md, but for the arguments."""
    token, operation = context.token, asked.operation
    texts: dict[str, str | int | None] = {
        "service": context.service, "type": operation.type, "resource": operation.resource, "action": operation.action,
        "tool": operation.tool, "method": asked.method, "authority": asked.authority, "path": asked.path,
        "binding": context.proof.binding, "user": token.fact("user"), "purpose": token.fact("purpose"),
        "issuer": token.fact("issuer"),
    }
    facts: dict[str, tuple[Term, ...]] = {name: (Term("string", text),) for name, text in texts.items() if text is not None}
    first = token.holders[0]
    facts["time"] = (Term("date", now),)
    facts["holder"] = (Term("bytes", token.holder.key),)
    facts["agent"] = (Term("string", first.name), Term("bytes", first.key))
    return facts


def _digested(context: Context, asked: Asked) -> dict:
    """The members of "Operation digest"."""
    token, operation = context.token, asked.operation
    return {
        "issuer": token.fact("issuer"), "user": token.fact("user"), "purpose": token.fact("purpose"),
        "holder": encoding.key_id(token.holder.key), "service": context.service, "method": asked.method,
        "path": asked.path, "query": asked.query, "type": operation.type, "resource": operation.resource,
        "action": operation.action, "tool": operation.tool, "args": asked.args, "content_sha256": asked.content_sha256,
        "fields": asked.fields, "meta": asked.meta,
    }


def _parties(context: Context) -> Decision:
    token = context.token
    return {
        "issuer": token.fact("issuer"), "user": token.fact("user"), "purpose": token.fact("purpose"),
        "agents": [{"name": holder.name, "key_id": encoding.key_id(holder.key), "claimed_by": holder.claimed_by}
                   for holder in token.holders],
        "expires": encoding.rfc3339(token.effective_expiry), "binding": context.proof.binding,
    }


def _allowed(context: Context, right: str | None) -> Decision:
    """VF-36"""
    return {"decision": "allow", "stage": None, "code": None, "right": right} | _parties(context)


def _denied(denial: Denial, context: Context | None) -> Decision:
    """VF-37: nothing of a stranger before stage 9."""
    nobody = dict.fromkeys(("issuer", "user", "purpose", "agents", "expires", "binding"))
    return {"decision": "deny", "stage": denial.stage, "code": denial.code, "right": None} | (
        _parties(context) if context else nobody)
