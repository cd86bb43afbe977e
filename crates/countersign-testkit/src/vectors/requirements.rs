//! Which requirements of `spec/` a topic stands for.
//!
//! A vector cites a requirement by its id, or a topic whose ids stand here once.

const TOPICS: &[(&str, &[&str])] = &[];

/// The ids of a topic; an id stands for itself.
///
/// # Panics
///
/// When the topic is unknown.
#[must_use]
pub fn ids(topic: &str) -> Vec<String> {
    let number = topic.get(3..).filter(|_| ["TK-", "RQ-", "CK-", "VF-"].iter().any(|p| topic.starts_with(p)));
    if number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit())) {
        return vec![topic.into()];
    }
    let known = TOPICS.iter().find(|(name, _)| *name == topic);
    known.map_or_else(Vec::new, |(_, ids)| ids.iter().map(|id| (*id).to_owned()).collect())
}
