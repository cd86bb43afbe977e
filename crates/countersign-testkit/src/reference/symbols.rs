//! Symbol tables (`spec/token.md`, Symbols).

use super::Faults;
use super::proto::Node;

const FIXED: [&str; 28] = [
    "read",
    "write",
    "resource",
    "operation",
    "right",
    "time",
    "role",
    "owner",
    "tenant",
    "namespace",
    "user",
    "team",
    "service",
    "admin",
    "email",
    "group",
    "member",
    "ip_address",
    "client",
    "client_ip",
    "domain",
    "path",
    "version",
    "cluster",
    "node",
    "hostname",
    "nonce",
    "query",
];

/// The further strings of a table.
#[derive(Clone, Debug, Default)]
pub(super) struct Table(Vec<String>);

/// One use of a symbol: its index, and the number of the set that it stands in.
struct Use {
    index: u64,
    set: Option<usize>,
}

impl Table {
    /// What an index names.
    pub(super) fn get(&self, index: u64) -> Option<&str> {
        match index {
            0..=27 => FIXED.get(index as usize).copied(),
            28..=1023 => None,
            _ => self.0.get(usize::try_from(index - 1024).ok()?).map(String::as_str),
        }
    }

    /// Adds the strings of a block and looks at all its uses of symbols; whether every index names a string.
    pub(super) fn add(&mut self, block: &Node, faults: &mut Faults) -> bool {
        let before = self.0.len() as u64;
        let mut again = false;
        for bytes in block.all_bytes(1) {
            // spec: TK-21
            faults.need(std::str::from_utf8(bytes).is_ok(), 4, "token_malformed", "TK-21");
            // spec: TK-22
            faults.need(bytes.len() <= 1_024, 4, "token_profile", "TK-22");
            let text = String::from_utf8_lossy(bytes).into_owned();
            // spec: TK-18
            let known = FIXED.contains(&text.as_str()) || self.0.contains(&text);
            faults.need(!known, 4, "token_malformed", "TK-18");
            again |= known;
            self.0.push(text);
        }
        let uses = uses(block);
        // spec: TK-17
        let all_named = uses.iter().all(|used| self.get(used.index).is_some());
        faults.need(all_named, 4, "token_malformed", "TK-17");
        let own = |index: u64| index >= 1024 + before && self.get(index).is_some();
        let mut first: Vec<&Use> = Vec::new();
        for used in uses.iter().filter(|used| own(used.index)) {
            if first.iter().all(|known| known.index != used.index) {
                first.push(used);
            }
        }
        // Inside one set the elements' own order (CK-19) decides what comes first, so it is looked at alone: TK-19 is
        // about the order of the rest.
        let mut order: Vec<u64> = Vec::new();
        for group in first.chunk_by(|one, other| one.set.is_some() && one.set == other.set) {
            let mut indices: Vec<u64> = group.iter().map(|used| used.index).collect();
            indices.sort_unstable();
            // spec: TK-20
            let strings: Vec<_> = indices.iter().map(|index| self.get(*index)).collect();
            faults.need(strings.is_sorted(), 4, "token_malformed", "TK-20");
            order.extend(indices);
        }
        // spec: TK-19 (what the table lacked is said by TK-18)
        let expected = 1024 + before..1024 + self.0.len() as u64;
        let as_used = order.into_iter().eq(expected);
        faults.need(as_used || again || !all_named, 4, "token_malformed", "TK-19");
        all_named
    }
}

/// All uses in document order.
fn uses(block: &Node) -> Vec<Use> {
    let (mut uses, mut sets) = (Vec::new(), 0);
    for fact in block.nodes(4) {
        fact.nodes(1).for_each(|it| predicate(it, &mut uses, &mut sets));
    }
    for query in block.nodes(6).flat_map(|check| check.nodes(1)) {
        query.nodes(1).for_each(|head| predicate(head, &mut uses, &mut sets));
        query.nodes(2).for_each(|body| predicate(body, &mut uses, &mut sets));
        query.nodes(3).for_each(|expression| operations(expression, 1, &mut uses, &mut sets));
    }
    uses
}

fn predicate(node: &Node, uses: &mut Vec<Use>, sets: &mut usize) {
    uses.extend(node.number(1).map(|index| Use { index, set: None }));
    node.nodes(2).for_each(|it| term(it, None, uses, sets));
}

fn term(node: &Node, set: Option<usize>, uses: &mut Vec<Use>, sets: &mut usize) {
    uses.extend([1, 3].into_iter().filter_map(|kind| node.number(kind)).map(|index| Use { index, set }));
    for elements in node.nodes(7) {
        *sets += 1;
        let this = *sets;
        elements.nodes(1).for_each(|element| term(element, Some(this), uses, sets));
    }
}

fn operations(node: &Node, number: u64, uses: &mut Vec<Use>, sets: &mut usize) {
    for operation in node.nodes(number) {
        operation.nodes(1).for_each(|value| term(value, None, uses, sets));
        operation.nodes(4).for_each(|closure| operations(closure, 2, uses, sets));
    }
}
