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
from .charges import costs_of
from .evaluate import Facts
from .restrictions import CALLER
from .token import MAX_TEXT
from .vectors import Session
from .verifier import Decision

NOW = 1795453200
_WORDS = ("alpha", "b", "Zürich", "日本語", "😀 ok", "e\u0301té", "\u00e9té", 'say "hi"', "back\\slash", "a/b~c", "tab\there",
          "line\nfeed", "", "x" * 70, "null", "0", "%41", "\u0000", "\ufffd", "read", "time", "query", "{}", "ǅ", "\u2028")
_PARTS = ("docs", "q3", "report.md", "a-b_c~d", "!$&'()*+,=:@", "v1", "Calendars", "primary", quote("café"), "a%20b", quote("日本"))
_LABELS = ("example", "api", "xn--bcher-kva", "a1", "Files", "under_score")


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
        return self.choice((self.text(), self.text(), self.randint(-9, 99), self.randint(-2**53 + 1, 2**53 - 1), self.odds(0.5)))

    def number(self) -> str:
        """The spelling of a number; see `spell`."""
        return "#" + self.choice(("1.50", "-0.0", "100.0", "1e2", "2E-1", "12.34", "1234567890123.45", "90071992547409.91", "7")) + "#"

    def value(self, depth: int = 0) -> Any:
        roll = self.random()
        if depth < 3 and roll < 0.12:
            return {self.text(): self.value(depth + 1) for _ in range(self.randint(0, 3))}
        if depth < 3 and roll < 0.24:
            return [self.value(depth + 1) if self.odds(0.1) else self.scalar() for _ in range(self.randint(0, 4))]
        return None if roll < 0.27 else self.number() if roll < 0.35 else self.scalar()


def spell(dice: Dice) -> Callable[[Any], str]:
    """A way to write JSON: spaces, escapes, and numbers as `number` gives them."""
    style: dict = {"ensure_ascii": dice.odds(0.3), "indent": dice.choice((None, None, 1)), "separators": dice.choice((None, (",", ":")))}
    return lambda value: re.sub(r'"#([-0-9.eE]+)#"', r"\1", json.dumps(value, **style))


def key(name: str) -> bytes:
    return encoding.sha256(f"countersign test key: {name}".encode())


def public(name: str) -> str:
    return encoding.public_text(encoding.public_of(key(name)))


