"""Makes tokens, typed restrictions, signed requests and messages, approvals (spec/token.md, checks.md, request.md, jsonrpc.md)."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Any

from . import datalog, encoding, jsontext, rpc
from . import token as tokens
from .checks import AT_LEAST, AT_MOST, CONTAINS, ENDS, EQUAL, GREATER, LESS, NOT, OR, PARENS, STARTS, UNEQUAL
from .charges import APPROVAL
from .datalog import REJECT_IF, Check, Op, Predicate, Query, Symbols, Term, version_of, write_block
from .encoding import parse_public
from .errors import Misuse
from .request import DERIVED, TAG, Request, base, normalise
from .token import Token

CALLER = {"services": "service", "types": "type", "actions": "action", "methods": "method", "tools": "tool",
          "users": "user", "purposes": "purpose", "bindings": "binding"}
# name -> predicate and its variable, the operation, whether there are several values, whether it is negated
_ARGUMENT = {
    "arg_is": ("arg", "value", UNEQUAL, False, False), "arg_in": ("arg", "value", CONTAINS, True, True),
    "arg_starts_with": ("arg", "value", STARTS, False, True), "arg_ends_with": ("arg", "value", ENDS, False, True),
    "arg_at_most": ("arg", "value", GREATER, False, False), "arg_at_least": ("arg", "value", LESS, False, False),
    "arg_host_in": ("arg_host", "host", CONTAINS, True, True)}
_NOT: tuple[Op, ...] = (Op("unary", NOT),)
Ops = tuple[Op, ...]


def _constant(value: Any) -> Term:
    kind = {bool: "bool", int: "integer", str: "string"}.get(type(value))
    if kind is None:
        raise Misuse("a value of a restriction is a string, an integer or a bool")
    return Term(kind, value)


def _set(values: Sequence[Any]) -> Term:
    terms = tuple(dict.fromkeys(_constant(value) for value in values))
    if len({term.kind for term in terms}) > 1:  # CK-17
        raise Misuse("values of two kinds in one set")
    return Term("set", terms)


def _binary(left: Term, kind: int, right: Term) -> Ops:
    """The set stands on the left of `contains`."""
    if kind == CONTAINS:
        left, right = right, left
    return Op("value", left), Op("value", right), Op("binary", kind)


def _query(name: str, terms: Sequence[Term], *ops: Op) -> Query:
    return Query(Predicate("query", ()), (Predicate(name, tuple(terms)),), (ops,) if ops else ())


def _under(variable: Term, location: str) -> list[Ops]:
    """CK-41: equal to the location, or beneath it."""
    bare = location.rstrip("/")
    equal = [_binary(variable, EQUAL, _constant(bare))] if bare else []
    return [*equal, _binary(variable, STARTS, _constant(bare + "/"))]


def _argument(name: str, args: list[Any]) -> list[Check]:
    """The restrictions that speak of the value of one argument."""
    if name == "arg_under":
        predicate, variable = "arg_path", Term("variable", "path")
        ops, *beneath = _under(variable, args[1])
        for inner in beneath:
            ops = (*ops, Op("closure", inner), Op("binary", OR), Op("unary", PARENS))
        ops += _NOT
    elif name in _ARGUMENT:
        predicate, bound, kind, several, negated = _ARGUMENT[name]
        variable = Term("variable", bound)
        ops = _binary(variable, kind, _set(args[1:]) if several else _constant(args[1])) + (_NOT if negated else ())
    else:
        raise Misuse(f"no restriction {name}")
    return [Check((_query("arg_present", [_constant(args[0])]),)),
            Check((_query(predicate, [_constant(args[0]), variable], *ops),), REJECT_IF)]


def restriction(name: str, args: list[Any], when: tuple[str, str] | None = None) -> list[Check]:
    """The checks of a restriction by its name; guarded by CK-42 where `when` is a type and an action."""
    plain = CALLER.get(name, {"expires_by": "time", "not_before": "time", "args_only": "name"}.get(name, "resource"))
    variable = Term("variable", plain)
    if name in ("expires_by", "not_before"):
        kind = AT_MOST if name == "expires_by" else AT_LEAST
        out = [Check((_query(plain, [variable], *_binary(variable, kind, Term("date", args[0]))),))]
    elif name in CALLER or name == "resource_is":
        several = len(set(args)) > 1
        kind, value = (CONTAINS, _set(args)) if several else (EQUAL, _constant(args[0]))
        out = [Check((_query(plain, [variable], *_binary(variable, kind, value)),))]
    elif name == "resource_under":
        out = [Check(tuple(_query(plain, [variable], *ops) for ops in _under(variable, args[0])))]
    elif name == "arg_absent":
        out = [Check((_query("arg_present", [_constant(args[0])]),), REJECT_IF)]
    elif name == "args_only":
        out = [Check((_query("arg_present", [variable], *_binary(variable, CONTAINS, _set(args)), *_NOT),), REJECT_IF)]
    else:
        out = _argument(name, args)
    return [_guard(check, *when) for check in out] if when else out


def _guard(check: Check, type_: str, action: str) -> Check:
    """CK-42"""
    wanted = {"type": _constant(type_), "action": _constant(action)}
    if check.kind == REJECT_IF:
        query = check.queries[0]
        constants = tuple(Predicate(name, (value,)) for name, value in wanted.items())
        return Check((Query(query.head, constants + query.body, query.expressions),), REJECT_IF)
    variables = {name: Term("variable", name) for name in wanted}
    others = [_query(name, [variables[name]], *_binary(variables[name], UNEQUAL, value)) for name, value in wanted.items()]
    return Check((*others, *check.queries))


_PUBLIC = {"algorithm": 0}


def _fact(name: str, *values: Any) -> Predicate:
    return Predicate(name, tuple(Term({str: "string", int: "integer", bytes: "bytes"}[type(value)], value) for value in values))


def _restrictions(rows: list[dict]) -> tuple[Check, ...]:
    return tuple(check for row in rows for check in restriction(row["name"], row["args"], row.get("when")))


def _limits(claims: dict) -> list[Predicate]:
    """The facts that authority and delegation blocks have in common."""
    return [_fact(name, claims[name]) for name in ("delegation_depth",) if name in claims] + [
        _fact("budget", row["account"], row["unit"], row["amount"], row.get("window", 0)) for row in claims.get("budgets", ())]


def _known(claims: dict, names: str) -> None:
    if unknown := claims.keys() - set(names.split()):
        raise Misuse(f"unknown members: {', '.join(sorted(unknown))}")


def _finish(message: dict[str, Any]) -> str:
    """The text of a token, after it was read as a verifier would (but for its proof)."""
    text = encoding.b64u(datalog.encode("Biscuit", message))
    tokens.decode(text, request=False)
    return text


def _block(facts: Iterable[Predicate], checks: tuple[Check, ...], symbols: Symbols, secret: bytes, next_seed: bytes,
           previous: bytes | None = None, holder: bytes | None = None) -> dict[str, Any]:
    """A signed block; of a delegation where there is a holder."""
    data = write_block(tuple(facts), checks, version_of(checks, holder is not None), symbols)
    next_key = encoding.public_of(next_seed)
    external = None
    block: dict[str, Any] = {"block": data, "nextKey": _PUBLIC | {"key": next_key}, "version": 1}
    if holder is not None:
        external = encoding.sign(holder, tokens.external_payload(data, previous or b""))
        block["externalSignature"] = {"publicKey": _PUBLIC | {"key": encoding.public_of(holder)}, "signature": external}
    return block | {"signature": encoding.sign(secret, tokens.block_payload(data, next_key, previous, external))}


def mint(claims: dict, root: bytes, next_seed: bytes) -> str:
    """An open token of one block. Facts stand in the order of the table of "Authority block", the expiry is first."""
    _known(claims, """issuer user agent purpose audience issued_at expires rights delegation_depth budgets metered
        approvals grant conversation restrictions""")
    facts = [
        _fact("countersign", 1), _fact("issuer", claims["issuer"]), _fact("user", claims["user"]),
        _fact("agent", claims["agent"]["name"], parse_public(claims["agent"]["key"])), _fact("purpose", claims["purpose"]),
        _fact("audience", claims["audience"]), Predicate("issued_at", (Term("date", claims["issued_at"]),)),
        *(_fact("right", *row) for row in claims["rights"]), *_limits(claims),
        *(_fact("metered", *row) for row in claims.get("metered", ())),
        *(_fact("approval", type_, action, parse_public(key)) for type_, action, key in claims.get("approvals", ())),
        *(_fact(name, claims[name]) for name in ("grant", "conversation") if name in claims)]
    checks = (tokens.expiry(claims["expires"]), *_restrictions(claims.get("restrictions", [])))
    return _finish({"authority": _block(facts, checks, Symbols(), root, next_seed), "blocks": [], "proof": {"nextSecret": next_seed}})


def _open(text: str) -> tuple[Token, dict[str, Any]]:
    """An open token, examined as TK-16 asks."""
    token = tokens.decode(text, request=False)
    if token.next_secret is None or encoding.public_of(token.next_secret) != token.blocks[-1].next_key:
        raise Misuse("a sealed token, or one whose secret is not that of its last block")
    return token, datalog.decode("Biscuit", encoding.un_b64u(text) or b"")


def _append(text: str, facts: list[Predicate], rows: list[dict], holder: bytes | None, next_seed: bytes) -> str:
    token, message = _open(text)
    shared = [] if holder else [block.data for block in token.blocks if not block.external]
    symbols = Symbols([string for data in shared for string in datalog.decode("Block", data).symbols])
    block = _block(facts, _restrictions(rows), symbols, token.next_secret or b"", next_seed, token.blocks[-1].signature, holder)
    return _finish(message | {"blocks": [*message["blocks"], block], "proof": {"nextSecret": next_seed}})


def restrict(text: str, rows: list[dict], next_seed: bytes) -> str:
    """Appends a restriction block."""
    return _append(text, [], rows, None, next_seed)


def delegate(text: str, claims: dict, holder: bytes, next_seed: bytes) -> str:
    """Appends a delegation block, signed by the current holder."""
    _known(claims, "name key delegation_depth budgets restrictions")
    facts = [_fact("delegate", claims["name"], parse_public(claims["key"])), *_limits(claims)]
    return _append(text, facts, claims.get("restrictions", []), holder, next_seed)


def seal(text: str) -> str:
    token, message = _open(text)
    final = encoding.sign(token.next_secret or b"", tokens.final_payload(token.blocks[-1]))
    return _finish(message | {"proof": {"finalSignature": final}})


def sign(text: str, holder: bytes, request: dict, nonce: bytes) -> bytes:
    """A whole HTTP/1.1 message, in the order of the example of spec/request.md."""
    _known(request, """method target authority scheme fields uncovered body created expires content_type label token_header
        keyid""")
    body = request.get("body", "").encode()
    header = request.get("token_header", "authorization")
    fields = [("content-type", request.get("content_type", "application/json"))] if body else []
    fields.append((header, f"Countersign {text}" if header == "authorization" else text))
    fields += [(name.lower(), value) for name, value in request.get("fields", [])]
    if body:
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        fields.append(("content-digest", f"sha-256=:{digest}:"))
    made = Request(request["method"].encode(), request["target"].encode(), [(name.encode(), value.encode()) for name, value in fields])
    names = [*DERIVED, *dict.fromkeys(name for name, _ in fields)]
    covered = " ".join(f'"{name}"' for name in names)
    keyid = request.get("keyid", encoding.key_id(encoding.public_of(holder)))
    params = (f'({covered});created={request["created"]};expires={request.get("expires", request["created"] + 60)}'
              f';nonce="{encoding.b64u(nonce)}";keyid="{keyid}";tag="{TAG}"')
    authority = normalise(request["authority"].encode(), request.get("scheme", "https"))
    value = base64.b64encode(encoding.sign(holder, base(made, authority, names, params))).decode()
    label = request.get("label", "countersign")
    fields = [("host", request["authority"]), *fields, *request.get("uncovered", []),
              ("signature-input", f"{label}={params}"), ("signature", f"{label}=:{value}:")]
    if body:
        fields.append(("content-length", str(len(body))))
    head = f"{request['method']} {request['target']} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in fields)
    return head.encode() + b"\r\n" + body


def sign_message(text: str, holder: bytes, message: dict, envelope: dict, nonce: bytes, spell: Callable[[dict], str]) -> str:
    """A JSON-RPC message with an envelope; `spell` writes it. `envelope` has `service`, `created`, and if wanted `expires`, `keyid`."""
    keyid = encoding.key_id(encoding.public_of(holder))
    made = {"v": 1, "token": text, "nonce": encoding.b64u(nonce), "sig": "", "keyid": keyid, "expires": envelope["created"] + 60} | envelope
    params = message.get("params", {})
    whole = message | {"params": params | {"_meta": params.get("_meta", {}) | {rpc.ENVELOPE: made}}}
    made["sig"] = encoding.b64u(encoding.sign(holder, rpc.signed_bytes(jsontext.parse(spell(whole).encode()))))
    return spell(whole)


def approve(digest: bytes, approver: bytes, created: int, expires: int, identifier: bytes) -> str:
    """One approval of the field `Countersign-Approval`."""
    payload = jsontext.jcs({"approver": encoding.key_id(encoding.public_of(approver)), "created": created,
                            "expires": expires, "digest": encoding.b64u(digest), "id": encoding.b64u(identifier)})
    return f"{encoding.b64u(payload)}.{encoding.b64u(encoding.sign(approver, APPROVAL + payload))}"


def show(text: str) -> str:
    """The content of a token, open or sealed, as JSON."""
    token = tokens.decode(text, request=False)
    blocks = [{"id": block.id, "version": block.block.version, "external_key": block.external[0] if block.external else None,
               "facts": [{fact.name: [term.value for term in fact.terms]} for fact in block.block.facts],
               "checks": [asdict(check) for check in block.block.checks]} for block in token.blocks]
    holders = [holder._asdict() | {"key_id": holder.key_id} for holder in token.holders]
    said = {"sealed": token.next_secret is None, "expires": encoding.rfc3339(token.effective_expiry), "holders": holders, "blocks": blocks}
    return json.dumps(said, indent=2, ensure_ascii=False, default=bytes.hex)
