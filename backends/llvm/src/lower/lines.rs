//! Where the code being made comes from, for debuggers.

use inkwell::values::FunctionValue;
use tollgate_ir::entities::Block;
use tollgate_ir::instructions::Inst;

use super::Lower;

impl<'c> Lower<'_, 'c> {
    /// Says where a function comes from whose code is made next.
    pub(super) fn comes_from(&mut self, function: FunctionValue<'c>) {
        let debug = self.unit.manner.debug;
        self.scope = debug.and_then(|debug| debug.function(self.id, function));
        self.stands_at(None);
    }

    /// Says where the code comes from that is made next: a mark stands where its site does, everything else where its function does.
    pub(super) fn stands_at(&self, block: Option<Block>) {
        let location = self
            .unit
            .manner
            .debug
            .zip(self.scope)
            .and_then(|(debug, scope)| {
                let insts = block.map(|block| self.func.blocks[block].insts.iter());
                let site = insts.and_then(|mut insts| {
                    insts.find_map(|inst| match self.func.insts[*inst].inst {
                        Inst::Mark { site } => Some(site),
                        _ => None,
                    })
                });
                debug.place(self.id, scope, site)
            });
        self.e.locate(location);
    }
}
