//! Random programs: functions of blocks that jump forward, and call the functions before them.

use tollgate_ir::asks::Asks;
use tollgate_ir::builder::FuncBuilder;
use tollgate_ir::entities::{Block, FuncId, PlaceId, StateId, Val};
use tollgate_ir::instructions::Inst;
use tollgate_ir::module::{Jump, Module, Operation, Site, State, StatePlace};
use tollgate_ir::operand::{Cc, Imm, Index};
use tollgate_ir::types::{FieldData, RecordData, Type, TypeData};
use tollgate_runtime::Value;

use crate::{Rng, WEIGH};

/// The types that random programs compute with.
struct Kinds {
    all: Vec<Type>,
    opt: Type,
    list: Type,
    set: Type,
    record: Type,
}

/// A module of functions that call the ones before them; not yet verified.
pub fn module(rng: &mut Rng) -> Module {
    let mut module = Module::default();
    let fields = [("a", Type::INT), ("b", Type::STR)];
    let record = module.types.records.push(RecordData {
        name: "R".into(),
        fields: fields
            .map(|(name, ty)| FieldData {
                name: name.into(),
                ty,
            })
            .into(),
    });
    let types = &mut module.types;
    let kinds = Kinds {
        opt: types.opt(Type::INT),
        list: types.list(Type::INT),
        set: types.intern(TypeData::Set(Type::INT)),
        record: types.intern(TypeData::Record(record)),
        all: Vec::new(),
    };
    let all = vec![
        Type::INT,
        Type::BOOL,
        Type::STR,
        kinds.opt,
        kinds.list,
        kinds.set,
        kinds.record,
    ];
    let kinds = Kinds { all, ..kinds };
    module.sites.push(Site::Otherwise {
        ruleset: "r".into(),
    });
    let name = "s".into();
    module.states.push(State { name });
    for (params, result) in [
        (vec![Type::STR, Type::INT], kinds.record),
        (vec![Type::BOOL], Type::BOOL),
        (vec![Type::STR], kinds.opt),
    ] {
        module.places.push(StatePlace {
            rule: "r".into(),
            operation: Operation::Take,
            states: vec![StateId(0)],
            params,
            result,
        });
    }
    let mut funcs = Vec::new();
    for i in 0..1 + rng.below(4) {
        let params: Vec<Type> = (0..rng.below(5)).map(|_| *rng.pick(&kinds.all)).collect();
        let result = *rng.pick(&kinds.all);
        let mut builder = FuncBuilder::new(&mut module, format!("f{i}"), &params, result);
        body(&mut builder, &kinds, &funcs, result, rng);
        let func = builder.finish();
        let asks = Asks::new(&module).func(func) > 0;
        funcs.push((func, params, result, asks));
    }
    module
}

/// A function, its parameters and result, and whether it asks states.
type Callee = (FuncId, Vec<Type>, Type, bool);

/// Blocks that jump to later ones. A block uses its parameters, those of the entry, and what the entry computed.
fn body(b: &mut FuncBuilder<'_>, kinds: &Kinds, funcs: &[Callee], result: Type, rng: &mut Rng) {
    let entry = b.current();
    let mut blocks: Vec<(Block, Vec<Type>)> = vec![(entry, Vec::new())];
    for _ in 0..rng.below(9) {
        let params: Vec<Type> = (0..rng.below(4)).map(|_| *rng.pick(&kinds.all)).collect();
        blocks.push((b.block(&params), params));
    }
    let mut common = b.params().to_vec();
    for i in 0..blocks.len() {
        let block = blocks[i].0;
        b.switch_to(block);
        let mut values = common.clone();
        values.extend(b.block_params(block));
        for _ in 0..rng.below(12) {
            inst(b, kinds, funcs, &mut values, rng);
        }
        if i == 0 {
            common.clone_from(&values);
        }
        let mut target = |b: &mut FuncBuilder<'_>, rng: &mut Rng| -> Jump {
            let (block, params) = blocks[i + 1 + rng.below(blocks.len() - i - 1)].clone();
            let args = params.iter().map(|ty| value(b, &mut values, *ty, rng));
            Jump {
                block,
                args: args.collect(),
            }
        };
        if i + 1 == blocks.len() || rng.below(8) == 0 {
            let word = value(b, &mut values, result, rng);
            b.ret(word);
            continue;
        }
        match rng.below(4) {
            0 => {
                let to = target(b, rng);
                b.jump(to.block, &to.args);
            }
            1 => {
                let cases: Vec<(i64, Jump)> =
                    [-1, 0, 1, 7].map(|case| (case, target(b, rng))).into();
                let default = target(b, rng);
                let on = value(b, &mut values, Type::INT, rng);
                b.switch(on, cases, default);
            }
            _ => {
                let (yes, no) = (target(b, rng), target(b, rng));
                let cond = test(b, kinds, &mut values, rng);
                b.br(cond, (yes.block, &yes.args), (no.block, &no.args));
            }
        }
    }
}

