"""Makes vectors of chance content, the same for the same seed ("make" of README.md). Their keys are public."""

import copy
import json
import os.path
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

from . import build, encoding
from .build import CALLER
from .charges import costs_of
from .checks import Facts
from .token import MAX_TEXT
from .vectors import Session
from .verifier import Decision, Trace

NOW = 1795453200
_WORDS = ("alpha", "b", "Zürich", "日本語", "😀 ok", "e\u0301té", "\u00e9té", 'say "hi"', "back\\slash", "a/b~c", "tab\there", "line\nfeed",
          "", "x" * 70, "null", "0", "%41", "\u0000", "\ufffd", "read", "time", "query", "{}", "ǅ", "\u2028")
_PARTS = ("docs", "q3", "report.md", "a-b_c~d", "!$&'()*+,=:@", "v1", "Calendars", "primary", quote("café"), "a%20b", quote("日本"))
_LABELS = ("example", "api", "xn--bcher-kva", "a1", "Files", "under_score")
_NUMBERS = ("1.50", "-0.0", "100.0", "1e2", "2E-1", "12.34", "1234567890123.45", "90071992547409.91", "7")


class Dice(random.Random):
    def odds(self, share: float) -> bool:
        return self.random() < share

    def some(self, values: Any, least: int, most: int) -> list:
        values = list(values)
        return self.sample(values, min(len(values), self.randint(least, most)))

    def text(self) -> str:
        return " ".join(self.some(_WORDS, 1, 2))

    def path(self) -> str:
        return "/" + "/".join(self.some(_PARTS, 1, 4)) + self.choice(("", "", "/"))

    def url(self) -> str:
        host = self.choice((".".join(self.some(_LABELS, 1, 3)), "192.0.2.7", "[2001:db8::1]"))
        return self.choice(("https://", "HTTP://")) + host + self.choice(("", ":8443", ":")) + self.choice(("", "?q=1", self.path()))

    def scalar(self) -> Any:
        return self.choice((self.text(), self.text(), self.randint(-9, 99), self.randint(-encoding.MAX_SAFE, encoding.MAX_SAFE), self.odds(0.5)))

    def number(self) -> str:
        """The spelling of a number, for `spelling`."""
        return f"#{self.choice(_NUMBERS)}#"

    def value(self, depth: int = 0) -> Any:
        roll = self.random()
        if depth < 3 and roll < 0.12:
            return {self.text(): self.value(depth + 1) for _ in range(self.randint(0, 3))}
        if depth < 3 and roll < 0.24:
            return [self.value(depth + 1) if self.odds(0.1) else self.scalar() for _ in range(self.randint(0, 4))]
        return None if roll < 0.27 else self.number() if roll < 0.35 else self.scalar()

    def spelling(self) -> Callable[[Any], str]:
        """A way to write JSON: spaces, escapes, and numbers as `number` gives them."""
        style: dict = {"ensure_ascii": self.odds(0.3), "indent": self.choice((None, None, 1)), "separators": self.choice((None, (",", ":")))}
        return lambda value: re.sub(r'"#([-0-9.eE]+)#"', r"\1", json.dumps(value, **style))


def key(name: str) -> bytes:
    return encoding.sha256(f"countersign test key: {name}".encode())


def public(name: str) -> str:
    return encoding.public_text(encoding.public_of(key(name)))


def key_id(name: str) -> str:
    return encoding.key_id(encoding.public_of(key(name)))


