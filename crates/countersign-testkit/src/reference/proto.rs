//! Protocol Buffers into a plain tree, by the rules of one encoding only (`spec/token.md`, TK-3 to TK-10).

use super::Faults;
use super::schema::{Kind, Label, Schema};

/// A value of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Number(u64),
    Bytes(Vec<u8>),
    Message(Node),
}

/// A message: its fields in the order of the bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Node(pub(super) Vec<(u64, Value)>);

impl Node {
    fn all(&self, number: u64) -> impl Iterator<Item = &Value> {
        self.0.iter().filter(move |(known, _)| *known == number).map(|(_, value)| value)
    }

    pub(super) fn number(&self, number: u64) -> Option<u64> {
        self.all(number).find_map(|value| if let Value::Number(value) = value { Some(*value) } else { None })
    }

    pub(super) fn bytes(&self, number: u64) -> Option<&[u8]> {
        self.all_bytes(number).next()
    }

    pub(super) fn all_bytes(&self, number: u64) -> impl Iterator<Item = &[u8]> {
        self.all(number).filter_map(|value| if let Value::Bytes(value) = value { Some(value.as_slice()) } else { None })
    }

    pub(super) fn node(&self, number: u64) -> Option<&Self> {
        self.nodes(number).next()
    }

    pub(super) fn nodes(&self, number: u64) -> impl Iterator<Item = &Self> {
        self.all(number).filter_map(|value| if let Value::Message(value) = value { Some(value) } else { None })
    }
}

const MALFORMED: &str = "token_malformed";

/// Takes a varint off; nothing where the bytes end in it or it has more than 64 bits.
fn varint(rest: &mut &[u8], faults: &mut Faults) -> Option<u64> {
    let Some(last) = rest.iter().position(|byte| *byte < 0x80) else {
        // spec: TK-3
        faults.refuse(4, MALFORMED, "TK-3");
        return None;
    };
    let (bytes, after) = rest.split_at(last + 1);
    *rest = after;
    // spec: TK-4
    faults.need(bytes.len() == 1 || bytes[last] != 0, 4, MALFORMED, "TK-4");
    let mut value: u128 = 0;
    for (place, byte) in bytes.iter().enumerate() {
        if place > 9 {
            faults.need(*byte & 0x7f == 0, 4, MALFORMED, "TK-4");
        } else {
            value |= u128::from(*byte & 0x7f) << (7 * place);
        }
    }
    let fits = u64::try_from(value).ok();
    faults.need(fits.is_some(), 4, MALFORMED, "TK-4");
    fits
}

/// Takes so many bytes off.
fn bytes<'a>(rest: &mut &'a [u8], length: u64, faults: &mut Faults) -> Option<&'a [u8]> {
    let taken = usize::try_from(length).ok().and_then(|length| rest.split_at_checked(length));
    let Some((taken, after)) = taken else {
        // spec: TK-3
        faults.refuse(4, MALFORMED, "TK-3");
        return None;
    };
    *rest = after;
    Some(taken)
}

