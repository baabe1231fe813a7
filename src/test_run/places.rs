//! Where rules stand, for failures to point at.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use tollgate_grammar::ast::{ItemKind, Otherwise, RuleItem};
use tollgate_grammar::source::{SourceMap, Span};

use super::Decided;

/// A rule set and a rule of it.
type Name = (Box<str>, Box<str>);

/// The texts of a program, and where its rules stand in them.
pub(super) struct Places {
    pub(super) sources: Arc<SourceMap>,
    /// The texts are parsed again when the first failure asks: tests that pass pay nothing for it.
    rules: OnceCell<BTreeMap<Name, Span>>,
}

impl Places {
    pub(super) fn new(sources: Arc<SourceMap>) -> Places {
        Places {
            sources,
            rules: OnceCell::new(),
        }
    }

    /// Where the name of a rule stands; of `otherwise` and a row all of it.
    pub(super) fn rule(&self, decided: &Decided) -> Option<Span> {
        let rules = self.rules.get_or_init(|| all(&self.sources));
        rules
            .get(&(decided.set.clone(), decided.rule.clone()))
            .copied()
    }
}

/// The rules of all files. Of rule sets with one name those of the first file count, which is the main one.
fn all(sources: &SourceMap) -> BTreeMap<Name, Span> {
    let mut found = BTreeMap::new();
    for (file, source) in sources.files() {
        for item in &tollgate_grammar::parse(file, source.text()).ast.items {
            let (set, otherwise) = match &item.kind {
                ItemKind::RuleSet(set) => (&set.name, &set.otherwise),
                ItemKind::Guard(guard) => (&guard.name, &None),
                ItemKind::Table(table) => (&table.name, &table.otherwise),
                _ => continue,
            };
            let mut see = |rule: &str, span: Span| {
                let key = (set.text.as_str().into(), rule.into());
                found.entry(key).or_insert(span);
            };
            match &item.kind {
                ItemKind::RuleSet(set) => in_rules(&set.rules, &mut see),
                ItemKind::Guard(guard) => in_rules(&guard.rules, &mut see),
                ItemKind::Table(table) => {
                    for (row, number) in table.rows.iter().zip(1..) {
                        see(&format!("row {number}"), row.span);
                    }
                }
                _ => {}
            }
            if let Some(Otherwise { span, .. }) = otherwise {
                see("otherwise", *span);
            }
        }
    }
    found
}

fn in_rules(rules: &[RuleItem], see: &mut dyn FnMut(&str, Span)) {
    for rule in rules {
        match rule {
            RuleItem::Rule(rule) => see(&rule.name.text, rule.name.span),
            RuleItem::Group(group) => in_rules(&group.rules, see),
            RuleItem::Error(_) => {}
        }
    }
}