@dataclass
class Plan:
    """All that a vector is made from. Holders and approvers are names of keys."""

    name: str
    input: dict
    claims: dict
    spell: Callable[[Any], str]
    request: dict | None = None  # of build.sign
    message: dict | None = None  # of build.sign_message, which is the body where there is a request
    enveloped: bool = False
    service: str = ""
    steps: list[tuple[str, Any]] = field(default_factory=list)  # a holder and claims, or "" and the rows of a restriction
    root: str = ""
    signer: str = ""
    approvers: list[str] = field(default_factory=list)
    approved: tuple[int, int] = (NOW - 5, NOW + 300)
    late: list[tuple[str, str]] = field(default_factory=list)  # fields that come after the approval
    proof: dict = field(default_factory=lambda: {"created": NOW - 1})
    sealed: bool = True
    alter: Callable[[bytes], bytes] = bytes
    turns: int = 1  # messages with the same stores, of which the last one is judged
    again: bool = False  # with one nonce

    def fresh(self, *what: Any) -> bytes:
        """Bytes that no other place has."""
        return key("/".join(map(str, (self.name, *what))))

    @property
    def holders(self) -> list[str]:
        return [self.name + "/0"] + [holder for holder, _ in self.steps if holder]

    def token(self) -> str:
        text, current = build.mint(self.claims, key(self.root or self.name + "/root"), self.fresh("next")), self.holders[0]
        for number, (holder, content) in enumerate(self.steps):
            if holder:
                text = build.delegate(text, content, key(current), self.fresh("next", number))
            else:
                text = build.restrict(text, content, self.fresh("next", number))
            current = holder or current
        return build.seal(text) if self.sealed else text

    def sent(self, turn: int, token: str, fields: list[tuple[str, str]]) -> dict:
        """A signed message or request; `fields` are those that an approval brings."""
        signer, nonce = key(self.signer or self.holders[-1]), self.fresh("nonce", 0 if self.again else turn)[:16]
        text = ""
        if self.message is not None:
            text = self.spell(self.message)
            if self.enveloped:
                envelope, inner = {"service": self.service} | self.proof, nonce if self.request is None else nonce[::-1]
                text = build.sign_message(token, signer, self.message, envelope, inner, self.spell)
        if self.request is None:
            return {"message_b64u": encoding.b64u(self.alter(text.encode()))}
        request = self.request | self.proof | ({"body": text} if text else {}) | {"fields": [*self.request["fields"], *fields]}
        return {"request_b64u": encoding.b64u(self.alter(build.sign(token, signer, request, nonce)))}

    def approval(self, turn: int, token: str) -> list[tuple[str, str]]:
        """What the approvers give when a verifier has told them the digest."""
        trace = self.trace(token)
        given = [build.approve(trace.digest if trace else b"", key(name), *self.approved, self.fresh(name, turn)[:16]) for name in self.approvers]
        return [*self.late, ("Countersign-Approval", ", ".join(given))]

    def trace(self, token: str) -> Trace | None:
        session = Session(self.input)
        session.send(self.sent(0, token, []))
        return session.verifier.trace

    def made(self) -> tuple[dict, Decision]:
        """The input of the vector, and the decision."""
        token = self.token()
        messages = [self.sent(turn, token, self.approval(turn, token) if self.approvers else []) for turn in range(self.turns)]
        session = Session(self.input)
        decisions = [session.send(sent) for sent in messages]
        rpc = "mcp" in self.input
        *before, last = messages if rpc else [sent["request_b64u"] for sent in messages]
        return self.input | {"sent" if rpc else "request_b64u": last} | ({"before": before} if before else {}), decisions[-1]


# What is asked for

def _base(dice: Dice, name: str) -> Plan:
    """Who and where: the configuration and the claims, without an operation."""
    scheme, host = dice.choice(("https", "https", "http")), ".".join(dice.some(("a", "calendar", "example", "test"), 2, 3))
    audiences = [f"{scheme}://{host}{path}" for path in ("", *dice.some(("/docs", "/docs/q3", "/mcp", "/Calendars/"), 0, 3))]
    issuer = dice.choice(("https://hub.example", "https://büro.example/aussteller", "issuer"))
    keys = [public(name + "/root"), *(public(f"{name}/{other}") for other in dice.some(("root-2", "root-3"), 0, 2))]
    issuers = [{"issuer": issuer, "keys": dice.sample(keys, len(keys))}, {"issuer": "https://other.example", "keys": [public(name + "/root-4")]}]
    config = {"audience": dice.sample(audiences, len(audiences)), "authorities": [host, f"{host}:8443"], "issuers": dice.some(issuers, 2, 2)}
    claims = {"issuer": issuer, "user": dice.text() or "u", "agent": {"name": dice.text(), "key": public(name + "/0")}, "purpose": dice.text(),
              "issued_at": NOW - dice.randint(-30, 9999), "expires": NOW + dice.randint(0, 99999), "rights": [["other", "/", "other"]]}
    claims |= {optional: dice.text() for optional in dice.some(("grant", "conversation"), 0, 2)}
    return Plan(name, {"config": config, "now": NOW}, claims, dice.spelling())


