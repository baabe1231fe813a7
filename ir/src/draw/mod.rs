//! Indexes drawn for people: what a search asks first and where each answer leads, shortened to what can be read.
//!
//! A [`Drawing`] is a tree of boxes and a list of figures; `text`, `dot` and `svg` write it down. A fan-out of thousands is shown by
//! its first ways and a count of the others, and a tree of thousands of nodes by those next to the root ([`Limits`]).
//! Nothing is left out silently: what is not drawn is counted where it would stand.

mod dot;
mod edges;
mod svg;
mod text;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use tollgate_runtime::index::{Base, Feature, Shown, ShownKind};

use crate::cost::Costs;
use crate::entities::{DataId, FuncId, IndexId, SiteId};
use crate::instructions::Inst;
use crate::module::{Def, Module, Policy, Site, Terminator};
use crate::rule_index::RuleIndex;
use crate::types::{Type, TypeData};

pub use dot::dot;
pub use edges::{Edge, edges};
pub use svg::svg;
pub use text::text;

/// The label of the edge to the rows that say nothing about what a node asks.
const REST: &str = "rest";

/// How much of an index is drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Ways out of one node, the rest aside, and rules in one leaf.
    pub ways: usize,
    /// Boxes in all.
    pub boxes: usize,
    /// Characters of a name or a label.
    pub chars: usize,
}

impl Limits {
    /// Everything.
    pub const NONE: Limits = Limits {
        ways: usize::MAX,
        boxes: usize::MAX,
        chars: usize::MAX,
    };
    /// What fits a few screens.
    pub const TEXT: Limits = Limits {
        ways: 8,
        boxes: 400,
        chars: 72,
    };
    /// What fits a picture.
    pub const PICTURE: Limits = Limits {
        ways: 5,
        boxes: 60,
        chars: 60,
    };
}

/// A rule set as it is drawn.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Drawing {
    /// Its name, policy and size, and how its rules are found.
    pub title: String,
    /// Its features: a name, and how it is read. Empty where rules are not searched.
    pub features: Vec<(String, String)>,
    /// The boxes, the first the root; each stands behind the one it hangs from. Empty where rules are not searched.
    pub boxes: Vec<DrawnBox>,
    /// What the index consists of: what is counted, how much, and what that means.
    pub figures: Vec<(&'static str, String, &'static str)>,
}

/// One node as it is drawn.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DrawnBox {
    /// What stands in it.
    pub shows: Shows,
    /// Where it leads: a label and the number of a box.
    pub edges: Vec<(String, usize)>,
    /// How many more ways out there are.
    pub more: usize,
}

/// What stands in a box.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Shows {
    /// A node that asks for a feature.
    Asks {
        /// The feature's name.
        feature: String,
        /// The kind of access structure.
        access: &'static str,
        /// Ways out in all, the rest aside.
        ways: usize,
        /// Where nothing below is drawn: how many nodes and filed rows there are.
        below: Option<(usize, usize)>,
    },
    /// A leaf.
    Rules {
        /// Names of rules, in order, and how many checks are left for each.
        rules: Vec<(String, u32)>,
        /// How many more rules it holds.
        more: usize,
    },
}

impl Drawing {
    /// A rule set that is asked rule by rule, and why.
    pub fn chain(name: &str, policy: Policy, rules: usize, why: &str) -> Drawing {
        Drawing {
            title: format!(
                "{}: asked one after the other ({why})",
                title(name, policy, rules)
            ),
            features: Vec::new(),
            boxes: Vec::new(),
            figures: Vec::new(),
        }
    }

    /// An index of a verified module. `costs` are the module's; `chain` is what the plain chain would cost at worst, if that is known.
    /// Linear in the index.
    pub fn index(
        module: &Module,
        costs: &Costs,
        id: IndexId,
        chain: Option<u64>,
        limits: Limits,
    ) -> Drawing {
        let index = &module.indexes[id];
        let decider = &*index.decider;
        let nodes = decider.index.nodes();
        let features = decider.index.features().iter().enumerate();
        let features = features.map(|(i, feature)| {
            let how = match feature {
                Feature::Path { .. } => "read in place".into(),
                Feature::Computed(number) => {
                    let func = index.functions[*number as usize];
                    format!("computed, {} steps", count(costs.func(func)))
                }
            };
            (name(index, i as u32, limits), how)
        });
        let how = match decider.finder {
            Some(_) => "in machine code, which finds what this search would",
            None => "searched",
        };
        Drawing {
            title: format!(
                "{}: {how}",
                title(&index.name, decider.policy, decider.rules.len())
            ),
            features: features.collect(),
            boxes: boxes(module, index, &nodes, limits),
            figures: figures(index, costs.index(id), chain),
        }
    }
}

