//! Random modules that verify.

mod writer;

use tollgate_ir::builder::FuncBuilder;
use tollgate_ir::entities::{FuncId, GroupId, IndexVec, PlaceId, RuleSetId, SiteId, StateId};
use tollgate_ir::instructions::Inst;
use tollgate_ir::module::{
    Data, Entry, Group, Module, Operation, Otherwise, Policy, Rule, RuleSet, Site, State,
    StatePlace, Target,
};
use tollgate_ir::types::{EnumData, FieldData, RecordData, Type, TypeData, VariantData};
use tollgate_runtime::kinds::net::{Cidr, Ip};
use tollgate_runtime::pattern::{PathPattern, Regex};
use tollgate_runtime::{Pattern, Value, schema};

use self::writer::Writer;

/// The generator of Knuth's MMIX: the same everywhere.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        random.below(1);
        random
    }

    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % n as u64) as usize
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    fn int(&mut self) -> i64 {
        self.pick(&[
            0,
            0,
            0,
            1,
            1,
            1,
            5,
            5,
            -4,
            1_000_000_000,
            i64::MAX,
            i64::MIN,
            1 << 53,
        ])
    }

    fn float(&mut self) -> f64 {
        self.pick(&[0.0, 1.0, -1.0, 0.5, 3.25, -1.5e308, 1.5e308, 1e-300])
    }

    fn text(&mut self) -> &'static str {
        self.pick(&["", "a", "GET", "/carts/7", "/carts/7/items", "c_42", "é"])
    }

    /// A value of a type; small, so that equal ones come up.
    pub(crate) fn value(&mut self, module: &Module, ty: Type) -> Value {
        let count = self.below(4);
        match module.types.get(ty) {
            TypeData::Bool => Value::Bool(self.chance(50)),
            TypeData::Int => Value::Int(self.int()),
            TypeData::Float => Value::Float(self.float()),
            TypeData::Str => Value::str(self.text()),
            TypeData::Bytes => Value::Bytes(self.text().as_bytes().into()),
            TypeData::Ip => {
                let text = self.pick(&["10.0.0.1", "::1"]);
                Value::Ip(text.parse::<Ip>().expect("an address"))
            }
            TypeData::Cidr => {
                let text = self.pick(&["10.0.0.0/8", "::/0"]);
                Value::Cidr(text.parse::<Cidr>().expect("a network"))
            }
            TypeData::Opt(of) => match self.chance(40) {
                true => Value::None,
                false => self.value(module, of),
            },
            TypeData::List(of) => Value::seq((0..count).map(|_| self.value(module, of))),
            TypeData::Set(of) => Value::set((0..count).map(|_| self.value(module, of))),
            TypeData::Map(k, v) => {
                Value::map((0..count).map(|_| (self.value(module, k), self.value(module, v))))
            }
            TypeData::Record(id) => {
                let fields = &module.types.records[id].fields;
                Value::seq(fields.iter().map(|f| self.value(module, f.ty)))
            }
            TypeData::Enum(id) => {
                let variants = &module.types.enums[id].variants;
                let tag = self.below(variants.len());
                let fields = variants[tag].fields.iter();
                let fields = fields.map(|f| self.value(module, f.ty)).collect();
                Value::Variant(tag as u32, fields)
            }
        }
    }
}