def _requested(dice: Dice, plan: Plan, method: str, path: str) -> dict:
    """An HTTP request."""
    authority = dice.choice(plan.input["config"]["authorities"])
    words = ("to=" + quote(dice.text()), "q=" + quote_plus(dice.text()), "flag", "n=1", "n=1", "n=2", "=x", "a=b=c", "")
    query = "&".join(dice.some(words, 1, 4))
    fields = [("Idempotency-Key", "k1"), ("X-Trace", "a"), ("X-Trace", "b, c"), ("Cookie", "s=1"), ("Accept", "*/*"), ("X-Empty", "")]
    header = dice.choice(("authorization", "countersign-token"))
    if header == "countersign-token":
        fields.append(("Authorization", "Bearer other"))
    return {
        "method": method, "target": path + ("?" + query if dice.odds(0.5) and query else ""), "token_header": header,
        "scheme": plan.input["config"]["audience"][0].partition(":")[0], "authority": authority.upper() if dice.odds(0.2) else authority,
        "fields": dice.some(fields, 0, 3), "label": dice.choice(("countersign", "sig1", "*a.b-c_d")),
        "uncovered": dice.some((("user-agent", "made/1"), ("x-not-signed", "1"), ("date", "today")), 0, 2)}


def http(dice: Dice, name: str) -> Plan:
    """A request that an operation table, or the default mapping, maps."""
    plan = _base(dice, name)
    method, path = dice.choice(("GET", "POST", "PUT", "DELETE", "PATCH", "get")), dice.path()
    plan.request = _requested(dice, plan, method, path)
    members = {word: dice.value() for word in dice.some(_WORDS, 0, 6)}
    special = {"url": [dice.url(), dice.url()], "file": [dice.path(), "rel/" + dice.text()], "amount": [dice.number(), dice.randint(0, 999)]}
    members |= {word: dice.choice([*special[word], special[word]]) for word in dice.some(special, 0, 3)}
    if dice.odds(0.7):
        body = dict(dice.sample(list(members.items()), len(members)))
        plan.request["body"] = plan.spell(body if dice.odds(0.9) else [body])
        plan.request["content_type"] = dice.choice(("application/json", "Application/JSON; charset=UTF-8", "application/a+json", "text/plain"))
    if dice.odds(0.7):
        names = ["/" + word.replace("~", "~0").replace("/", "~1") for word in members if word != "file"]
        plan.input["config"]["operations"] = _table(dice, method, path, names)
    return plan


def _table(dice: Dice, method: str, path: str, names: list[str]) -> list[dict]:
    """Entries, of which one fits: the last but those that come too late."""
    segments = path.split("/")
    named = [at for at, segment in enumerate(segments) if segment and dice.odds(0.4)]
    inner = "".join(f"/{{p_{at}}}" for at in named)
    names += [f"path.p_{at}" for at in named] + ["query.n", "/absent"]
    row: dict = {
        "method": method, "path": "/".join(f"{{p_{at}}}" if at in named else segment for at, segment in enumerate(segments)),
        "type": dice.choice(("calendar", "email", "datei-ä")), "action": dice.choice(("read", "send", "löschen")),
        "resource": dice.choice(("/box" + inner, "name" + inner, "/fixed/place/"))}
    optional = {
        "urls": list({"/url": 0, dice.choice(names): 0}), "paths": ["/file"], "scales": {"/amount": dice.choice((0, 1, 2, 15))},
        "tool": dice.text(), "read_body": dice.odds(0.8), "cost": {"calls": 1, "cents": dice.choice((0, 7, 250)), "of": "/amount"}}
    row |= {member: optional[member] for member in dice.some(optional, 0, 6)}
    return dice.choice(([row | {"method": "OTHER"}, row], [row, row | {"type": "late"}]))


