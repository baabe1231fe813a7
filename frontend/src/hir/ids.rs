//! The indices by which the typed tree speaks of what is declared.

use tollgate_ir::entities::Entity;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u32);

        impl Entity for $name {
            fn new(raw: usize) -> Self {
                $name(raw as u32)
            }
            fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

ids! {
    /// A record of the program.
    RecordId;
    /// An enum of the program.
    EnumId;
    /// A `type X = String matching …` of the program.
    RefinementId;
    /// A `data` of the program.
    DataId;
    /// A function of the program.
    FnId;
    /// A rule set, guard or table of the program.
    RuleSetId;
    /// A pipeline of the program.
    PipelineId;
    /// A state of the program.
    StateId;
    /// A stream of the program.
    StreamId;
    /// A place of the program that asks a state.
    PlaceId;
    /// A parameter or binding of one owner (function, rule set, pipeline, test).
    LocalId;
    /// A group of a rule set.
    GroupId;
}
