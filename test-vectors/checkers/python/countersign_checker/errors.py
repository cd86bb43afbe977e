"""Refusals: a stage and a code of spec/errors.md, or a misuse of the verifier."""
from __future__ import annotations

# code -> (stages, class); spec/errors.md
CODES: dict[str, tuple[frozenset[int], str]] = {}
STATUS = {
    "invalid_token": 401, "invalid_request_proof": 401, "replayed": 401, "insufficient_authorization": 403,
    "approval_required": 403, "budget_exceeded": 429, "unavailable": 503,
}


def _register(class_: str, codes: str) -> None:
    for entry in codes.split():
        code, _, stages = entry.partition(":")
        CODES[code] = (frozenset(int(s) for s in stages.split(",")), class_)


_register("invalid_request_proof", """
    limit_exceeded:1,4,11 body_too_large:1,9 header_malformed:1,2,3 header_refused:1 trailer_rejected:1,9
    authority_ambiguous:1 authority_mismatch:1 binding_not_accepted:2 digest_alg_rejected:2 signature_required:3
    tag_invalid:3 signature_ambiguous:3 components_invalid:3 components_incomplete:3 body_uncovered:3,9
    header_uncovered:3 component_unresolvable:3 params_incomplete:3 params_invalid:3 alg_rejected:3
    window_invalid:3 key_mismatch:5 signature_invalid:8 digest_mismatch:9""")
_register("invalid_token", """
    token_missing:2 token_ambiguous:2 token_malformed:4 token_profile:4 delegation_invalid:4 delegation_depth:4
    token_unsealed:4 session_unknown:4 issuer_unknown:5 audience_mismatch:5 token_not_yet_valid:5 token_expired:5
    token_revoked:6 conversation_ended:6 session_ended:6 token_signature:7""")
_register("replayed", "replayed:10")
_register("unavailable", "revocation_stale:6 store_unavailable:9,10,12")
_register("insufficient_authorization", """
    operation_unmapped:11 resource_invalid:11 body_ambiguous:1,11 header_body_mismatch:11 batch_rejected:1,11
    right_missing:11 check_failed:11 check_error:11""")
_register("approval_required", "approval_required:11 approval_invalid:11,12")
_register("budget_exceeded", "budget_exceeded:12")


class Denial(Exception):
    """The verifier denies at `stage` with `code`."""

    def __init__(self, stage: int, code: str) -> None:
        if stage not in CODES[code][0]:
            raise AssertionError(f"{code} does not arise at stage {stage}")
        super().__init__(f"{code} ({stage})")
        self.stage = stage
        self.code = code

    @property
    def class_(self) -> str:
        return CODES[self.code][1]


class Misuse(Exception):
    """A configuration that the text forbids, or an input that is no message: no decision."""
