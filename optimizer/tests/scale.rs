//! Large rule sets: the pipeline stays near-linear, and its stack flat.

use tollgate_ir::builder::FuncBuilder;
use tollgate_ir::entities::{FuncId, IndexVec, SiteId};
use tollgate_ir::instructions::Inst;
use tollgate_ir::module::{Entry, Module, Otherwise, Policy, Rule, RuleSet, Site, Target};
use tollgate_ir::operand::Cc;
use tollgate_ir::types::Type;
use tollgate_optimizer::{Event, Level, Options, PASSES, Size, run};
use tollgate_runtime::schema;

/// A rule set of `count` rules `path == "/…" and size < …`, alike in their first conditions as rules are.
fn rule_set(count: usize, policy: Policy) -> Module {
    let mut module = Module::default();
    let params = [Type::STR, Type::INT];
    let site = module.sites.push(Site::Otherwise {
        ruleset: "route".into(),
    });
    let mut rules = Vec::new();
    for i in 0..count {
        let cond = cond(&mut module, i);
        let mut b = FuncBuilder::new(&mut module, format!("then{i}"), &params, Type::INT);
        let size = b.params()[1];
        let outcome = b.iconst(i as i64);
        let outcome = b.ins(Inst::Imin {
            a: outcome,
            b: size,
        });
        b.ret(outcome);
        rules.push(Rule {
            name: format!("r{i}").into(),
            site: SiteId(0),
            group: None,
            cond: Some(cond),
            outcomes: vec![b.finish()],
        });
    }
    let mut b = FuncBuilder::new(&mut module, "otherwise", &params, Type::INT);
    let outcome = b.iconst(-1);
    b.ret(outcome);
    let outcome = b.finish();
    let mut b = FuncBuilder::new(
        &mut module,
        "key",
        &[Type::STR, Type::INT, Type::INT],
        Type::INT,
    );
    let key = b.params()[2];
    b.ret(key);
    let key = b.finish();
    let result = match policy {
        Policy::All => module.types.list(Type::INT),
        _ => Type::INT,
    };
    let rules = module.rulesets.push(RuleSet {
        name: "route".into(),
        params: params.to_vec(),
        result,
        policy,
        groups: IndexVec::new(),
        rules,
        otherwise: matches!(policy, Policy::First | Policy::Best)
            .then_some(Otherwise { site, outcome }),
        key: (policy == Policy::Best).then_some(key),
    });
    let result = module.schema.add(schema::Type::Bool);
    module.entries.push(Entry {
        name: "route".into(),
        target: Target::Rules(rules),
        params: Vec::new(),
        result,
        decides: Default::default(),
    });
    module
}

fn cond(module: &mut Module, i: usize) -> FuncId {
    let params = [Type::STR, Type::INT];
    let mut b = FuncBuilder::new(module, format!("when{i}"), &params, Type::BOOL);
    let (path, size) = (b.params()[0], b.params()[1]);
    let prefix = b.sconst(&format!("/v{}", i % 7));
    let same = b.ins(Inst::Scmp {
        cc: Cc::Eq,
        a: path,
        b: prefix,
    });
    let (more, end) = (b.block(&[]), b.block(&[Type::BOOL]));
    let no = b.bconst(false);
    b.br(same, (more, &[]), (end, &[no]));
    b.switch_to(more);
    let limit = b.iconst((i % 1000) as i64);
    let less = b.icmp(Cc::Lt, size, limit);
    b.jump(end, &[less]);
    b.switch_to(end);
    let answer = b.block_params(end)[0];
    b.ret(answer);
    b.finish()
}

fn optimize(count: usize, policy: Policy) -> Module {
    // The chain is what is measured here, so rule sets are not searched.
    let passes = PASSES.iter().filter(|p| p.name != "index_rulesets");
    let options = Options {
        verify: false,
        passes: Some(passes.copied().collect()),
        ..Options::new(Level::O2)
    };
    let module = run(rule_set(count, policy), &options, &mut |_| {});
    (*module.expect("a legal module")).clone()
}

#[test]
fn what_rules_share_is_computed_once() {
    let module = optimize(700, Policy::First);
    let (_, func) = module.funcs.iter().next().expect("the rule set");
    let insts = func.blocks.values().flat_map(|b| &b.insts);
    let compared = insts.filter(|i| matches!(func.insts[**i].inst, Inst::Scmp { .. }));
    assert_eq!(compared.count(), 7, "seven paths are compared once each");
}

/// Work is counted in instructions, for a clock would make this test flicker.
#[test]
fn the_result_grows_with_the_rules_and_not_faster() {
    for policy in [Policy::First, Policy::All, Policy::Best, Policy::Sum] {
        let sizes = [500, 2000].map(|count| Size::of(&optimize(count, policy)));
        let [small, large] = sizes;
        assert!(
            large.insts <= 5 * small.insts && large.blocks <= 5 * small.blocks,
            "{policy:?}: {small:?}, then {large:?}"
        );
    }
}

#[test]
#[ignore = "takes minutes without optimization; prints what each pass takes"]
fn a_hundred_thousand_rules() {
    for policy in [Policy::First, Policy::All, Policy::Best, Policy::Sum] {
        let options = Options {
            verify: false,
            ..Options::new(Level::O2)
        };
        let mut began = std::time::Instant::now();
        let module = run(
            rule_set(100_000, policy),
            &options,
            &mut |event| match event {
                Event::Before { .. } => began = std::time::Instant::now(),
                Event::After {
                    pass, round, after, ..
                } => eprintln!(
                    "{policy:?} round {round} {:<16}{:>9.1?} {after:?}",
                    pass.name,
                    began.elapsed()
                ),
            },
        );
        assert!(module.is_ok());
    }
}