def mcp(dice: Dice, name: str) -> Plan:
    """A JSON-RPC message, alone or in an HTTP request, there with or without an envelope."""
    plan = _base(dice, name)
    plan.input["mcp"] = {"server": dice.choice(("calendar", "caf%C3%A9", "s-1")), "path": "/mcp"}
    method = dice.choice(("tools/call", "tools/call", "tools/call", "prompts/get", "resources/read", "ping", "tools/list"))
    version = ("io.modelcontextprotocol/protocolVersion", "2025-06-18")
    meta = dict(dice.some((version, ("progressToken", 3), ("traceparent", "00-a-b-01"), ("x", dice.value())), 0, 3))
    params: dict = {"_meta": meta} if meta or dice.odds(0.5) else {}
    if method == "resources/read":
        uri = dice.choice(("file", "memo", "a+b.c-1")) + "://" + dice.choice(("", "wiki.example", "h_1:80"))
        params["uri"] = uri + (dice.path() if dice.odds(0.8) else "")
    elif method in ("tools/call", "prompts/get"):
        params["name"] = dice.choice(("list_events", "send", quote("größe"), "a:b"))
        if dice.odds(0.9):
            params["arguments"] = {dice.text(): dice.value() for _ in range(dice.randint(0, 5))}
    plan.message = {"jsonrpc": "2.0", "method": method} | dict(dice.some([("id", dice.choice((7, "id-é", -1, encoding.MAX_SAFE)))], 0, 1))
    if params or dice.odds(0.5):
        plan.message["params"] = params
    plan.enveloped = True
    if dice.odds(0.5):
        plan.request = _requested(dice, plan, "POST", "/mcp")
        plan.enveloped = dice.odds(0.5)
        plan.input["mcp"] |= {"envelope": True} if plan.enveloped else {}
        named = [("Mcp-Name", params[member]) for member in ("uri", "name") if member in params]
        plan.request["fields"] += dice.some([("Mcp-Method", method), ("Mcp-Session-Id", "s1"), *named], 0, 3)
        plan.request["content_type"] = dice.choice(("application/json", "application/json;charset=utf-8"))
    return plan


# What the token says of it

def ancestor(dice: Dice, location: str) -> str:
    """The location itself or one above it."""
    segments = location.split("/")
    bare = "/".join(segments[:dice.randint(1, len(segments))])
    return bare if bare == location else bare + dice.choice(("", "/")) if bare else "/"


def holding(dice: Dice, facts: Facts) -> list[tuple[str, list]]:
    """Typed restrictions that the operation passes, of each kind that speaks of something that is there."""
    plain, arguments = {name: row[0].value for name, row in facts.plain.items()}, facts.arguments
    rows: list[tuple[str, list]] = [("expires_by", [NOW + dice.randint(0, 9999)]), ("not_before", [NOW - dice.randint(0, 9999)]),
                                    ("resource_is", [plain["resource"]]), ("resource_under", [ancestor(dice, plain["resource"])])]
    rows += [(plural, _beside(dice, [plain[name]])) for plural, name in CALLER.items() if name in plain]
    if not arguments.extracted:
        return rows
    for name, terms in arguments.values.items():
        values, kinds = [term.value for term in terms], {term.kind for term in terms}
        if name in arguments.poisoned["arg"] or len(kinds) > 1:
            continue
        rows.append(("arg_in", [name, *_beside(dice, values)]))
        if len(set(values)) == 1:
            rows.append(("arg_is", [name, values[0]]))
        if kinds == {"string"}:
            rows += [("arg_starts_with", [name, os.path.commonprefix(values)]),
                     ("arg_ends_with", [name, os.path.commonprefix([value[::-1] for value in values])[::-1]])]
        if kinds == {"integer"}:
            rows += [("arg_at_most", [name, max(values) + dice.randint(0, 9)]), ("arg_at_least", [name, min(values) - dice.randint(0, 9)])]
        hosts, paths = ([row[1].value for row in arguments.offered(derived, name) or () if row[0].value == name]
                        for derived in ("arg_host", "arg_path"))
        if hosts:
            rows.append(("arg_host_in", [name, *_beside(dice, hosts)]))
        if len(paths) == 1:
            rows.append(("arg_under", [name, ancestor(dice, paths[0])]))
    rows.append(("arg_absent", ["/not there"]))
    if not arguments.poisoned["arg_present"]:
        rows.append(("args_only", _beside(dice, [row[0].value for row in arguments.facts["arg_present"]] or ["/none"])))
    return rows