/// A value of a type: one there is, or a new one.
fn value(b: &mut FuncBuilder<'_>, values: &mut Vec<Val>, ty: Type, rng: &mut Rng) -> Val {
    let known: Vec<Val> = values.iter().copied().filter(|v| b.ty(*v) == ty).collect();
    if !known.is_empty() && rng.below(4) > 0 {
        return *rng.pick(&known);
    }
    let made = match b.module().types.get(ty) {
        TypeData::Int => b.iconst(rng.below(5) as i64 - 1),
        TypeData::Bool => b.bconst(rng.below(2) == 0),
        TypeData::Str => b.sconst(["", "a", "GET"][rng.below(3)]),
        TypeData::Opt(_) => match known.is_empty() {
            true => b.ins(Inst::None { ty }),
            false => *rng.pick(&known),
        },
        TypeData::Set(_) => b.konst(ty, Value::set((0..3).map(Value::Int))),
        TypeData::List(_) => {
            let a = value(b, values, Type::INT, rng);
            let items = [a, a].into();
            b.ins(Inst::List { ty, items })
        }
        _ => {
            let x = value(b, values, Type::INT, rng);
            let y = value(b, values, Type::STR, rng);
            let fields = [x, y].into();
            b.ins(Inst::Record { ty, fields })
        }
    };
    values.push(made);
    made
}

/// A condition, often one that is only used here.
fn test(b: &mut FuncBuilder<'_>, kinds: &Kinds, values: &mut Vec<Val>, rng: &mut Rng) -> Val {
    let mut get = |b: &mut FuncBuilder<'_>, ty, rng: &mut Rng| value(b, values, ty, rng);
    let cc = *rng.pick(&Cc::ALL);
    match rng.below(9) {
        0 => get(b, Type::BOOL, rng),
        1 => {
            let (x, y) = (get(b, Type::INT, rng), get(b, Type::INT, rng));
            b.icmp(cc, x, y)
        }
        2 => {
            let x = get(b, Type::INT, rng);
            let y = b.iconst(rng.below(4) as i64);
            if rng.below(2) == 0 {
                b.icmp(cc, x, y)
            } else {
                b.icmp(cc, y, x)
            }
        }
        3 => {
            let x = get(b, kinds.record, rng);
            let x = b.field(x, 0);
            let y = b.iconst(1);
            b.icmp(cc, x, y)
        }
        4 => {
            let x = get(b, kinds.record, rng);
            let x = b.field(x, 1);
            let y = b.sconst("a");
            let (x, y) = if rng.below(2) == 0 { (x, y) } else { (y, x) };
            b.ins(Inst::Scmp { cc, a: x, b: y })
        }
        5 => {
            let a = get(b, kinds.opt, rng);
            b.ins(Inst::IsSome { a })
        }
        6 => {
            let (a, item) = (get(b, kinds.set, rng), get(b, Type::INT, rng));
            b.ins(Inst::Contains { a, item })
        }
        7 => {
            let (x, y) = (get(b, kinds.record, rng), get(b, kinds.record, rng));
            b.ins(Inst::Same { a: x, b: y })
        }
        _ => {
            let a = get(b, Type::BOOL, rng);
            b.ins(Inst::Bnot { a })
        }
    }
}