@dataclass
class Plan:
    """All that a vector is made from. Holders and approvers are names of keys."""

    name: str
    input: dict
    claims: dict
    request: dict | None = None  # of build.sign
    message: dict | None = None  # of build.sign_message, which is the body where there is a request
    enveloped: bool = False
    steps: list[tuple[str, Any]] = field(default_factory=list)  # "restrict" and rows, or "delegate" and claims
    root: str = ""
    signer: str = ""
    approvers: list[str] = field(default_factory=list)
    approved: dict = field(default_factory=lambda: {"created": NOW - 5, "expires": NOW + 300})
    proof: dict = field(default_factory=lambda: {"created": NOW - 1})
    sealed: bool = True
    spell: Callable[[Any], str] = json.dumps
    alter: Callable[[bytes], bytes] = bytes
    turns: int = 1  # messages with the same stores, of which the last one is judged
    again: bool = False  # the last message is sent twice
    late: list[tuple[str, str]] = field(default_factory=list)  # fields that come after the approval

    def fresh(self, *what: Any) -> bytes:
        """Bytes that no other place has."""
        return key("/".join(map(str, (self.name, *what))))

    def token(self) -> str:
        text, holder = build.mint(self.claims, key(self.root or self.name + "/root"), self.fresh("next")), self.name + "/0"
        for number, (kind, content) in enumerate(self.steps):
            if kind == "restrict":
                text = build.restrict(text, content, self.fresh("next", number))
            else:
                text = build.delegate(text, content["claims"], key(holder), self.fresh("next", number))
                holder = content["holder"]
        return build.seal(text) if self.sealed else text

    @property
    def holder(self) -> str:
        return ([self.name + "/0"] + [content["holder"] for kind, content in self.steps if kind == "delegate"])[-1]

    def sent(self, turn: int, token: str, approval: str | None = None) -> dict:
        signer, nonce = key(self.signer or self.holder), self.fresh("nonce", turn)[:16]
        text = ""
        if self.message is not None:
            text = self.spell(self.message)
            if self.enveloped:
                service = self.input["service"]
                text = build.sign_message(token, signer, self.message, {"service": service} | self.proof,
                                          self.fresh("inner", turn)[:20], self.spell)
        if self.request is None:
            return {"message_b64u": encoding.b64u(self.alter(text.encode()))}
        request = self.request | self.proof | ({"body": text} if text else {})
        if approval:
            request["fields"] = [*request["fields"], *self.late, ("Countersign-Approval", approval)]
        return {"request_b64u": encoding.b64u(self.alter(build.sign(token, signer, request, nonce)))}

    def approval(self, session: Session, sent: dict, turn: int) -> str:
        """What the approvers give when the verifier has told them what is asked for."""
        session.send(sent)
        trace = session.verifier.trace
        digest = trace.digest if trace and trace.digest else bytes(32)
        return ", ".join(build.approve(digest, key(name), self.approved["created"], self.approved["expires"],
                                       self.fresh("approval", name, turn)[:16]) for name in self.approvers)

    def made(self) -> tuple[dict, Decision]:
        """The input of the vector, and the decision."""
        given = {name: value for name, value in self.input.items() if name != "service"}
        token = self.token()
        messages = []
        for turn in range(self.turns):
            sent = self.sent(turn, token)
            if self.approvers:
                sent = self.sent(turn, token, self.approval(_session(given), sent, turn))
            messages.append(sent)
        messages += messages[-1:] if self.again else []
        session = _session(given)
        decisions = [session.send(sent) for sent in messages]
        if "mcp" not in given:
            messages = [sent["request_b64u"] for sent in messages]
        before = {"before": messages[:-1]} if messages[1:] else {}
        return given | {"sent" if "mcp" in given else "request_b64u": messages[-1]} | before, decisions[-1]


def _session(given: dict) -> Session:
    return Session(given)


# What is asked for

def _base(dice: Dice, name: str) -> Plan:
    """Who and where: the configuration and the claims, without an operation."""
    scheme, host = dice.choice(("https", "https", "http")), ".".join(dice.some(("a", "calendar", "example", "test"), 2, 3))
    audiences = [f"{scheme}://{host}{path}" for path in ("", *dice.some(("/docs", "/docs/q3", "/mcp", "/Calendars/"), 0, 3))]
    issuer = dice.choice(("https://hub.example", "https://büro.example/aussteller", "issuer"))
    others = [{"issuer": "https://other.example", "keys": [public(name + "/root-4")]}] if dice.odds(0.3) else []
    keys = [public(f"{name}/{other}") for other in dice.some(("root-2", "root-3"), 0, 2)]
    issuers = [{"issuer": issuer, "keys": dice.sample([public(name + "/root"), *keys], 1 + len(keys))}, *others]
    config = {"audience": dice.sample(audiences, len(audiences)), "authorities": dice.some((host, f"{host}:8443"), 2, 2),
              "issuers": issuers}
    claims = {"issuer": issuer, "user": dice.text() or "u", "agent": {"name": dice.text(), "key": public(name + "/0")},
              "purpose": dice.text(), "issued_at": NOW - dice.randint(-30, 9999), "expires": NOW + dice.randint(0, 99999)}
    for optional in ("grant", "conversation"):
        if dice.odds(0.2):
            claims[optional] = dice.text()
    return Plan(name, {"config": config, "now": NOW, "service": ""}, claims, spell=spell(dice))


