//! Finds the place of each mutant in the syntax tree, and what has to stand there.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{BinOp, Expr, ReturnType, Type, UnOp};

use crate::text::Insert;
use crate::{Mutant, Position};

/// What is put into a file.
pub(crate) struct Found {
    /// The source with functions that were `const` no more so; of the same length.
    pub(crate) source: String,
    pub(crate) inserts: Vec<Insert>,
    pub(crate) functions: Vec<(String, Range<usize>)>,
    pub(crate) unviable: BTreeMap<u32, String>,
    pub(crate) not_placed: BTreeMap<u32, String>,
}

pub(crate) fn place(source: &str, mutants: &[(u32, &Mutant)], consts: &BTreeSet<String>) -> Result<Found, syn::Error> {
    let lines = Lines::of(source);
    let mut by_place: HashMap<(&str, usize), Vec<Wanted<'_>>> = HashMap::new();
    for (number, mutant) in mutants {
        let range = lines.offset(mutant.span.start)..lines.offset(mutant.span.end);
        let wanted = Wanted { number: *number, range: range.clone(), replacement: &mutant.replacement };
        by_place.entry((&mutant.genre, range.start)).or_default().push(wanted);
    }
    let found = Found {
        source: source.to_owned(),
        inserts: Vec::new(),
        functions: Vec::new(),
        unviable: BTreeMap::new(),
        not_placed: BTreeMap::new(),
    };
    let mut placer = Placer { source, lines, by_place, consts, in_const: false, found };
    placer.visit_file(&syn::parse_file(source)?);
    for left in placer.by_place.into_values().flatten() {
        placer.found.not_placed.insert(left.number, "not found in the syntax tree".to_owned());
    }
    Ok(placer.found)
}

/// Where the lines of a source start.
struct Lines<'s> {
    source: &'s str,
    starts: Vec<usize>,
}

impl<'s> Lines<'s> {
    fn of(source: &'s str) -> Self {
        let starts = std::iter::once(0).chain(source.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { source, starts }
    }

    fn offset(&self, position: Position) -> usize {
        let start = self.starts[position.line - 1];
        let mut characters = self.source[start..].char_indices().map(|(at, _)| at);
        characters.nth(position.column - 1).map_or(self.source.len(), |at| start + at)
    }

    fn range(&self, spanned: &impl Spanned) -> Range<usize> {
        let at = |at: proc_macro2::LineColumn| self.offset(Position { line: at.line, column: at.column + 1 });
        at(spanned.span().start())..at(spanned.span().end())
    }
}

/// A mutant that is looked for.
struct Wanted<'m> {
    number: u32,
    range: Range<usize>,
    replacement: &'m str,
}

struct Placer<'s> {
    source: &'s str,
    lines: Lines<'s>,
    by_place: HashMap<(&'s str, usize), Vec<Wanted<'s>>>,
    consts: &'s BTreeSet<String>,
    /// Where values are computed by the compiler, no number can be asked for.
    in_const: bool,
    found: Found,
}

impl<'s> Placer<'s> {
    /// The mutants that stand there. Those in constants are put aside.
    fn take(&mut self, genre: &'static str, start: usize) -> Vec<Wanted<'s>> {
        let taken = self.by_place.remove(&(genre, start)).unwrap_or_default();
        if self.in_const {
            self.refuse(taken, "in a constant");
            return Vec::new();
        }
        taken
    }

    fn refuse(&mut self, mutants: Vec<Wanted<'_>>, why: &str) {
        self.found.not_placed.extend(mutants.iter().map(|mutant| (mutant.number, why.to_owned())));
    }

    /// Only those whose text is an expression; the others do not compile.
    fn parsed(&mut self, alternatives: Vec<(u32, String)>) -> Vec<(u32, String)> {
        let (good, bad): (Vec<_>, Vec<_>) =
            alternatives.into_iter().partition(|(_, text)| syn::parse_str::<Expr>(text).is_ok());
        self.found.unviable.extend(bad.into_iter().map(|(number, _)| (number, "is no expression".to_owned())));
        good
    }

    /// An expression, with alternatives to it: the text that the mutants make of it.
    fn alternatives(&mut self, range: Range<usize>, alternatives: Vec<(u32, String)>) {
        let alternatives = self.parsed(alternatives);
        if alternatives.is_empty() {
            return;
        }
        let mut insert = Insert::around(range);
        insert.before.push('(');
        for (number, text) in alternatives {
            insert.before.push_str(&format!("if crate::knocked({number}) {{ "));
            insert.push_own(number, &text);
            insert.before.push_str(" } else ");
        }
        insert.before.push_str("{ ");
        insert.after.push_str(" })");
        self.found.inserts.push(insert);
    }

    /// The text of `range` with that of the mutant in its place.
    fn mutated(&self, range: &Range<usize>, mutant: &Wanted<'_>) -> (u32, String) {
        let (head, tail) = (&self.source[range.start..mutant.range.start], &self.source[mutant.range.end..range.end]);
        (mutant.number, format!("{head} {} {tail}", mutant.replacement))
    }

    fn within(&mut self, in_const: bool, visit: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.in_const, in_const);
        visit(self);
        self.in_const = before;
    }

