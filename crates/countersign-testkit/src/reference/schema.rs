//! The schema of `spec/token.md`, Container, as tables.

/// The type of a field.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    U32,
    U64,
    I32,
    I64,
    Bool,
    Bytes,
    Message(&'static Schema),
}

/// How often a field stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Label {
    Required,
    Optional,
    Repeated,
    /// A member of the message's one oneof.
    Oneof,
}

/// A field of a message.
#[derive(Debug)]
pub(super) struct FieldOf {
    pub(super) number: u64,
    pub(super) kind: Kind,
    pub(super) label: Label,
}

/// A message.
#[derive(Debug)]
pub(super) struct Schema {
    pub(super) fields: &'static [FieldOf],
    /// What Biscuit has here and the profile does not (TK-9).
    pub(super) foreign: &'static [u64],
}

impl Schema {
    /// Whether the message is a oneof.
    pub(super) fn is_oneof(&self) -> bool {
        self.fields.iter().any(|field| field.label == Label::Oneof)
    }
}

const fn field(number: u64, kind: Kind, label: Label) -> FieldOf {
    FieldOf { number, kind, label }
}

use Kind::{Bool, Bytes, I32, I64, Message, U32, U64};
use Label::{Oneof, Optional, Repeated, Required};

pub(super) static BISCUIT: Schema = Schema {
    fields: &[
        field(2, Message(&SIGNED_BLOCK), Required),
        field(3, Message(&SIGNED_BLOCK), Repeated),
        field(4, Message(&PROOF), Required),
    ],
    foreign: &[1],
};
static SIGNED_BLOCK: Schema = Schema {
    fields: &[
        field(1, Bytes, Required),
        field(2, Message(&PUBLIC_KEY), Required),
        field(3, Bytes, Required),
        field(4, Message(&EXTERNAL_SIGNATURE), Optional),
        field(5, U32, Optional),
    ],
    foreign: &[],
};
static EXTERNAL_SIGNATURE: Schema =
    Schema { fields: &[field(1, Bytes, Required), field(2, Message(&PUBLIC_KEY), Required)], foreign: &[] };
static PUBLIC_KEY: Schema = Schema { fields: &[field(1, I32, Required), field(2, Bytes, Required)], foreign: &[] };
static PROOF: Schema = Schema { fields: &[field(1, Bytes, Oneof), field(2, Bytes, Oneof)], foreign: &[] };
pub(super) static BLOCK: Schema = Schema {
    fields: &[
        field(1, Bytes, Repeated),
        field(3, U32, Optional),
        field(4, Message(&FACT), Repeated),
        field(6, Message(&CHECK), Repeated),
    ],
    foreign: &[2, 5, 7, 8],
};
static FACT: Schema = Schema { fields: &[field(1, Message(&PREDICATE), Required)], foreign: &[] };
static CHECK: Schema = Schema { fields: &[field(1, Message(&RULE), Repeated), field(2, I32, Optional)], foreign: &[] };
static RULE: Schema = Schema {
    fields: &[
        field(1, Message(&PREDICATE), Required),
        field(2, Message(&PREDICATE), Repeated),
        field(3, Message(&EXPRESSION), Repeated),
    ],
    foreign: &[4],
};
static PREDICATE: Schema =
    Schema { fields: &[field(1, U64, Required), field(2, Message(&TERM), Repeated)], foreign: &[] };
static TERM: Schema = Schema {
    fields: &[
        field(1, U32, Oneof),
        field(2, I64, Oneof),
        field(3, U64, Oneof),
        field(4, U64, Oneof),
        field(5, Bytes, Oneof),
        field(6, Bool, Oneof),
        field(7, Message(&TERM_SET), Oneof),
    ],
    foreign: &[8, 9, 10],
};
static TERM_SET: Schema = Schema { fields: &[field(1, Message(&TERM), Repeated)], foreign: &[] };
static EXPRESSION: Schema = Schema { fields: &[field(1, Message(&OP), Repeated)], foreign: &[] };
static OP: Schema = Schema {
    fields: &[
        field(1, Message(&TERM), Oneof),
        field(2, Message(&OP_UNARY), Oneof),
        field(3, Message(&OP_BINARY), Oneof),
        field(4, Message(&OP_CLOSURE), Oneof),
    ],
    foreign: &[],
};
static OP_UNARY: Schema = Schema { fields: &[field(1, I32, Required)], foreign: &[2] };
static OP_BINARY: Schema = Schema { fields: &[field(1, I32, Required)], foreign: &[2] };
static OP_CLOSURE: Schema = Schema { fields: &[field(2, Message(&OP), Repeated)], foreign: &[1] };