def _requested(dice: Dice, plan: Plan, method: str, path: str) -> None:
    """An HTTP request."""
    authority = dice.choice(plan.input["config"]["authorities"])
    scheme = plan.input["config"]["audience"][0].partition(":")[0]
    query = "&".join(dice.some(("to=" + quote(dice.text()), "q=" + quote_plus(dice.text()), "flag", "n=1", "n=1", "n=2", "=x", "a=b=c", ""), 1, 4))
    fields = [("Idempotency-Key", "k1"), ("X-Trace", "a"), ("X-Trace", "b, c"), ("Cookie", "s=1"), ("Accept", "*/*"), ("X-Empty", "")]
    plan.request = {
        "method": method, "target": path + ("?" + query if dice.odds(0.5) and query else ""), "scheme": scheme,
        "authority": authority.upper() if dice.odds(0.2) else authority, "fields": dice.some(fields, 0, 3),
        "uncovered": dice.some((("user-agent", "made/1"), ("x-not-signed", "1"), ("date", "today")), 0, 2),
        "label": dice.choice(("countersign", "sig1", "*a.b-c_d")),
        "token_header": dice.choice(("authorization", "authorization", "countersign-token"))}
    if plan.request["token_header"] != "authorization" and dice.odds(0.5):
        plan.request["fields"].append(("Authorization", "Bearer other"))


def http(dice: Dice, name: str) -> Plan:
    """A request that an operation table, or the default mapping, maps."""
    plan = _base(dice, name)
    method, path = dice.choice(("GET", "POST", "PUT", "DELETE", "PATCH", "get")), dice.path()
    _requested(dice, plan, method, path)
    assert plan.request is not None
    members = {"/" + word.replace("~", "~0").replace("/", "~1"): (word, dice.value()) for word in dice.some(_WORDS, 0, 6)}
    for special, values in (("url", [dice.url() for _ in range(2)]), ("file", [dice.path(), "rel/" + dice.text()]),
                            ("amount", [dice.number(), dice.number(), dice.randint(0, 999)])):
        if dice.odds(0.4):
            members["/" + special] = (special, dice.choice([*values, values]))
    body = dict(dice.sample(list(members.values()), len(members)))
    if dice.odds(0.7):
        plan.request["body"] = plan.spell(body if dice.odds(0.9) else [body])
        plan.request["content_type"] = dice.choice(("application/json", "Application/JSON; charset=UTF-8", "application/a+json",
                                                    "application/json", "text/plain"))
    if dice.odds(0.7):
        plan.input["config"]["operations"] = _table(dice, method, path, list(members))
    return plan


def _table(dice: Dice, method: str, path: str, names: list[str]) -> list[dict]:
    """Entries, of which one fits: the last but those that come too late."""
    segments = path.split("/")
    named = [at for at, segment in enumerate(segments) if segment and dice.odds(0.4)]
    template = "/".join(f"{{p_{at}}}" if at in named else segment for at, segment in enumerate(segments))
    inner = "".join(f"/{{p_{at}}}" for at in named)
    row: dict = {"method": method, "path": template, "type": dice.choice(("calendar", "email", "datei-ä")),
                 "resource": dice.choice(("/box" + inner, "name" + inner, "/fixed/place/")), "action": dice.choice(("read", "send", "löschen"))}
    names += [f"path.p_{at}" for at in named] + ["query.n", "/absent"]
    lists = {"urls": _apart([*dice.some([name for name in names if name != "/file"], 0, 1), "/url"]), "paths": ["/file"], "scales": {"/amount": dice.choice((0, 1, 2, 15))},
             "tool": dice.text() or "tool", "read_body": dice.odds(0.8), "cost": {"calls": 1, "cents": dice.choice((0, 7, 250)), "of": "/amount"}}
    row |= {member: lists[member] for member in dice.some(lists, 0, 6)}
    other = row | {"method": "OTHER", "action": "other"}
    return [other, row] if dice.odds(0.5) else [row, other, row | {"type": "late"}]