    fn function(
        &mut self,
        item: &impl Spanned,
        sig: &syn::Signature,
        block: &syn::Block,
        visit: impl FnOnce(&mut Self),
    ) {
        let name = sig.ident.to_string();
        let stays = sig.constness.is_some() && self.consts.contains(&name);
        if let Some(constness) = sig.constness
            && !stays
        {
            self.found.source.replace_range(self.lines.range(&constness), "     ");
        }
        self.found.functions.push((name, self.lines.range(item)));
        self.within(stays, |this| {
            this.values(sig, block);
            visit(this);
        });
    }

    /// What is returned in place of what the function computes.
    fn values(&mut self, sig: &syn::Signature, block: &syn::Block) {
        let Some(first) = block.stmts.first() else { return };
        let start = self.lines.range(first).start;
        let taken = self.take("FnValue", start);
        let values = taken.iter().map(|mutant| (mutant.number, mutant.replacement.to_owned())).collect();
        let values = self.parsed(values);
        if values.is_empty() {
            return;
        }
        let body = self.lines.range(&block.brace_token.span.open()).end;
        let end = self.lines.range(&block.brace_token.span.close()).start;
        match opaque(&sig.output) {
            Opaque::No => {
                let mut insert = Insert::around(body..body);
                for (number, value) in values {
                    insert.before.push_str(&format!(" if crate::knocked({number}) {{ "));
                    // As in the place of the body, a value of type () needs no return.
                    insert.push_own(number, &format!("return {value};"));
                    insert.before.push_str(" }");
                }
                self.found.inserts.push(insert);
            }
            Opaque::Iterator if !returns(block) => {
                let mut insert = Insert::around(body..end);
                for (number, value) in values {
                    insert.before.push_str(&format!(" if crate::knocked({number}) {{ crate::Mutated::Other("));
                    insert.push_own(number, &value);
                    insert.before.push_str(") } else { crate::Mutated::Same({");
                    insert.after.push_str("}) }");
                }
                self.found.inserts.push(insert);
            }
            Opaque::Iterator | Opaque::Within => {
                let numbers = values.into_iter().map(|(number, _)| (number, "returns impl Trait".to_owned()));
                self.found.not_placed.extend(numbers);
            }
        }
    }

    /// A tree of binary operators. The text of an alternative is that of the whole tree, as a new operator may bind
    /// otherwise than the old one; but a `let` stays outside.
    fn tree(&mut self, node: &syn::ExprBinary, top: Option<Range<usize>>, lets: bool) {
        let whole = self.lines.range(node);
        let top = match top {
            None if !(has_let(&node.left) || has_let(&node.right)) => Some(whole),
            top => top,
        };
        let operator = self.lines.range(&node.op);
        let taken = self.take("BinaryOperator", operator.start);
        if lets && matches!(node.op, BinOp::And(_)) {
            let why = "|| beside a let".to_owned();
            self.found.unviable.extend(taken.iter().map(|mutant| (mutant.number, why.clone())));
        } else if let Some(top) = &top {
            let texts: Vec<_> = taken.iter().map(|mutant| self.mutated(top, mutant)).collect();
            self.alternatives(top.clone(), texts);
        } else {
            self.refuse(taken, "an operand is a let");
        }
        for side in [&*node.left, &*node.right] {
            match side {
                Expr::Binary(below) => self.tree(below, top.clone(), lets),
                operand => self.visit_expr(operand),
            }
        }
    }
}

/// Whether a condition has a `let` on its own level.
fn has_let(condition: &Expr) -> bool {
    match condition {
        Expr::Let(_) => true,
        Expr::Binary(node) => has_let(&node.left) || has_let(&node.right),
        _ => false,
    }
}

/// Whether a function's type is known to nobody but itself.
enum Opaque {
    No,
    Iterator,
    Within,
}