/// A module whose entries are its rule sets and a function that may call them.
pub(crate) fn module(seed: u64) -> Module {
    let mut module = Module::default();
    let types = declare(&mut module);
    let random = &mut Random::new(seed);
    let params: Vec<Type> = (0..2 + random.below(3))
        .map(|_| random.pick(&types))
        .collect();
    // What `any` and `fold` can apply.
    for (i, ty) in [Type::INT, Type::STR].into_iter().enumerate() {
        let bool = Type::BOOL;
        let with = [ty, Type::INT];
        function(&mut module, random, &format!("has{i}"), &[ty], bool, 2);
        function(&mut module, random, &format!("has_with{i}"), &with, bool, 2);
        let fold = [Type::INT, ty];
        function(
            &mut module,
            random,
            &format!("fold{i}"),
            &fold,
            Type::INT,
            2,
        );
    }
    for i in 0..random.below(3) {
        let result = random.pick(&types);
        let name = format!("helper{i}");
        function(&mut module, random, &name, &params, result, 4);
    }
    for i in 0..1 + random.below(2) {
        rule_set(&mut module, random, &format!("set{i}"), &params, &types);
    }
    let b = FuncBuilder::new(&mut module, "main", &params, Type::INT);
    let mut writer = Writer::new(b, random);
    writer.region(20, 2);
    writer.ret_all();
    let main = writer.finish();
    let rules = module.rulesets.iter();
    let mut targets: Vec<_> = rules
        .map(|(id, r)| (r.name.clone(), Target::Rules(id)))
        .collect();
    targets.push(("main".into(), Target::Func(main)));
    for (name, target) in targets {
        let result = module.schema.add(schema::Type::Bool);
        module.entries.push(Entry {
            name,
            target,
            params: Vec::new(),
            result,
            decides: Default::default(),
        });
    }
    module
}

/// A condition that asks a state where another one holds, and holds as that answers.
fn asking(module: &mut Module, random: &mut Random, cond: FuncId) -> FuncId {
    let func = &module.funcs[cond];
    let params: Vec<Type> = func.params().iter().map(|v| func.ty(*v)).collect();
    let name = format!("asks{}", module.funcs.len());
    let mut b = FuncBuilder::new(module, name, &params, Type::BOOL);
    let args = b.params().to_vec();
    let holds = b.call(cond, &args);
    let (yes, no) = (b.block(&[]), b.block(&[]));
    b.br(holds, (yes, &[]), (no, &[]));
    b.switch_to(yes);
    let mut answer = b.bconst(true);
    for _ in 0..1 + random.below(2) {
        let n = b.iconst(random.int());
        let place = PlaceId(random.below(2) as u32);
        let args = [n].into();
        answer = b.ins(Inst::Ask { place, args });
    }
    b.ret(answer);
    b.switch_to(no);
    let never = b.bconst(false);
    b.ret(never);
    b.finish()
}

/// Types to draw from; patterns, data, states and sites.
fn declare(module: &mut Module) -> Vec<Type> {
    let field = |name: &str, ty| FieldData {
        name: name.into(),
        ty,
    };
    let variant = |name: &str, fields| VariantData {
        name: name.into(),
        fields,
    };
    let record = module.types.records.push(RecordData {
        name: "R".into(),
        fields: vec![
            field("x", Type::INT),
            field("flag", Type::BOOL),
            field("s", Type::STR),
        ],
    });
    let an_enum = module.types.enums.push(EnumData {
        name: "E".into(),
        variants: vec![
            variant("nothing", vec![]),
            variant("number", vec![field("n", Type::INT)]),
            variant("pair", vec![field("s", Type::STR), field("n", Type::INT)]),
        ],
    });
    let path = PathPattern::parse("/carts/{id}/**").expect("a pattern");
    module.pattern(Pattern::Path(path.into()));
    let regex = Regex::parse("c_(?<n>[0-9]+)").expect("a pattern");
    module.pattern(Pattern::Regex(regex.into()));
    module.states.push(State { name: "s".into() });
    for rule in ["a", "b"] {
        module.places.push(StatePlace {
            rule: rule.into(),
            operation: Operation::Enter,
            states: vec![StateId(0)],
            params: vec![Type::INT],
            result: Type::BOOL,
        });
    }
    module.data.push(Data {
        name: "limit".into(),
        ty: Type::INT,
        schema: None,
    });
    for rule in ["r0", "r1", "r2", "r3", "r4", "r5"] {
        module.sites.push(Site::Rule {
            ruleset: "set".into(),
            rule: rule.into(),
        });
    }
    let types = &mut module.types;
    let record = types.intern(TypeData::Record(record));
    let an_enum = types.intern(TypeData::Enum(an_enum));
    vec![
        Type::INT,
        Type::INT,
        Type::BOOL,
        Type::FLOAT,
        Type::STR,
        Type::IP,
        record,
        an_enum,
        types.opt(Type::INT),
        types.opt(Type::STR),
        types.opt(record),
        types.list(Type::INT),
        types.list(Type::STR),
        types.intern(TypeData::Set(Type::STR)),
        types.intern(TypeData::Set(Type::CIDR)),
        types.intern(TypeData::Map(Type::STR, Type::INT)),
    ]
}