def _beside(dice: Dice, values: list) -> list:
    """Values of one kind, with others beside them."""
    others = {str: [dice.text() for _ in range(3)], bool: [True, False], int: [1, -5, 2**40]}[type(values[0])]
    out = list(dict.fromkeys([*values, *dice.some(others, 0, 3)]))
    return dice.sample(out, len(out))


def narrowing(dice: Dice, facts: Facts, least: int) -> list[dict]:
    """Restrictions that hold; where a guard speaks of another operation anything does."""
    here = [facts.plain[name][0].value for name in ("type", "action")]
    strange = [("arg_is", [name, "never"]) for name in (*facts.arguments.values, "/absent")] + [
        ("resource_under", ["/never"]), ("methods", ["NONE", "NEVER"]), ("arg_absent", ["/x"]), ("args_only", ["/x", "query.y"])]
    rows = holding(dice, facts)
    out = []
    for _ in range(dice.randint(least, 5)):
        elsewhere = dice.odds(0.2)
        name, args = dice.choice(strange if elsewhere else rows)
        guard = dice.choice(([here[0], "another"], ["another", here[1]])) if elsewhere else here if dice.odds(0.2) else None
        out.append({"name": name, "args": args} | ({"when": guard} if guard else {}))
    return out


def grant(dice: Dice, plan: Plan, trace: Trace) -> None:
    """Rights, delegations, restrictions, budgets and approvals that let the operation through."""
    claims, facts = plan.claims, trace.facts
    type_, resource, action = (facts.plain[name][0].value for name in ("type", "resource", "action"))
    rights = [(type_, ancestor(dice, resource), action)]
    rights += [(dice.choice((type_, "mail")), dice.path(), dice.choice((action, "other"))) for _ in range(dice.randint(0, 5))]
    claims["rights"] = dice.sample(unique := list(dict.fromkeys(rights)), len(unique))
    costs = [(unit, amount) for unit, amount in costs_of(trace.asked.operation, facts.arguments).items() if amount is not None]
    plan.turns = dice.choice((1, 1, 1, 2))

    def content() -> dict:
        budgets = [{"account": dice.choice(("daily", "ab")), "unit": unit, "amount": max(1, amount * plan.turns + dice.randint(0, 1)),
                    "window": dice.choice((0, 60, 86400))} for unit, amount in dice.some(costs, 0, 2)]
        return {"restrictions": narrowing(dice, facts, 0), "budgets": budgets if dice.odds(0.4) else []}

    claims |= content()
    if claims["budgets"]:
        claims["budgets"].append({"account": "apart", "unit": "never", "amount": 1})
        claims["metered"] = [["apart", type_, "other"]]
    if plan.request and dice.odds(0.4):
        plan.approvers = [f"{plan.name}/approver-{number}" for number in range(dice.randint(1, 2))]
        claims["approvals"] = [[type_, action, public(name)] for name in plan.approvers] + [[type_, "other", public("approver")]]
    depth = dice.randint(0, 4)
    claims |= {"delegation_depth": dice.randint(depth, 6)} if depth else {}
    for number in range(1, depth + 1):
        plan.steps += dice.some([("", narrowing(dice, facts, 1))], 0, 1)
        holder = f"{plan.name}/{number}"
        left = {"delegation_depth": depth - number} if number < depth else {}
        plan.steps.append((holder, content() | left | {"name": dice.text(), "key": public(holder)}))
    plan.steps += dice.some([("", narrowing(dice, facts, 1))], 0, 1)
    lists = [claims["restrictions"]] + [content["restrictions"] if holder else content for holder, content in plan.steps]
    while len(plan.token()) > MAX_TEXT - 600:  # what a fault may add
        longest = max(lists, key=lambda rows: len(json.dumps(rows)))
        longest[:] = longest[1:] or [{"name": "not_before", "args": [0]}]


# Faults

def _altered(pattern: bytes, by: bytes) -> Callable[[bytes], bytes]:
    return lambda sent: re.sub(pattern, by, sent, count=1)


