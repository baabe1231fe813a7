//! Cedar: a policy a rule. Its answer names every policy that permits; the first in the order of the rules is the least.

use cedar_policy::{
    Authorizer, Context, Entities, EntityUid, Policy as CedarPolicy, PolicyId, PolicySet,
    Request as CedarRequest, RestrictedExpression as Value,
};
use tollgate_workloads::{Kind, Policy, Test, Value as Fact, Workload};

use super::words::{joined, list};
use crate::peer::{Engine, Kept, Peer, Source, is_shed, load};

struct Cedar {
    workload: &'static Workload,
    policies: PolicySet,
    authorizer: Authorizer,
    entities: Entities,
    /// Who asks, to do what, on what: the same every time.
    asked: [EntityUid; 3],
}

pub fn build(workload: &'static Workload) -> Result<Box<dyn Peer>, String> {
    let mut policies = PolicySet::new();
    for (i, rule) in workload.rules.iter().enumerate() {
        let condition = joined(workload, rule, " && ", |name, atom| words(name, &atom.test))?;
        let text = format!("permit(principal, action, resource) when {{ {condition} }};");
        let policy = CedarPolicy::parse(Some(PolicyId::new(i.to_string())), text);
        policies
            .add(policy.map_err(|e| e.to_string())?)
            .map_err(|e| e.to_string())?;
    }
    let uid = |text: &str| text.parse::<EntityUid>().map_err(|e| e.to_string());
    let engine = Cedar {
        workload,
        policies,
        authorizer: Authorizer::new(),
        entities: Entities::empty(),
        asked: [
            uid("User::\"u\"")?,
            uid("Action::\"a\"")?,
            uid("Thing::\"t\"")?,
        ],
    };
    Ok(Kept::boxed(engine, workload))
}

fn words(name: &str, test: &Test) -> Result<String, String> {
    Ok(match test {
        Test::Is(text) => format!("context.{name} == \"{text}\""),
        Test::IsNot(text) => format!("context.{name} != \"{text}\""),
        Test::OneOf(texts) => format!("[{}].contains(context.{name})", list(texts, '"', ", ")),
        Test::Under(prefix) => format!("context.{name} like \"{prefix}/*\""),
        Test::Segments(_) => {
            return Err("its `like` has no pattern for one segment of a path".into());
        }
        Test::Holds(_) => return Err("it has no regular expressions".into()),
        Test::Inside(net, bits) => format!("context.{name}.isInRange(ip(\"{net}/{bits}\"))"),
        Test::AtLeast(least) => format!("context.{name} >= {least}"),
        Test::Between(lo, hi) => format!("context.{name} >= {lo} && context.{name} <= {hi}"),
        Test::True => format!("context.{name}"),
    })
}

impl Engine for Cedar {
    type Form = (CedarRequest, i64);

    fn form(&self, from: &'static dyn Source) -> Self::Form {
        let pairs = self.workload.fields.iter().enumerate().map(|(i, field)| {
            let value = match from.get(i) {
                Fact::Text(text) => Value::new_string(text.clone()),
                Fact::Ip(ip) => Value::new_ip(ip.to_string()),
                Fact::Int(n) => Value::new_long(*n),
                Fact::Bool(b) => Value::new_bool(*b),
                Fact::Missing => Value::new_string(String::new()),
            };
            debug_assert!(field.kind != Kind::Ip || matches!(from.get(i), Fact::Ip(_)));
            (field.name.clone(), value)
        });
        let context = Context::from_pairs(pairs).expect("the names differ");
        let [who, what, on] = self.asked.clone();
        let request = CedarRequest::new(who, what, on, context, None).expect("there is no schema");
        (request, load(self.workload, from))
    }

    fn decide(&mut self, (request, load): &mut Self::Form, out: &mut Vec<u32>) {
        let response = self
            .authorizer
            .is_authorized(request, &self.policies, &self.entities);
        let permits = response.diagnostics().reason();
        let permits = permits.filter_map(|id| AsRef::<str>::as_ref(id).parse::<u32>().ok());
        match self.workload.policy {
            Policy::First => out.extend(permits.min()),
            Policy::All => {
                out.extend(permits);
                out.sort_unstable();
            }
            Policy::Shed { .. } => {
                let points = permits
                    .map(|rule| self.workload.rules[rule as usize].weight)
                    .sum();
                out.extend(is_shed(points, *load).then_some(0));
            }
        }
    }
}
