//! LuaJIT: a chain of `if`s as an OpenResty user writes it, and a table of rules by host or event, also by hand.
//!
//! Kept requests are Lua tables, and Lua loops over them: that is its best case, for the loop is compiled with the rules.

use std::ops::Range;

use mlua::{Function, Lua, Table};
use tollgate_workloads::{Policy, Rule, Test, Workload};

use super::words::{Plain, bounds, joined, path_expression, plain};
use crate::peer::{Http, Peer, Source};

/// Rules in one Lua function: a function may have only so many constants.
const CHUNK: usize = 400;

/// What stands around the rules. `decide(r, out)` gives how many rules it wrote.
const LOOP: &str = "
local sink = 0
function pass(requests, first, last, answers)
  local out = {}
  for i = first, last do
    local n = decide(requests[i], out)
    if answers then
      local answer = {}
      for k = 1, n do answer[k] = out[k] end
      answers[#answers + 1] = answer
    end
    sink = sink + n
  end
  return sink
end
local one = {}
function host(r, answers)
  local n = decide(r, one)
  if answers then
    local answer = {}
    for k = 1, n do answer[k] = one[k] end
    answers[#answers + 1] = answer
  end
  return n
end
";

pub fn chain(workload: &'static Workload) -> Result<Box<dyn Peer>, String> {
    let mut text = String::new();
    let chunks: Vec<&[Rule]> = workload.rules.chunks(CHUNK).collect();
    for (c, rules) in chunks.iter().enumerate() {
        text.push_str(&format!("function part{c}(r, out, n)\n"));
        for (k, rule) in rules.iter().enumerate() {
            let condition = joined(workload, rule, " and ", |name, atom| {
                words(name, &atom.test)
            })?;
            let i = c * CHUNK + k;
            let act = match workload.policy {
                Policy::First => format!("out[1] = {i} return 1"),
                Policy::All => format!("n = n + 1 out[n] = {i}"),
                Policy::Shed { .. } => format!("n = n + {}", rule.weight),
            };
            text.push_str(&format!("  if {condition} then {act} end\n"));
        }
        text.push_str("  return n\nend\n");
    }
    text.push_str("function decide(r, out)\n  local n = 0\n");
    for c in 0..chunks.len() {
        text.push_str(&format!("  n = part{c}(r, out, n)\n"));
        if workload.policy == Policy::First {
            text.push_str("  if n > 0 then return n end\n");
        }
    }
    text.push_str(match workload.policy {
        Policy::Shed { .. } => "  if n * 10000 < 1000000 - r.load * r.load * r.load then out[1] = 0 return 1 end\n  return 0\nend\n",
        _ => "  return n\nend\n",
    });
    build(workload, &text)
}

pub fn index(workload: &'static Workload) -> Result<Box<dyn Peer>, String> {
    let mut text = String::from("local t = {}\nlocal e\n");
    for (i, rule) in workload.rules.iter().enumerate() {
        let tests: Vec<&Test> = rule.atoms.iter().map(|atom| &atom.test).collect();
        // A function may have only so many constants, so that rules are added by functions.
        if i % CHUNK == 0 {
            text.push_str(if i > 0 {
                "end)();\n(function()\n"
            } else {
                ";(function()\n"
            });
        }
        text.push_str(&row(workload.family, i, &tests)?);
    }
    text.push_str("end)()\n");
    text.push_str(match workload.family {
        "gateway" => GATEWAY,
        _ => CAMPAIGN,
    });
    build(workload, &text)
}

/// A rule in the table of its host, or of its event and city.
fn row(family: &str, i: usize, tests: &[&Test]) -> Result<String, String> {
    match (family, tests) {
        (
            "gateway",
            [
                Test::Is(host),
                Test::Under(prefix),
                Test::OneOf(methods),
                rest @ ..,
            ],
        ) => {
            let methods: Vec<String> = methods.iter().map(|m| format!("{m} = true")).collect();
            let rest = rest.iter().map(|test| match test {
                Test::Inside(net, bits) => {
                    let (lo, hi) = bounds(*net, *bits);
                    format!(", lo = {lo}, hi = {hi}")
                }
                Test::Is(env) => format!(", env = \"{env}\""),
                other => panic!("{other:?} is in no gateway"),
            });
            Ok(format!(
                "  e = t[\"{host}\"] or {{}} t[\"{host}\"] = e\n  e[#e + 1] = {{p = \"{prefix}/\", l = {}, m = {{{}}}, id = {i}{}}}\n",
                prefix.len() + 1,
                methods.join(", "),
                rest.collect::<String>()
            ))
        }
        (
            "campaign" | "campaign-even",
            [
                Test::Is(event),
                Test::AtLeast(least),
                Test::OneOf(cities),
                Test::Between(lo, hi),
                rest @ ..,
            ],
        ) => {
            let tier = match rest {
                [Test::Is(tier)] => format!(", tier = \"{tier}\""),
                _ => String::new(),
            };
            let row = format!("{{least = {least}, lo = {lo}, hi = {hi}, id = {i}{tier}}}");
            let mut text =
                format!("  local row = {row}\n  local c = t.{event} or {{}} t.{event} = c\n");
            for city in cities {
                text.push_str(&format!(
                    "  e = c.{city} or {{}} c.{city} = e e[#e + 1] = row\n"
                ));
            }
            Ok(format!("  do\n{text}  end\n"))
        }
        (other, _) => Err(format!("nobody has written one for {other}")),
    }
}

const GATEWAY: &str = "
local sub = string.sub
function decide(r, out)
  local e = t[r.host]
  if not e then return 0 end
  for i = 1, #e do
    local x = e[i]
    if x.m[r.method] and sub(r.path, 1, x.l) == x.p and (not x.env or x.env == r.env)
       and (not x.lo or (r.client >= x.lo and r.client <= x.hi)) then
      out[1] = x.id
      return 1
    end
  end
  return 0
end
";

const CAMPAIGN: &str = "
function decide(r, out)
  local c = t[r.event]
  local e = c and c[r.city]
  if not e then return 0 end
  local n = 0
  for i = 1, #e do
    local x = e[i]
    if r.amount >= x.least and r.hour >= x.lo and r.hour <= x.hi and (not x.tier or x.tier == r.tier) then
      n = n + 1
      out[n] = x.id
    end
  end
  return n
end
";

fn words(name: &str, test: &Test) -> Result<String, String> {
    Ok(match test {
        Test::Is(text) => format!("r.{name} == \"{text}\""),
        Test::IsNot(text) => format!("r.{name} ~= \"{text}\""),
        Test::OneOf(texts) => {
            let texts: Vec<String> = texts
                .iter()
                .map(|t| format!("r.{name} == \"{t}\""))
                .collect();
            format!("({})", texts.join(" or "))
        }
        Test::Under(prefix) => format!(
            "string.sub(r.{name}, 1, {}) == \"{prefix}/\"",
            prefix.len() + 1
        ),
        Test::Segments(segments) => {
            let pattern = path_expression(segments, ".")
                .replace('-', "%-")
                .replace("(/.*)?", ".*");
            format!(
                "string.find(r.{name}, \"{}\")",
                pattern.replace('.', "%.").replace("%.*", ".*")
            )
        }
        Test::Holds(_) => {
            let find = |browser: &str| format!("string.find(r.{name}, \"{browser}/1%d%d%.\")");
            format!("({} or {})", find("Firefox"), find("Chrome"))
        }
        Test::Inside(net, bits) => {
            let (lo, hi) = bounds(*net, *bits);
            format!("r.{name} >= {lo} and r.{name} <= {hi}")
        }
        Test::AtLeast(least) => format!("r.{name} >= {least}"),
        Test::Between(lo, hi) => format!("r.{name} >= {lo} and r.{name} <= {hi}"),
        Test::True => format!("r.{name}"),
    })
}

struct Jit {
    workload: &'static Workload,
    lua: Lua,
    pass: Function,
    host: Function,
    requests: Table,
}

fn build(workload: &'static Workload, text: &str) -> Result<Box<dyn Peer>, String> {
    let shown = |e: mlua::Error| e.to_string().lines().next().unwrap_or_default().to_owned();
    let lua = Lua::new();
    lua.load(format!("{text}{LOOP}")).exec().map_err(shown)?;
    let requests = lua.create_table().map_err(shown)?;
    let (pass, host) = (
        lua.globals().get("pass").map_err(shown)?,
        lua.globals().get("host").map_err(shown)?,
    );
    let jit = Jit {
        workload,
        lua,
        pass,
        host,
        requests,
    };
    for (i, request) in workload.requests.iter().enumerate() {
        let table = jit.table(request).map_err(shown)?;
        jit.requests.set(i + 1, table).map_err(shown)?;
    }
    Ok(Box::new(jit))
}

impl Jit {
    fn table(&self, from: &dyn Source) -> mlua::Result<Table> {
        let fields = &self.workload.fields;
        let table = self.lua.create_table_with_capacity(0, fields.len())?;
        for (i, field) in fields.iter().enumerate() {
            let name = field.name.as_str();
            match plain(from.get(i)) {
                Plain::Text(text) => table.raw_set(name, text)?,
                Plain::Int(n) => table.raw_set(name, n)?,
                Plain::Bool(b) => table.raw_set(name, b)?,
            }
        }
        Ok(table)
    }

    fn answers(&self, wanted: bool) -> Option<Table> {
        wanted.then(|| self.lua.create_table().expect("a table can be made"))
    }
}

fn collect(table: Option<Table>, answers: Option<&mut Vec<Vec<u32>>>) {
    if let (Some(table), Some(answers)) = (table, answers) {
        let rows = table.sequence_values::<Vec<u32>>();
        answers.extend(rows.map(|row| row.expect("a list of numbers")));
    }
}

impl Peer for Jit {
    fn kept(&mut self, range: Range<usize>, answers: Option<&mut Vec<Vec<u32>>>) {
        let table = self.answers(answers.is_some());
        let arguments = (&self.requests, range.start + 1, range.end, table.clone());
        self.pass.call::<f64>(arguments).expect("the rules run");
        collect(table, answers);
    }

    fn host(&mut self, requests: &'static [Http], answers: Option<&mut Vec<Vec<u32>>>) {
        let table = self.answers(answers.is_some());
        for request in requests {
            let own = self.table(request).expect("a table can be made");
            self.host
                .call::<f64>((own, table.clone()))
                .expect("the rules run");
        }
        collect(table, answers);
    }
}