def _flipped(plan: Plan) -> None:
    start = rb"(\r\nsignature: [^=]+=:)" if plan.request else rb'("sig":\s*")'
    plan.alter = lambda sent: re.sub(start + b"(.)", lambda found: found[1] + (b"A" if found[2] != b"A" else b"B"), sent, count=1)


def _stranger(plan: Plan) -> None:
    plan.proof["keyid"] = key_id(plan.holders[-1])
    plan.signer = "stranger"


def _extended(plan: Plan) -> None:
    mark = rb"\1&z=1 HTTP" if plan.request and "?" in plan.request["target"] else rb"\1?z=1 HTTP"
    plan.alter = _altered(rb"\A(\S+ \S+) HTTP", mark) if plan.request else _altered(rb'("params":\s*\{)', rb'\1"z": [],')


def _claim(**claims: Any) -> Callable[[Plan], None]:
    return lambda plan: plan.claims.update(claims)


def _put(**members: Any) -> Callable[[Plan], None]:
    return lambda plan: plan.__dict__.update(copy.deepcopy(members))


def _narrowed(name: str, *args: Any) -> Callable[[Plan], None]:
    return lambda plan: plan.steps.append(("", [{"name": name, "args": list(args)}]))


def _revoked(what: str) -> Callable[[Plan], None]:
    def fault(plan: Plan) -> None:
        plan.claims |= {"grant": "given", "conversation": "talk"}
        owner = {name: plan.claims[name] for name in ("issuer", "user")}
        rows: dict[str, Any] = {
            "holders": key_id(plan.name + "/0"), "users": owner | {"before": plan.claims["issued_at"]},
            "grants": {"issuer": owner["issuer"], "grant": "given"}, "conversations": owner | {"conversation": "talk"},
            "issuer_keys": public(plan.name + "/root")}
        plan.input["revoked"] = {what: [rows[what]]}
    return fault


def _acts(plan: Plan) -> bool:
    return plan.message is None or plan.message["method"] not in ("ping", "tools/list")


_FAULTS: list[tuple] = [  # name, comment, code, requirements, what is changed, and where it fits: everywhere if there is nothing
    ("flipped", "a character of its signature is another", "signature_invalid", "RQ-48 JR-14", _flipped),
    ("stranger", "signed by a stranger's key", "signature_invalid", "VF-18", _stranger),
    ("stranger-named", "signed by a stranger's key, and named so", "key_mismatch", "RQ-45 JR-13", _put(signer="stranger")),
    ("extended", "a part that is signed is longer", "signature_invalid", "RQ-46 JR-14", _extended,
          lambda plan: plan.request or "params" in (plan.message or ())),
    ("body", "the body ends in another byte", "digest_mismatch", "RQ-49 VF-1", _put(alter=_altered(rb".\Z", b" ")),
          lambda plan: plan.request and (plan.message or plan.request.get("body"))),
    ("uncovered", "a protected field comes beside", "header_uncovered", "RQ-36 VF-1",
          _put(alter=_altered(rb"\r\n", b"\r\nMcp-Beside: 1\r\n")), lambda plan: plan.request),
    ("late", "signed too long ago", "window_invalid", "RQ-44 JR-11", _put(proof={"created": NOW - 99, "expires": NOW - 31})),
    ("long", "signed for too long", "window_invalid", "RQ-44 JR-11", _put(proof={"created": NOW, "expires": NOW + 301})),
    ("open", "the token is not sealed", "token_unsealed", "TK-15 VF-1", _put(sealed=False)),
    ("root", "the token is signed by no key of the issuer", "token_signature", "VF-17", _put(root="stranger")),
    ("issuer", "the token is of another issuer", "issuer_unknown", "VF-5", _claim(issuer="https://nobody.example")),
    ("audience", "the token is for another service", "audience_mismatch", "VF-7", _claim(audience="https://elsewhere.example")),
    ("expired", "the token has expired", "token_expired", "VF-9", _claim(expires=NOW - 1)),
    ("future", "the token is of the future", "token_not_yet_valid", "VF-8", _claim(issued_at=NOW + 31)),
    ("ended", "narrowed to a time that is over", "token_expired", "VF-9 TK-35", _narrowed("expires_by", NOW - 1)),
    ("replayed", "with the nonce of another", "replayed", "VF-19", _put(again=True, turns=2)),
    ("right", "no right covers it", "right_missing", "VF-29", _claim(rights=[["other", "/", "other"]]), _acts),
    ("unnamed", "a budget counts what the operation does not name", "budget_exceeded", "VF-34",
          _claim(budgets=[{"account": "more", "unit": "unnamed", "amount": 1}]), _acts),
    ("unapproved", "the approval is missing", "approval_required", "VF-32", _put(approvers=[]), lambda plan: plan.approvers),
    ("approved-by-another", "approved by another", "approval_required", "VF-32", _put(approvers=["stranger"]), lambda plan: plan.approvers),
    ("approval-ended", "the approval is over", "approval_invalid", "RQ-58 VF-32", _put(approved=(NOW - 60, NOW - 1)), lambda plan: plan.approvers),
    ("approval-before", "a field came after the approval", "approval_invalid", "VF-44", _put(late=[("X-Late", "1")]), lambda plan: plan.approvers),
]
_FAULTS += [(f"revoked-{number}", f"revoked by {what}", code, f"VF-{number}", _revoked(what)) for number, what, code in (
    (12, "holders", "token_revoked"), (13, "users", "token_revoked"), (14, "grants", "token_revoked"),
    (15, "conversations", "conversation_ended"), (16, "issuer_keys", "token_signature"))]
