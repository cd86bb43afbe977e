"""Refusals: a stage and a code of spec/errors.md, or a misuse of the verifier."""

# code:stages of spec/errors.md
_CODES = dict(entry.split(":") for entry in """
    limit_exceeded:1,4,11 body_too_large:1,9 header_malformed:1,2,3 header_refused:1 trailer_rejected:1,9 authority_ambiguous:1
    authority_mismatch:1 token_missing:2 token_ambiguous:2 binding_not_accepted:2 digest_alg_rejected:2 signature_required:3 tag_invalid:3
    signature_ambiguous:3 components_invalid:3 components_incomplete:3 body_uncovered:3,9 header_uncovered:3 component_unresolvable:3
    params_incomplete:3 params_invalid:3 alg_rejected:3 window_invalid:3 token_malformed:4 token_profile:4 delegation_invalid:4
    delegation_depth:4 token_unsealed:4 issuer_unknown:5 audience_mismatch:5 token_not_yet_valid:5 token_expired:5 key_mismatch:5
    revocation_stale:6 token_revoked:6 conversation_ended:6 token_signature:7 signature_invalid:8 digest_mismatch:9 replayed:10
    store_unavailable:9,10,12 operation_unmapped:11 resource_invalid:11 body_ambiguous:1,11 header_body_mismatch:11 batch_rejected:1,11
    right_missing:11 check_failed:11 check_error:11 approval_required:11 approval_invalid:11,12 budget_exceeded:12""".split())


class Denial(Exception):
    """The verifier denies at `stage` with `code`."""

    def __init__(self, stage: int, code: str) -> None:
        if str(stage) not in _CODES[code].split(","):
            raise AssertionError(f"{code} does not arise at stage {stage}")
        super().__init__(f"{code} ({stage})")
        self.stage = stage
        self.code = code


class Misuse(Exception):
    """A configuration that the text forbids, or an input that is no message: no decision."""


def refuse(fault: object, stage: int, code: str) -> None:
    """Denies where there is a fault."""
    if fault:
        raise Denial(stage, code)