/// Reads a message. Nothing where it can't be told what it holds; then no rule about its content is looked at.
pub(super) fn read(mut rest: &[u8], schema: &'static Schema, depth: usize, faults: &mut Faults) -> Option<Node> {
    // spec: TK-10
    if depth > 64 {
        faults.refuse(4, MALFORMED, "TK-10");
        return None;
    }
    let mut node = Node::default();
    let (mut whole, mut before) = (true, 0);
    while !rest.is_empty() {
        let tag = varint(&mut rest, faults)?;
        let (number, wire) = (tag >> 3, tag & 7);
        // A tag of field 0 begins no field.
        if number == 0 {
            // spec: TK-3
            faults.refuse(4, MALFORMED, "TK-3");
            return None;
        }
        // spec: TK-5
        if number < before {
            faults.refuse(4, MALFORMED, "TK-5");
            whole = false;
        }
        before = number;
        let value = match wire {
            0 => Value::Number(varint(&mut rest, faults)?),
            1 => Value::Bytes(bytes(&mut rest, 8, faults)?.to_vec()),
            2 => {
                let length = varint(&mut rest, faults)?;
                Value::Bytes(bytes(&mut rest, length, faults)?.to_vec())
            }
            5 => Value::Bytes(bytes(&mut rest, 4, faults)?.to_vec()),
            _ => {
                // spec: TK-3
                faults.refuse(4, MALFORMED, "TK-3");
                return None;
            }
        };
        // spec: TK-9
        if schema.foreign.contains(&number) {
            faults.refuse(4, "token_profile", "TK-9");
            // Container and block say what they say beside it; anything smaller it may change.
            whole &= depth < 2;
            continue;
        }
        // spec: TK-8
        let Some(field) = schema.fields.iter().find(|field| field.number == number) else {
            faults.refuse(4, MALFORMED, "TK-8");
            whole &= !schema.is_oneof();
            continue;
        };
        // spec: TK-5
        let again = node.0.iter().any(|(known, _)| *known == number || field.label == Label::Oneof);
        if again && field.label != Label::Repeated {
            faults.refuse(4, MALFORMED, "TK-5");
            whole = false;
            continue;
        }
        let value = match (field.kind, value, wire) {
            (Kind::Bytes, value @ Value::Bytes(_), 2) => value,
            (Kind::Message(inner), Value::Bytes(bytes), 2) => match read(&bytes, inner, depth + 1, faults) {
                Some(node) => Value::Message(node),
                None => {
                    whole = false;
                    continue;
                }
            },
            (Kind::Bytes | Kind::Message(_), ..) | (_, Value::Bytes(_) | Value::Message(_), _) => {
                // spec: TK-3
                faults.refuse(4, MALFORMED, "TK-3");
                return None;
            }
            (kind, Value::Number(number), _) => {
                // spec: TK-4
                let holds = match kind {
                    Kind::U32 => u32::try_from(number).is_ok(),
                    Kind::I32 => i32::try_from(number as i64).is_ok(),
                    Kind::Bool => number < 2,
                    _ => true,
                };
                if !holds {
                    faults.refuse(4, MALFORMED, "TK-4");
                    whole = false;
                }
                // spec: TK-7
                faults.need(number != 0 || field.label != Label::Optional, 4, MALFORMED, "TK-7");
                Value::Number(number)
            }
        };
        node.0.push((number, value));
    }
    // spec: TK-6
    let stands = |number| node.0.iter().any(|(known, _)| *known == number);
    let required = schema.fields.iter().filter(|field| field.label == Label::Required);
    let missing = required.clone().any(|field| !stands(field.number));
    let empty = schema.is_oneof() && node.0.is_empty();
    if whole && (missing || empty) {
        faults.refuse(4, MALFORMED, "TK-6");
    }
    (whole && !missing && !empty).then_some(node)
}

#[cfg(test)]
mod tests {
    use super::super::schema::BLOCK;
    use super::*;

    fn rules(bytes: &[u8]) -> Vec<&'static str> {
        let mut faults = Faults::default();
        read(bytes, &BLOCK, 1, &mut faults);
        faults.0.iter().map(|fault| fault.rules[0]).collect()
    }

    #[test]
    fn names_the_rule_of_each_other_encoding() {
        assert!(rules(&[0x0a, 1, b'x', 0x18, 3]).is_empty());
        assert_eq!(rules(&[0x0a, 2, b'x']), ["TK-3"]);
        assert_eq!(rules(&[0x08, 1]), ["TK-3"]);
        assert_eq!(rules(&[0x18, 0x83, 0]), ["TK-4"]);
        assert_eq!(rules(&[0x18, 3, 0x0a, 1, b'x']), ["TK-5"]);
        assert_eq!(rules(&[0x18, 3, 0x18, 3]), ["TK-5"]);
        assert_eq!(rules(&[0x22, 0]), ["TK-6"]);
        assert_eq!(rules(&[0x18, 0]), ["TK-7"]);
        assert_eq!(rules(&[0x50, 1]), ["TK-8"]);
        assert_eq!(rules(&[0x12, 0]), ["TK-9"]);
    }
}