def mcp(dice: Dice, name: str) -> Plan:
    """A JSON-RPC message, alone or in an HTTP request, there with or without an envelope."""
    plan = _base(dice, name)
    plan.input["mcp"] = {"server": dice.choice(("calendar", "caf%C3%A9", "s-1")), "path": "/mcp"}
    method = dice.choice(("tools/call", "tools/call", "tools/call", "prompts/get", "resources/read", "ping", "tools/list"))
    meta = dict(dice.some({"progressToken": 3, "traceparent": "00-a-b-01", "io.modelcontextprotocol/protocolVersion": "2025-06-18",
                           "x": dice.value()}.items(), 0, 3))
    params: dict = {"_meta": meta} if meta or dice.odds(0.5) else {}
    arguments = {dice.text(): dice.value() for _ in range(dice.randint(0, 5))}
    if method == "resources/read":
        uri = dice.choice(("file", "memo", "a+b.c-1")) + "://" + dice.choice(("", "wiki.example", "h_1:80"))
        params["uri"] = uri + (dice.path() if dice.odds(0.8) else "")
    elif method in ("tools/call", "prompts/get"):
        params |= {"name": dice.choice(("list_events", "send", quote("größe"), "a:b"))} | (
            {"arguments": arguments} if arguments or dice.odds(0.5) else {})
    plan.message = {"jsonrpc": "2.0", "method": method}
    if dice.odds(0.8):
        plan.message["id"] = dice.choice((7, "id-é", -1, 2**53 - 1))
    if params or dice.odds(0.5):
        plan.message["params"] = params
    plan.enveloped = True
    if dice.odds(0.5):
        _requested(dice, plan, "POST", "/mcp")
        assert plan.request is not None
        plan.enveloped = dice.odds(0.5)
        if plan.enveloped:
            plan.input["mcp"]["envelope"] = True
        named = params.get("uri", params.get("name", ""))
        plan.request["fields"] += dice.some([("Mcp-Method", method), ("Mcp-Session-Id", "s1")] + ([("Mcp-Name", named)] if named else []), 0, 3)
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
        if name in arguments.poisoned["arg"] or len(kinds) > 1 or any(isinstance(value, str) and len(value) > 300 for value in values):
            continue
        rows.append(("arg_in", [name, *_beside(dice, values)]))
        if len(set(values)) == 1:
            rows.append(("arg_is", [name, values[0]]))
        if kinds == {"string"}:
            rows += [("arg_starts_with", [name, os.path.commonprefix(values)]),
                     ("arg_ends_with", [name, os.path.commonprefix([value[::-1] for value in values])[::-1]])]
        if kinds == {"integer"}:
            rows += [("arg_at_most", [name, max(values) + dice.randint(0, 9)]), ("arg_at_least", [name, min(values) - dice.randint(0, 9)])]
        hosts, paths = [[row[1].value for row in arguments.offered(derived, name) or ()] for derived in ("arg_host", "arg_path")]
        if hosts:
            rows.append(("arg_host_in", [name, *_beside(dice, hosts)]))
        if len(paths) == 1:
            rows.append(("arg_under", [name, ancestor(dice, paths[0])]))
    rows.append(("arg_absent", ["/not there"]))
    if not arguments.poisoned["arg_present"]:
        names = [row[0].value for row in arguments.facts["arg_present"]]
        rows.append(("args_only", _beside(dice, names or ["/none"])))
    return rows


def _beside(dice: Dice, values: list) -> list:
    """Values of one kind, with others beside them."""
    others = [dice.text() for _ in range(3)] if isinstance(values[0], str) else [not values[0]] if isinstance(values[0], bool) else [1, -5, 2**40]
    out = list(dict.fromkeys(values)) + [other for other in dice.some(others, 0, 3) if other not in values]
    return dice.sample(out, len(out))


def narrowing(dice: Dice, facts: Facts, least: int) -> list[dict]:
    """Restrictions that hold; where a guard speaks of another operation anything does."""
    of = [facts.plain[name][0].value for name in ("type", "action")]
    strange = [("arg_is", [name, "never"]) for name in (*facts.arguments.values, "/absent")] + [
        ("resource_under", ["/never"]), ("methods", ["NONE", "NEVER"]), ("arg_absent", ["/x"]), ("args_only", ["/x", "query.y"])]
    out = []
    rows = holding(dice, facts)
    for _ in range(dice.randint(least, 5)):
        if dice.odds(0.2):
            name, args = dice.choice(strange)
            out.append({"name": name, "args": args, "when": dice.choice(([of[0], "another"], ["another", of[1]]))})
            continue
        name, args = dice.choice(rows)
        out.append({"name": name, "args": args} | ({"when": of} if dice.odds(0.2) else {}))
    return out


