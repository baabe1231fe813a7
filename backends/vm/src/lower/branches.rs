//! The opcode of a branch together with the test that it absorbed.

use tollgate_ir::entities::{ConstId, Val};
use tollgate_ir::instructions::Inst;
use tollgate_ir::operand::{Cc, Flag};

use super::Lower;
use crate::operand::Target;
use crate::ops::Op;

impl Lower<'_> {
    /// The opcode that goes on if `c` is `want`, and else jumps.
    pub(super) fn test(&self, c: Val, want: bool, to: Target) -> Op {
        let fusion = &self.fusion;
        let flag = Flag(want);
        let turned = |cc: Cc| if want { cc } else { cc.negate() };
        match fusion.part(c) {
            Some(Inst::Icmp { cc, a, b }) => {
                let (cc, a, imm) = match (fusion.imm(*a), fusion.imm(*b)) {
                    (_, Some(imm)) => (turned(*cc), *a, imm),
                    (Some(imm), None) => (turned(*cc).swap(), *b, imm),
                    (None, None) => {
                        let (a, b) = (self.reg(*a), self.reg(*b));
                        let cc = turned(*cc);
                        return Op::BrIcmp { cc, a, b, to };
                    }
                };
                match (fusion.field(a), fusion.part(a)) {
                    (Some((a, index)), _) => {
                        let a = self.reg(a);
                        Op::BrFieldImm {
                            cc,
                            index,
                            a,
                            imm,
                            to,
                        }
                    }
                    (None, Some(Inst::Tag { a })) => {
                        let a = self.reg(*a);
                        Op::BrTag { cc, a, imm, to }
                    }
                    _ => {
                        let a = self.reg(a);
                        Op::BrIcmpImm { cc, a, imm, to }
                    }
                }
            }
            Some(Inst::Scmp { cc, a, b }) => {
                let (cc, a, value) = match (fusion.konst(*a), fusion.konst(*b)) {
                    (_, Some(value)) => (turned(*cc), *a, value),
                    (Some(value), None) => (turned(*cc).swap(), *b, value),
                    (None, None) => {
                        let (a, b) = (self.reg(*a), self.reg(*b));
                        let cc = turned(*cc);
                        return Op::BrScmp { cc, a, b, to };
                    }
                };
                match fusion.field(a) {
                    Some((a, index)) => {
                        let a = self.reg(a);
                        Op::BrFieldScmp {
                            cc,
                            index,
                            a,
                            value,
                            to,
                        }
                    }
                    None => {
                        let a = self.reg(a);
                        Op::BrScmpConst { cc, a, value, to }
                    }
                }
            }
            Some(Inst::Same { a, b }) => {
                let (a, value) = match (fusion.konst(*a), fusion.konst(*b)) {
                    (_, Some(value)) => (*a, value),
                    (Some(value), None) => (*b, value),
                    (None, None) => {
                        let (a, b) = (self.reg(*a), self.reg(*b));
                        return Op::BrSame {
                            want: flag,
                            a,
                            b,
                            to,
                        };
                    }
                };
                let a = self.reg(a);
                Op::BrSameConst {
                    want: flag,
                    a,
                    value,
                    to,
                }
            }
            Some(Inst::Bnot { a }) => Op::BrNot {
                want: flag,
                a: self.reg(*a),
                to,
            },
            Some(Inst::IsSome { a }) => Op::BrIsSome {
                want: flag,
                a: self.reg(*a),
                to,
            },
            Some(Inst::Matches { a, pattern }) => Op::BrMatches {
                want: flag,
                a: self.reg(*a),
                pattern: *pattern,
                to,
            },
            Some(Inst::Contains { a, item }) => {
                let item = self.reg(*item);
                match fusion.konst(*a) {
                    Some(value) => Op::BrConstHas {
                        want: flag,
                        value,
                        item,
                        to,
                    },
                    None => {
                        let a = self.reg(*a);
                        Op::BrSetHas {
                            want: flag,
                            a,
                            item,
                            to,
                        }
                    }
                }
            }
            Some(Inst::CidrsHave { a, ip }) if fusion.konst(*a).is_some() => Op::BrConstCidrs {
                want: flag,
                value: fusion.konst(*a).unwrap_or(ConstId(0)),
                ip: self.reg(*ip),
                to,
            },
            _ => Op::Br {
                want: flag,
                a: self.reg(c),
                to,
            },
        }
    }
}
