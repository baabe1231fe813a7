//! Programs that stretch a backend: very long ones, and very deep ones.

use tollgate_ir::builder::FuncBuilder;
use tollgate_ir::entities::FuncId;
use tollgate_ir::instructions::Inst;
use tollgate_ir::module::{Module, Site};
use tollgate_ir::operand::Cc;
use tollgate_ir::types::Type;

/// One function that tries so many rules in turn, on two integers.
pub fn chain(rules: i64) -> Module {
    let mut module = Module::default();
    let site = module.sites.push(Site::Otherwise {
        ruleset: "chain".into(),
    });
    let mut b = FuncBuilder::new(&mut module, "chain", &[Type::INT, Type::INT], Type::INT);
    let (x, y) = (b.params()[0], b.params()[1]);
    let done = b.block(&[Type::INT]);
    for i in 0..rules {
        let (yes, no) = (b.block(&[]), b.block(&[]));
        let limit = b.iconst(i);
        let cond = b.icmp(Cc::Eq, x, limit);
        b.br(cond, (yes, &[]), (no, &[]));
        b.switch_to(yes);
        b.mark(site);
        let out = b.ins(Inst::Iadd { a: x, b: y });
        b.jump(done, &[out]);
        b.switch_to(no);
    }
    let zero = b.iconst(0);
    b.jump(done, &[zero]);
    b.switch_to(done);
    let out = b.block_params(done)[0];
    b.ret(out);
    b.finish();
    module
}

/// One function that carries a number past so many rules, each of which may add to it: as parameters of blocks.
pub fn carried(rules: i64) -> Module {
    let mut module = Module::default();
    let mut b = FuncBuilder::new(&mut module, "carried", &[Type::INT, Type::INT], Type::INT);
    let (x, mut sum) = (b.params()[0], b.params()[1]);
    for i in 0..rules {
        let (yes, behind) = (b.block(&[]), b.block(&[Type::INT]));
        let limit = b.iconst(i % 7);
        let cond = b.icmp(Cc::Ne, x, limit);
        b.br(cond, (yes, &[]), (behind, &[sum]));
        b.switch_to(yes);
        let more = b.ins(Inst::IaddSat { a: sum, b: limit });
        b.jump(behind, &[more]);
        b.switch_to(behind);
        sum = b.block_params(behind)[0];
    }
    b.ret(sum);
    b.finish();
    module
}

/// Calls as deep as the verifier lets them be, and the function on top. It adds 1 to its parameter so many times.
pub fn deepest() -> (Module, FuncId) {
    let mut module = Module::default();
    let mut top = FuncId(0);
    for i in 0..tollgate_ir::verify::CALL_DEPTH_MAX {
        let mut b = FuncBuilder::new(&mut module, format!("f{i}"), &[Type::INT], Type::INT);
        let (x, one) = (b.params()[0], b.iconst(1));
        let mut out = b.ins(Inst::Iadd { a: x, b: one });
        if i > 0 {
            out = b.call(top, &[out]);
        }
        b.ret(out);
        top = b.finish();
    }
    (module, top)
}