def grant(dice: Dice, plan: Plan, facts: Facts, costs: dict[str, int | None]) -> None:
    """Rights, delegations, restrictions, budgets and approvals that let the operation through."""
    claims = plan.claims
    type_, resource, action = (facts.plain[name][0].value for name in ("type", "resource", "action"))
    others = [[dice.choice((type_, "mail")), dice.path(), dice.choice((action, "other"))] for _ in range(dice.randint(0, 5))]
    rights = _apart([[type_, ancestor(dice, resource), action], *others])
    claims["rights"] = dice.sample(rights, len(rights))
    claims["restrictions"] = narrowing(dice, facts, 0)
    cost = {unit: amount for unit, amount in costs.items() if amount is not None}
    plan.turns = dice.choice((1, 1, 1, 2))

    def budgets() -> list[dict]:
        return [{"account": dice.choice(("daily", "ab")), "unit": unit, "amount": max(1, amount * plan.turns + dice.randint(0, 1)),
                 "window": dice.choice((0, 60, 86400))} for unit, amount in dice.some(cost.items(), 0, 2)]

    if dice.odds(0.4):
        claims["budgets"] = _apart(budgets() + [{"account": "apart", "unit": "never", "amount": 1}])
        claims["metered"] = [["apart", type_, "other"]]
    if plan.request and dice.odds(0.4):
        plan.approvers = [f"{plan.name}/approver-{number}" for number in range(dice.randint(1, 2))]
        claims["approvals"] = [[type_, action, public(name)] for name in plan.approvers] + [[type_, "other", public("approver")]]
    depth = dice.randint(0, 4)
    if depth:
        claims["delegation_depth"] = dice.randint(depth, 6)
    for number in range(depth):
        if dice.odds(0.3):
            plan.steps.append(("restrict", narrowing(dice, facts, 1)))
        holder = f"{plan.name}/{number + 1}"
        given: dict = {"name": dice.text(), "key": public(holder), "restrictions": narrowing(dice, facts, 0), "budgets": _apart(budgets())}
        if number < depth - 1:
            given["delegation_depth"] = depth - 1 - number
        plan.steps.append(("delegate", {"claims": given, "holder": holder}))
    if dice.odds(0.5):
        plan.steps.append(("restrict", narrowing(dice, facts, 1)))


def _apart(rows: list) -> list:
    return [row for at, row in enumerate(rows) if row not in rows[:at]]


def _shrink(plan: Plan) -> None:
    """Drops restrictions until the token is short enough."""
    lists = [plan.claims["restrictions"]] + [content if kind == "restrict" else content["claims"]["restrictions"] for kind, content in plan.steps]
    while len(plan.token()) > MAX_TEXT - 600:
        longest = max(lists, key=lambda rows: len(json.dumps(rows)))
        longest[:] = longest[1:] or [{"name": "not_before", "args": [0]}]


# Faults

def _altered(pattern: bytes, by: bytes) -> Callable[[bytes], bytes]:
    return lambda sent: re.sub(pattern, by, sent, count=1)


def _flipped(plan: Plan) -> None:
    start = rb"(\r\nsignature: [^=]+=:)" if plan.request else rb'("sig":\s*")'
    plan.alter = lambda sent: re.sub(start + b"(.)", lambda found: found[1] + (b"A" if found[2] != b"A" else b"B"), sent, count=1)


def _stranger(plan: Plan) -> None:
    plan.proof["keyid"] = encoding.key_id(encoding.public_of(key(plan.holder)))
    plan.signer = "stranger"


def _extended(plan: Plan) -> None:
    target = rb"\1&z=1 HTTP" if plan.request and "?" in plan.request["target"] else rb"\1?z=1 HTTP"
    plan.alter = _altered(rb"\A(\S+ \S+) HTTP", target) if plan.request else _altered(rb'("params":\s*\{)', rb'\1"z": [],')


def _claim(**claims: Any) -> Callable[[Plan], None]:
    return lambda plan: plan.claims.update(claims)


def _narrowed(name: str, *args: Any) -> Callable[[Plan], None]:
    return lambda plan: plan.steps.append(("restrict", [{"name": name, "args": list(args)}]))