fn opaque(output: &ReturnType) -> Opaque {
    struct Has(bool);
    impl Visit<'_> for Has {
        fn visit_type_impl_trait(&mut self, _: &syn::TypeImplTrait) {
            self.0 = true;
        }
    }
    let mut has = Has(false);
    has.visit_return_type(output);
    match output {
        ReturnType::Type(_, outer) if matches!(**outer, Type::ImplTrait(_)) => Opaque::Iterator,
        _ if has.0 => Opaque::Within,
        _ => Opaque::No,
    }
}

/// Whether a body returns from its middle.
fn returns(block: &syn::Block) -> bool {
    struct Has(bool);
    impl Visit<'_> for Has {
        fn visit_expr_return(&mut self, _: &syn::ExprReturn) {
            self.0 = true;
        }
        fn visit_expr_closure(&mut self, _: &syn::ExprClosure) {}
    }
    let mut has = Has(false);
    has.visit_block(block);
    has.0
}

impl<'ast> Visit<'ast> for Placer<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(item, &item.sig, &item.block, |this| visit::visit_item_fn(this, item));
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(item, &item.sig, &item.block, |this| visit::visit_impl_item_fn(this, item));
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        match &item.default {
            Some(block) => self.function(item, &item.sig, block, |this| visit::visit_trait_item_fn(this, item)),
            None => visit::visit_trait_item_fn(self, item),
        }
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.within(true, |this| visit::visit_item_const(this, item));
    }

    fn visit_impl_item_const(&mut self, item: &'ast syn::ImplItemConst) {
        self.within(true, |this| visit::visit_impl_item_const(this, item));
    }

    fn visit_item_static(&mut self, item: &'ast syn::ItemStatic) {
        self.within(true, |this| visit::visit_item_static(this, item));
    }

    fn visit_expr_const(&mut self, block: &'ast syn::ExprConst) {
        self.within(true, |this| visit::visit_expr_const(this, block));
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        self.within(true, |this| visit::visit_variant(this, variant));
    }

    fn visit_type(&mut self, kind: &'ast Type) {
        self.within(true, |this| visit::visit_type(this, kind));
    }

    fn visit_pat(&mut self, pattern: &'ast syn::Pat) {
        self.within(true, |this| visit::visit_pat(this, pattern));
    }

    fn visit_expr_repeat(&mut self, array: &'ast syn::ExprRepeat) {
        self.visit_expr(&array.expr);
        self.within(true, |this| this.visit_expr(&array.len));
    }

    fn visit_expr_binary(&mut self, node: &'ast syn::ExprBinary) {
        self.tree(node, None, has_let(&node.left) || has_let(&node.right));
    }

    fn visit_expr_unary(&mut self, node: &'ast syn::ExprUnary) {
        if matches!(node.op, UnOp::Not(_) | UnOp::Neg(_)) {
            let (range, operator) = (self.lines.range(node), self.lines.range(&node.op));
            let taken = self.take("UnaryOperator", operator.start);
            let texts: Vec<_> = taken.iter().map(|mutant| self.mutated(&range, mutant)).collect();
            self.alternatives(range, texts);
        }
        visit::visit_expr_unary(self, node);
    }

    fn visit_expr_struct(&mut self, node: &'ast syn::ExprStruct) {
        let range = self.lines.range(node);
        let mut texts = Vec::new();
        for field in &node.fields {
            let start = self.lines.range(field).start;
            let taken = self.take("StructField", start);
            texts.extend(taken.iter().map(|mutant| self.mutated(&range, mutant)));
        }
        self.alternatives(range, texts);
        visit::visit_expr_struct(self, node);
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        let start = self.lines.range(arm).start;
        let pattern = self.lines.range(&arm.pat).end;
        for mutant in self.take("MatchArm", start) {
            let mut insert = Insert::around(pattern..pattern);
            insert.push_own(mutant.number, &format!(" if !crate::knocked({})", mutant.number));
            self.found.inserts.push(insert);
        }
        if let Some((_, guard)) = &arm.guard {
            let range = self.lines.range(&**guard);
            let taken = self.take("MatchArmGuard", range.start);
            if has_let(guard) {
                self.refuse(taken, "the guard has a let");
            } else if !taken.is_empty() {
                let mut insert = Insert::around(range);
                insert.before.push('(');
                for mutant in taken {
                    let number = mutant.number;
                    let text = match mutant.replacement {
                        "true" => format!("crate::knocked({number}) || "),
                        _ => format!("!crate::knocked({number}) && "),
                    };
                    insert.push_own(number, &text);
                }
                insert.before.push('(');
                insert.after.push_str("))");
                self.found.inserts.push(insert);
            }
        }
        visit::visit_arm(self, arm);
    }
}