_FAULTS += [
    ("narrowed-" + name.replace("_", "-"), f"narrowed by {name} to something else", "check_failed", "CK-22 VF-31", _narrowed(name, *args), _acts)
    for name, *args in (("types", "x"), ("actions", "x", "y"), ("resource_under", "/nowhere"), ("users", "x"), ("not_before", NOW + 1),
                        ("bindings", "dpop"), ("purposes", "\u0000"))]


def _vector(plan: Plan, name: str, req: str, comment: str, code: str | None, flags: list[str]) -> dict:
    input_, decision = plan.made()
    if decision["code"] != code:
        raise AssertionError(f"{name}: {decision} for {code}")
    said = ("issuer", "user", "agents", "purpose", "expires", "binding", "right") if code is None else ()
    expect = {"result": decision["decision"]} | {member: decision[member] for member in ("stage", "code", *said)}
    if expect.get("right", "") is None:
        del expect["right"]
    ids = [one for one in req.split() if one.startswith("VF-") or one.startswith("JR-") == ("mcp" in input_)]
    return {"id": name, "req": ids, "flags": flags, "comment": comment, "input": input_, "expect": expect}


def _made(seed: int, number: int) -> list[dict]:
    """A vector that is allowed, and for each third one its twin."""
    dice = Dice(f"{seed}/{number}")
    plan = (mcp if dice.odds(0.35) else http)(dice, f"make {seed} {number}")
    config = Session(plan.input).verifier.config
    plan.service = config.service(plan.request["target"].partition("?")[0]) if plan.request else dice.choice(config.audiences)
    plan.claims["audience"] = plan.service
    if trace := plan.trace(plan.token()):
        grant(dice, plan, trace)
    name = f"{'jsonrpc' if plan.message else 'verify'}/made-{seed}-{number}"
    out = [_vector(plan, name, "VF-36", "allowed", None, [])]
    if number % 3 == 0:
        fault, comment, code, req, change, *_ = dice.choice([row for row in _FAULTS if all(fits(plan) for fits in row[5:])])
        plan.turns = 1
        change(plan)
        out.append(_vector(plan, f"{name}-{fault}", req, comment, code, ["twin:" + name]))
    return out


def make(seed: int, count: int, out: Path) -> None:
    """Writes a file of vectors in each of the folders `verify` and `jsonrpc` that has some."""
    vectors = [vector for number in range(count) for vector in _made(seed, number)]
    for folder in ("verify", "jsonrpc"):
        if made := [vector for vector in vectors if vector["id"].startswith(folder)]:
            (out / folder).mkdir(parents=True, exist_ok=True)
            text = json.dumps({"comment": f"made with seed {seed}", "vectors": made}, ensure_ascii=False, indent=1)
            (out / folder / "made.json").write_text(text + "\n")