def _revoked(what: str) -> Callable[[Plan], None]:
    def fault(plan: Plan) -> None:
        plan.claims |= {"grant": "given", "conversation": "talk"}
        owner = {name: plan.claims[name] for name in ("issuer", "user")}
        rows: dict[str, Any] = {
            "holders": encoding.key_id(encoding.public_of(key(plan.name + "/0"))), "issuer_keys": public(plan.name + "/root"),
            "users": owner | {"before": plan.claims["issued_at"]}, "conversations": owner | {"conversation": "talk"},
            "grants": {"issuer": owner["issuer"], "grant": "given"}}
        plan.input["revoked"] = {what: [rows[what]]}
    return fault


def _put(**members: Any) -> Callable[[Plan], None]:
    return lambda plan: plan.__dict__.update(copy.deepcopy(members))


@dataclass
class Fault:
    name: str
    comment: str
    code: str
    req: str
    change: Callable[[Plan], None]
    fits: Callable[[Plan], Any] = lambda plan: True


def _acts(plan: Plan) -> bool:
    return plan.message is None or "/" in plan.message["method"] and plan.message["method"] != "tools/list"


_AWAY = [["other", "/", "other"]]
_FAULTS = (
    Fault("flipped", "a character of its signature is another", "signature_invalid", "RQ-48 JR-14", _flipped),
    Fault("stranger", "signed by a stranger's key", "signature_invalid", "VF-18", _stranger),
    Fault("stranger-named", "signed by a stranger's key, and named so", "key_mismatch", "RQ-45 JR-13", _put(signer="stranger")),
    Fault("extended", "a part that is signed is longer", "signature_invalid", "RQ-46 JR-14", _extended,
          lambda plan: plan.request or "params" in plan.message),
    Fault("body", "the body ends in another byte", "digest_mismatch", "RQ-49 VF-1", _put(alter=_altered(rb".\Z", b" ")),
          lambda plan: plan.request and (plan.message or plan.request.get("body"))),
    Fault("uncovered", "a protected field comes beside", "header_uncovered", "RQ-36 VF-1",
          _put(alter=_altered(rb"\r\n", b"\r\nMcp-Beside: 1\r\n")), lambda plan: plan.request),
    Fault("late", "signed too long ago", "window_invalid", "RQ-44 JR-11", _put(proof={"created": NOW - 99, "expires": NOW - 31})),
    Fault("long", "signed for too long", "window_invalid", "RQ-44 JR-11", _put(proof={"created": NOW, "expires": NOW + 301})),
    Fault("open", "the token is not sealed", "token_unsealed", "TK-15 VF-1", _put(sealed=False)),
    Fault("root", "the token is signed by no key of the issuer", "token_signature", "VF-17", _put(root="stranger")),
    Fault("issuer", "the token is of another issuer", "issuer_unknown", "VF-5", _claim(issuer="https://nobody.example")),
    Fault("audience", "the token is for another service", "audience_mismatch", "VF-7", _claim(audience="https://elsewhere.example")),
    Fault("expired", "the token has expired", "token_expired", "VF-9", _claim(expires=NOW - 1)),
    Fault("future", "the token is of the future", "token_not_yet_valid", "VF-8", _claim(issued_at=NOW + 31)),
    Fault("ended", "narrowed to a time that is over", "token_expired", "VF-9 TK-35", _narrowed("expires_by", NOW - 1)),
    *(Fault(f"revoked-{what.replace('_', '-')}", f"revoked by {what}", code, req, _revoked(what)) for what, code, req in (
        ("holders", "token_revoked", "VF-12"), ("users", "token_revoked", "VF-13"), ("grants", "token_revoked", "VF-14"),
        ("conversations", "conversation_ended", "VF-15"), ("issuer_keys", "token_signature", "VF-16"))),
    Fault("replayed", "sent twice", "replayed", "VF-19", _put(again=True)),
    Fault("right", "no right covers it", "right_missing", "VF-29", _claim(rights=_AWAY), _acts),
    *(Fault(f"narrowed-{number}", f"narrowed by {name} to something else", "check_failed", "CK-22 VF-31", _narrowed(name, *args), _acts)
      for number, (name, *args) in enumerate((("types", "x"), ("actions", "x", "y"), ("resource_under", "/nowhere"), ("users", "x"),
                                              ("not_before", NOW + 1), ("bindings", "dpop"), ("purposes", "\u0000")))),
    Fault("unnamed", "a budget counts what the operation does not name", "budget_exceeded", "VF-34",
          _claim(budgets=[{"account": "more", "unit": "unnamed", "amount": 1}]), _acts),
    Fault("unapproved", "the approval is missing", "approval_required", "VF-32", _put(approvers=[]), lambda plan: plan.approvers),
    Fault("unapproved-other", "approved by another", "approval_required", "VF-32", _put(approvers=["stranger"]), lambda plan: plan.approvers),
    Fault("approval-ended", "the approval is over", "approval_invalid", "RQ-58 VF-32", _put(approved={"created": NOW - 60, "expires": NOW - 1}),
          lambda plan: plan.approvers),
    Fault("approval-before", "a field has come since the approval", "approval_invalid", "VF-44", _put(late=[("X-Late", "1")]),
          lambda plan: plan.approvers),
)