fn function(
    module: &mut Module,
    random: &mut Random,
    name: &str,
    params: &[Type],
    result: Type,
    size: usize,
) -> FuncId {
    let b = FuncBuilder::new(module, name, params, result);
    let mut writer = Writer::new(b, random);
    writer.region(size, 2);
    writer.ret(result);
    writer.finish()
}

fn rule_set(
    module: &mut Module,
    random: &mut Random,
    name: &str,
    params: &[Type],
    types: &[Type],
) -> RuleSetId {
    let policy = random.pick(&[
        Policy::First,
        Policy::Unique,
        Policy::Any,
        Policy::All,
        Policy::Best,
        Policy::Sum,
    ]);
    let mut outcome = match policy {
        Policy::Sum => random.pick(&[Type::INT, Type::FLOAT]),
        _ => random.pick(types),
    };
    if policy == Policy::All && matches!(module.types.get(outcome), TypeData::Opt(_)) {
        outcome = Type::INT;
    }
    let result = match policy {
        Policy::All => module.types.list(outcome),
        _ => outcome,
    };
    let asks = random.chance(30);
    let mut funcs = 0;
    let mut func = |module: &mut Module, random: &mut Random, result, key: bool| {
        funcs += 1;
        let name = format!("{name}.{funcs}");
        let params: Vec<Type> = params
            .iter()
            .copied()
            .chain(key.then_some(outcome))
            .collect();
        function(module, random, &name, &params, result, 4)
    };
    let mut groups: IndexVec<GroupId, Group> = IndexVec::new();
    let mut group: Option<GroupId> = None;
    let mut rules = Vec::new();
    for i in 0..1 + random.below(6) {
        match random.below(5) {
            0 => {
                let cond = func(module, random, Type::BOOL, false);
                let cond = match asks && random.chance(15) {
                    true => asking(module, random, cond),
                    false => cond,
                };
                group = Some(groups.push(Group {
                    parent: group,
                    cond,
                }));
            }
            1 => group = group.and_then(|g| groups[g].parent),
            _ => {}
        }
        let always = random.chance(10);
        let cond = (!always).then(|| func(module, random, Type::BOOL, false));
        let cond = cond.map(|cond| match asks && random.chance(50) {
            true => asking(module, random, cond),
            false => cond,
        });
        let outcomes = match policy {
            Policy::All => 1 + random.below(2),
            _ => 1,
        };
        rules.push(Rule {
            name: format!("r{i}").into(),
            site: SiteId(i as u32),
            group,
            cond,
            outcomes: (0..outcomes)
                .map(|_| func(module, random, outcome, false))
                .collect(),
        });
    }
    let covered = matches!(policy, Policy::All | Policy::Sum) || random.chance(20);
    let otherwise = (!covered).then(|| Otherwise {
        site: SiteId(5),
        outcome: func(module, random, outcome, false),
    });
    let key = (policy == Policy::Best).then(|| func(module, random, Type::INT, true));
    module.rulesets.push(RuleSet {
        name: name.into(),
        params: params.to_vec(),
        result,
        policy,
        groups,
        rules,
        otherwise,
        key,
    })
}
