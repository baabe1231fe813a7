//! Who decided: the marks of a decision, in names.

use tollgate_runtime::Mark;

use crate::entities::{IndexVec, SiteId};
use crate::module::Site;

/// How many rules of an entry can decide.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// One.
    One,
    /// Any number: `all` and `sum`.
    Many,
    /// A pipeline: those of its last stage.
    Stages,
}

/// What a mark is called: `rule`, `stage.rule`, or `stage` where no rule set decided it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Decider<'s> {
    stage: Option<&'s str>,
    rule: Option<&'s str>,
}

impl<'s> Decider<'s> {
    /// What its name is written of, one behind the other.
    pub fn parts(self) -> [&'s str; 3] {
        let dot = match (self.stage, self.rule) {
            (Some(_), Some(_)) => ".",
            _ => "",
        };
        [self.stage.unwrap_or(""), dot, self.rule.unwrap_or("")]
    }
}

/// Who decided, in the order of the source; `otherwise` where no rule matched. For a pipeline they are those of the last stage that ran, or
/// its name alone where no rule set decided it.
///
/// ```
/// use tollgate_ir::entities::IndexVec;
/// use tollgate_ir::module::Site;
/// use tollgate_ir::trace::{Shape, deciders};
/// use tollgate_runtime::Mark;
/// let sites: IndexVec<_, Site> = [
///     Site::Stage { pipeline: "edge".into(), stage: "door".into() },
///     Site::Rule { ruleset: "admin".into(), rule: "stale".into() },
/// ].into_iter().collect();
/// let marks = [Mark(0), Mark(1)];
/// let names: Vec<String> = deciders(&sites, &marks, Shape::Stages).map(|d| d.parts().concat()).collect();
/// assert_eq!(names, ["door.stale"]);
/// ```
pub fn deciders<'s>(
    sites: &'s IndexVec<SiteId, Site>,
    marks: &'s [Mark],
    shape: Shape,
) -> impl Iterator<Item = Decider<'s>> {
    let site = |mark: &Mark| sites.get(SiteId(mark.0));
    let stage_of = |mark: &Mark| match site(mark) {
        Some(Site::Stage { stage, .. }) => Some(&**stage),
        _ => None,
    };
    let (stage, rules) = match shape {
        Shape::Stages => {
            let marks_back = marks.iter().enumerate().rev();
            let mut stages = marks_back.filter_map(|(i, mark)| Some((i, stage_of(mark)?)));
            stages
                .next()
                .map_or((None, marks), |(at, stage)| (Some(stage), &marks[at + 1..]))
        }
        Shape::One | Shape::Many => (None, marks),
    };
    let shadow = rules.iter().any(|mark| is_shadow(site(mark)));
    // What a shadow decided is told apart; its value is that of `otherwise`.
    let rules = if shadow { &[] } else { rules };
    let none = shadow && shape != Shape::Many;
    let none = none.then_some(Decider {
        stage,
        rule: Some("otherwise"),
    });
    let alone = stage.filter(|_| rules.is_empty() && !shadow);
    let alone = alone.map(|_| Decider { stage, rule: None });
    let rules = rules.iter().filter_map(site).filter_map(move |site| {
        let rule = match site {
            Site::Rule { rule, .. } => &**rule,
            Site::Otherwise { .. } => "otherwise",
            Site::Stage { .. } | Site::Shadow { .. } => return None,
        };
        let rule = Some(rule);
        Some(Decider { stage, rule })
    });
    alone.into_iter().chain(none).chain(rules)
}

/// The rules that decided in shadow mode, so that their outcomes do not count, of every stage.
pub fn shadows<'s>(sites: &'s IndexVec<SiteId, Site>, marks: &[Mark]) -> Vec<Decider<'s>> {
    let (mut shadows, mut rules, mut stage) = (Vec::new(), Vec::new(), None);
    for site in marks.iter().filter_map(|m| sites.get(SiteId(m.0))) {
        match site {
            Site::Stage { stage: name, .. } => {
                stage = Some(&**name);
                rules.clear();
            }
            Site::Shadow { .. } => shadows.append(&mut rules),
            Site::Rule { rule, .. } => rules.push(Decider {
                stage,
                rule: Some(rule),
            }),
            Site::Otherwise { .. } => {}
        }
    }
    shadows
}

fn is_shadow(site: Option<&Site>) -> bool {
    matches!(site, Some(Site::Shadow { .. }))
}
