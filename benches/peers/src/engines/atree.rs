//! a-tree: an index over Boolean expressions, which finds all that match. It has no prefixes, networks and expressions.

use a_tree::{ATree, AttributeDefinition, Event};
use tollgate_workloads::{Kind, Policy, Test, Workload};

use super::words::{Plain, joined, list, plain};
use crate::peer::{Engine, Kept, Peer, Source};

struct Tree {
    workload: &'static Workload,
    tree: ATree<u32>,
}

pub fn build(workload: &'static Workload) -> Result<Box<dyn Peer>, String> {
    if workload.policy != Policy::All {
        return Err("it finds all rules that match, so it is given campaigns only".into());
    }
    let definitions = workload.fields.iter().map(|field| match field.kind {
        Kind::Int(..) => AttributeDefinition::integer(&field.name),
        Kind::Bool => AttributeDefinition::boolean(&field.name),
        _ => AttributeDefinition::string(&field.name),
    });
    let definitions: Vec<AttributeDefinition> = definitions.collect();
    let mut tree = ATree::new(&definitions).map_err(|e| e.to_string())?;
    for (i, rule) in workload.rules.iter().enumerate() {
        let text = joined(workload, rule, " and ", |name, atom| {
            words(name, &atom.test)
        })?;
        tree.insert(&(i as u32), &text).map_err(|e| e.to_string())?;
    }
    Ok(Kept::boxed(Tree { workload, tree }, workload))
}

fn words(name: &str, test: &Test) -> Result<String, String> {
    Ok(match test {
        Test::Is(text) => format!("{name} = '{text}'"),
        Test::IsNot(text) => format!("{name} <> '{text}'"),
        Test::OneOf(texts) => format!("{name} in [{}]", list(texts, '\'', ", ")),
        Test::AtLeast(least) => format!("{name} >= {least}"),
        Test::Between(lo, hi) => format!("{name} >= {lo} and {name} <= {hi}"),
        Test::True => name.into(),
        other => return Err(format!("it has no {other:?}")),
    })
}

impl Engine for Tree {
    type Form = Event;

    fn form(&self, from: &'static dyn Source) -> Event {
        let mut event = self.tree.make_event();
        for (i, field) in self.workload.fields.iter().enumerate() {
            let set = match plain(from.get(i)) {
                Plain::Text(text) => event.with_string(&field.name, text),
                Plain::Int(n) => event.with_integer(&field.name, n),
                Plain::Bool(b) => event.with_boolean(&field.name, b),
            };
            set.expect("the attribute has this type");
        }
        event.build().expect("every attribute is set")
    }

    fn decide(&mut self, event: &mut Event, out: &mut Vec<u32>) {
        let report = self.tree.search(event).expect("the event is of the tree");
        out.extend(report.matches().iter().map(|rule| **rule));
        // The report is in no order.
        out.sort_unstable();
    }
}