def _vector(plan: Plan, name: str, req: str, comment: str, twin: str | None) -> dict:
    input_, decision = plan.made()
    rpc = "mcp" in input_
    ids = [one for one in req.split() if one.startswith("VF-") or one.startswith("JR-") == rpc]
    members = ["stage", "code"] + (["issuer", "user", "agents", "purpose", "expires", "right", "binding"] if twin is None else [])
    expect = {"result": decision["decision"]} | {member: decision[member] for member in members}
    if rpc and expect.get("right", "") is None:
        del expect["right"]
    return {"id": name, "req": ids, "flags": [f"twin:{twin}"] if twin else [], "comment": comment, "input": input_, "expect": expect}


def _pair(seed: int, number: int) -> list[dict]:
    """A vector that is allowed, and for each third one its twin."""
    dice = Dice(f"{seed}/{number}")
    plan = (mcp if dice.odds(0.35) else http)(dice, f"make {seed} {number}")
    folder = "jsonrpc" if plan.message else "verify"
    plan.claims |= {"rights": _AWAY, "audience": "", "restrictions": []}
    session = _session({name: value for name, value in plan.input.items() if name != "service"})
    config = session.verifier.config
    service = config.service(plan.request["target"].partition("?")[0]) if plan.request else dice.choice(config.audiences)
    plan.input["service"] = plan.claims["audience"] = service
    session.send(plan.sent(0, plan.token()))
    if trace := session.verifier.trace:
        grant(dice, plan, trace.facts, costs_of(trace.asked.operation, trace.facts.arguments))
        _shrink(plan)
    name = f"{folder}/made-{seed}-{number}"
    out = [_vector(plan, name, "VF-36", "allowed", None)]
    if number % 3 == 0:
        fault = dice.choice([fault for fault in _FAULTS if fault.fits(plan)])
        plan.turns = 1
        fault.change(plan)
        out.append(_vector(plan, f"{name}-{fault.name}", fault.req, fault.comment, name))
        wanted = ("deny", fault.code)
    for vector, want in zip(out, [("allow", None)] + ([wanted] if out[1:] else [])):
        if (vector["expect"]["result"], vector["expect"]["code"]) != want:
            raise AssertionError(f"{vector['id']}: {vector['expect']} for {want}")
    return out


def make(seed: int, count: int, out: Path) -> None:
    """Writes a file of vectors in each of the folders `verify` and `jsonrpc` that has some."""
    vectors = [vector for number in range(count) for vector in _pair(seed, number)]
    for folder in ("verify", "jsonrpc"):
        made = [vector for vector in vectors if vector["id"].startswith(folder)]
        if made:
            (out / folder).mkdir(parents=True, exist_ok=True)
            text = json.dumps({"comment": f"made with seed {seed}", "vectors": made}, ensure_ascii=False, indent=1)
            (out / folder / "made.json").write_text(text + "\n")