/// A number with commas between groups of three digits.
pub fn count(number: impl TryInto<u64>) -> String {
    let digits = number.try_into().unwrap_or(u64::MAX).to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 rule`, `2 rules`.
fn counted(number: usize, what: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{} {what}{s}", count(number as u64))
}

fn title(name: &str, policy: Policy, rules: usize) -> String {
    let policy = crate::text::policy_name(policy);
    format!("ruleset {name}, hit {policy}, {}", counted(rules, "rule"))
}

fn figures(
    index: &RuleIndex,
    steps: u64,
    chain: Option<u64>,
) -> Vec<(&'static str, String, &'static str)> {
    let size = index.decider.index.size();
    let number = |n: usize| count(n as u64);
    let mut figures = vec![
        ("rules", number(index.decider.rules.len()), "as written"),
        ("rows", number(size.rows), "conjunctions they became"),
        ("nodes", number(size.nodes), "of the tree, leaves included"),
        (
            "filed",
            number(size.filed),
            "rows in leaves, repeated ones too",
        ),
        (
            "longest leaf",
            number(size.longest),
            "rows looked at one by one",
        ),
        (
            "unsplit",
            number(size.unsplit),
            "rows left together because the budget was spent",
        ),
        (
            "depth",
            number(size.depth as usize),
            "nodes above one another",
        ),
        ("bytes", number(size.bytes), "without the patterns"),
        (
            "steps",
            count(steps),
            "of a decision at worst, outcomes included",
        ),
    ];
    if let Some(chain) = chain {
        let why = "steps of the plain chain at worst; neither is optimized";
        figures.push(("chain", count(chain), why));
    }
    figures
}

/// The name of a feature, on one line.
fn name(index: &RuleIndex, feature: u32, limits: Limits) -> String {
    match index.names.get(feature as usize) {
        Some(name) if !name.is_empty() => line(name, limits),
        _ => match index.decider.index.features().get(feature as usize) {
            Some(feature) => feature.to_string(),
            None => format!("f{feature}"),
        },
    }
}

/// Text that stands on one line: shortened, and without what a terminal would obey.
fn line(text: &str, limits: Limits) -> String {
    let mut line = String::new();
    for (i, c) in text.chars().enumerate() {
        if i == limits.chars {
            line.push('…');
            break;
        }
        match c.is_control() {
            true => line.extend(c.escape_default()),
            false => line.push(c),
        }
    }
    line
}

/// The boxes next to the root, breadth first.
fn boxes(module: &Module, index: &RuleIndex, nodes: &[Shown], limits: Limits) -> Vec<DrawnBox> {
    let below = below(nodes);
    let mut boxes: Vec<DrawnBox> = Vec::new();
    // A node, and the box that leads to it by the label.
    let mut waiting: VecDeque<(u32, Option<(usize, String)>)> = VecDeque::from([(0, None)]);
    while let Some((node, from)) = waiting.pop_front() {
        let at = boxes.len();
        let Some(shown) = nodes.get(node as usize) else {
            continue;
        };
        if let Some((from, label)) = from {
            boxes[from].edges.push((label, at));
        }
        let mut drawn = DrawnBox {
            shows: shows(module, index, shown, limits),
            edges: Vec::new(),
            more: 0,
        };
        if let ShownKind::Branch { feature, .. } = &shown.kind {
            let ways = shown.edges.iter().filter(|(label, _)| label != REST);
            let rest = shown.edges.iter().filter(|(label, _)| label == REST);
            let drawn_ways: Vec<_> = ways.take(limits.ways).chain(rest).collect();
            // Those that wait are boxes to be.
            let taken = boxes.len() + 1 + waiting.len();
            if taken.saturating_add(drawn_ways.len()) > limits.boxes.max(1) {
                if let Shows::Asks { below: of, .. } = &mut drawn.shows {
                    *of = Some(below[node as usize]);
                }
            } else {
                let variants = variants(module, index, *feature);
                drawn.more = shown.edges.len() - drawn_ways.len();
                for (label, child) in drawn_ways {
                    let label = match variant(module, variants, label) {
                        Some(name) => name.to_owned(),
                        None => line(label, limits),
                    };
                    waiting.push_back((*child, Some((at, label))));
                }
            }
        }
        boxes.push(drawn);
    }
    boxes
}

fn shows(module: &Module, index: &RuleIndex, shown: &Shown, limits: Limits) -> Shows {
    match &shown.kind {
        ShownKind::Branch { feature, access } => Shows::Asks {
            feature: name(index, *feature, limits),
            access,
            ways: shown.edges.iter().filter(|(l, _)| l != REST).count(),
            below: None,
        },
        ShownKind::Leaf(rules) => {
            let named = |(rule, checks): &(u32, u32)| {
                let site = index.decider.rule(*rule);
                let site = site.and_then(|r| module.sites.get(SiteId(r.mark.0)));
                let name = match site {
                    Some(Site::Rule { rule, .. }) => line(rule, limits),
                    _ => format!("rule {rule}"),
                };
                (name, *checks)
            };
            Shows::Rules {
                rules: rules.iter().take(limits.ways).map(named).collect(),
                more: rules.len().saturating_sub(limits.ways),
            }
        }
    }
}

/// How many nodes, itself included, and filed rows there are below each node. Children stand behind their parents.
fn below(nodes: &[Shown]) -> Vec<(usize, usize)> {
    let mut below = vec![(1usize, 0usize); nodes.len()];
    for (at, node) in nodes.iter().enumerate().rev() {
        if let ShownKind::Leaf(rules) = &node.kind {
            below[at].1 = rules.len();
        }
        for (_, child) in &node.edges {
            if let Some((nodes, rows)) = below.get(*child as usize).copied() {
                below[at].0 = below[at].0.saturating_add(nodes);
                below[at].1 = below[at].1.saturating_add(rows);
            }
        }
    }
    below
}

/// The enum whose variants' numbers a feature has.
fn variants(module: &Module, index: &RuleIndex, feature: u32) -> Option<Type> {
    let features = index.decider.index.features();
    match features.get(feature as usize)? {
        Feature::Path {
            base,
            steps,
            tag: true,
        } => {
            let base = match base {
                Base::Param(n) => *index.params.get(*n as usize)?,
                Base::Data(n) => module.data.get(DataId(*n))?.ty,
                Base::Id | Base::Time => return None,
            };
            steps
                .iter()
                .try_fold(base, |ty, step| match module.types.get(held(module, ty)) {
                    TypeData::Record(id) => {
                        let fields = &module.types.records[id].fields;
                        fields.get(*step as usize).map(|f| f.ty)
                    }
                    _ => None,
                })
        }
        Feature::Path { .. } => None,
        Feature::Computed(number) => returned_tag(module, *index.functions.get(*number as usize)?),
    }
}

/// The type of what a function returns the variant's number of.
fn returned_tag(module: &Module, func: FuncId) -> Option<Type> {
    let func = module.funcs.get(func)?;
    let block = func.blocks.values().next_back()?;
    let Terminator::Return(val) = block.term else {
        return None;
    };
    let Def::Inst(inst) = func.vals.get(val)?.def else {
        return None;
    };
    match &func.insts.get(inst)?.inst {
        Inst::Tag { a } => Some(func.ty(*a)),
        _ => None,
    }
}

/// The name of the variant that a label is the number of.
fn variant<'m>(module: &'m Module, of: Option<Type>, label: &str) -> Option<&'m str> {
    let TypeData::Enum(id) = module.types.get(held(module, of?)) else {
        return None;
    };
    let tag: usize = label.parse().ok()?;
    let variant = module.types.enums[id].variants.get(tag)?;
    Some(&variant.name)
}

/// What an optional holds; any other type itself.
fn held(module: &Module, ty: Type) -> Type {
    match module.types.get(ty) {
        TypeData::Opt(of) => of,
        _ => ty,
    }
}
