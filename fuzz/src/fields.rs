//! The oracle of the field parser: a text is exact when sfv writes back what it read.

use sfv::{BareItem, Dictionary, FieldType as _, ListEntry, Parser};

/// Whether `text` is a dictionary of inner lists in its one serialisation.
pub fn inner_lists(text: &str) -> bool {
    exact(text, |member| matches!(member, ListEntry::InnerList(_)))
}

/// Whether `text` is a dictionary of byte sequences without parameters in its one serialisation.
pub fn byte_sequences(text: &str) -> bool {
    exact(text, |member| {
        matches!(member, ListEntry::Item(item)
            if item.params.is_empty() && matches!(item.bare_item, BareItem::ByteSequence(_)))
    })
}

fn exact(text: &str, member: impl Fn(&ListEntry) -> bool) -> bool {
    Parser::new(text)
        .parse::<Dictionary>()
        .is_ok_and(|dictionary| dictionary.values().all(member) && dictionary.serialize().as_deref() == Some(text))
}