fn inst(
    b: &mut FuncBuilder<'_>,
    kinds: &Kinds,
    funcs: &[Callee],
    values: &mut Vec<Val>,
    rng: &mut Rng,
) {
    let made = match rng.below(14) {
        0 => {
            let a = value(b, values, Type::INT, rng);
            let c = value(b, values, Type::INT, rng);
            b.ins(Inst::Iadd { a, b: c })
        }
        1 => {
            let a = value(b, values, Type::INT, rng);
            let c = value(b, values, Type::INT, rng);
            b.ins(Inst::Isub { a, b: c })
        }
        2 => test(b, kinds, values, rng),
        3 => {
            let c = test(b, kinds, values, rng);
            let ty = *rng.pick(&kinds.all);
            let x = value(b, values, ty, rng);
            let y = value(b, values, ty, rng);
            b.ins(Inst::Select { c, a: x, b: y })
        }
        4 => {
            let a = value(b, values, Type::INT, rng);
            b.ins(Inst::Some { a })
        }
        5 => {
            let a = value(b, values, kinds.opt, rng);
            let c = value(b, values, Type::INT, rng);
            b.ins(Inst::UnwrapOr { a, b: c })
        }
        6 => {
            let a = value(b, values, kinds.record, rng);
            let index = Index(rng.below(2) as u32);
            b.ins(Inst::Field { a, index })
        }
        7 => {
            let a = value(b, values, kinds.list, rng);
            let index = value(b, values, Type::INT, rng);
            b.ins(Inst::Get { a, index })
        }
        8 => {
            let text = value(b, values, Type::STR, rng);
            let plus = value(b, values, Type::INT, rng);
            b.call_native(&WEIGH, &[text, plus])
        }
        9 => {
            let site = b.module().sites.keys().next().unwrap();
            return b.mark(site);
        }
        10 => {
            let place = PlaceId(rng.below(b.module().places.len()) as u32);
            let params = b.module().places[place].params.clone();
            let args = params.iter().map(|ty| value(b, values, *ty, rng));
            let args = args.collect();
            b.ins(Inst::Ask { place, args })
        }
        11 => {
            let place = PlaceId(rng.below(b.module().places.len()) as u32);
            b.ins(Inst::Answer { place })
        }
        _ => {
            let Some((func, params, result, asks)) = funcs.get(rng.below(funcs.len() + 1)).cloned()
            else {
                return;
            };
            let mut args = |b: &mut FuncBuilder<'_>, from: usize, rng: &mut Rng| {
                let tys = params[from..].iter();
                let args: Vec<Val> = tys.map(|ty| value(b, values, *ty, rng)).collect();
                args.into_boxed_slice()
            };
            let max = Imm(5);
            if asks {
                let args = args(b, 0, rng);
                b.ins(Inst::CallMarked { func, args })
            } else if params.first() == Some(&Type::INT) && result == Type::BOOL {
                let captured = args(b, 1, rng);
                let a = value(b, values, kinds.list, rng);
                b.ins(Inst::Any {
                    a,
                    func,
                    max,
                    captured,
                })
            } else if params.len() > 1 && params[..2] == [result, Type::INT] {
                let captured = args(b, 2, rng);
                let a = value(b, values, kinds.set, rng);
                let init = value(b, values, result, rng);
                b.ins(Inst::Fold {
                    a,
                    init,
                    func,
                    max,
                    captured,
                })
            } else {
                let args = args(b, 0, rng);
                match rng.below(2) {
                    0 => b.ins(Inst::Call { func, args }),
                    _ => b.ins(Inst::CallMarked { func, args }),
                }
            }
        }
    };
    values.push(made);
}
