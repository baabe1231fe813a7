//! The text form of the IR: everything a module says, but for the schema of its boundary.
//!
//! ```text
//! record Request { method: str, size: int }
//! const const0: [int] = [1, 2]
//! pattern pat0 = path "/v2/{cart}"
//! site site0 = rule route checkout
//!
//! func route.checkout.when(Request) -> bool {
//! block0(v0: Request):
//!     v1 = field v0, 1    ; size
//!     v2 = iconst 10
//!     v3 = icmp gt, v1, v2
//!     br v3, block1, block2(v3)
//! block1:
//!     v4 = bconst true
//!     jump block2(v4)
//! block2(v5: bool):
//!     return v5
//! }
//!
//! ruleset route(Request) -> int first {
//!     group group0 = route.group0
//!     rule checkout site0 in group0 when route.checkout.when then route.checkout.then
//!     otherwise site1 then route.otherwise
//! }
//!
//! entry route = rules route
//! ```
//!
//! An instruction is its mnemonic and its operands in the order of the table, separated by commas; several values stand in parentheses
//! directly behind what precedes them. Functions, rule sets, natives and data go by name, everything else by index. `;` begins a comment.
//! A name that is no word, or is the keyword of an item, is quoted.
//! Where an instruction's stored type is not the one its rule gives (the verifier will say so), it is written: `v1: int = …`.

use std::fmt;

use crate::entities::{
    Block, ConstId, DataId, EnumId, FuncId, GroupId, IndexId, InstId, NativeId, PatId, PlaceId,
    RecordId, RuleSetId, SiteId, StateId,
};

mod parse;
mod print;
mod print_index;

pub use parse::{NESTING_MAX, ParseError, Parsed, TEXT_MAX, parse, parse_values};
pub(crate) use print::{Line, func_lines, header_lines, policy_name, ruleset_lines};
pub use print::{print_func, print_module};
pub(crate) use print_index::index_lines;

/// The words that begin an item.
pub(crate) const ITEMS: [&str; 13] = [
    "record", "enum", "data", "state", "place", "native", "pattern", "const", "site", "func",
    "ruleset", "index", "entry",
];

/// A name as the text form writes it: bare where it is a word, else quoted.
#[derive(Clone, Copy, Debug)]
pub struct Name<'a>(pub &'a str);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_word(self.0) {
            f.write_str(self.0)
        } else {
            write!(f, "{:?}", self.0)
        }
    }
}

/// Whether a name can be written without quotes.
fn is_word(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(is_word_byte)
        && !ITEMS.contains(&name)
}

/// The names of the scalar types; a record of such a name is quoted where it is a type.
pub(crate) const SCALARS: [&str; 7] = ["bool", "int", "float", "str", "bytes", "ip", "cidr"];

/// Whether a byte can stand in a word after its first.
fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'$' | b'#')
}

/// A part of a module that has a line of its own in the text form.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[allow(missing_docs, reason = "each variant is the part of its name")]
pub enum Place {
    Record(RecordId),
    Enum(EnumId),
    Data(DataId),
    State(StateId),
    StatePlace(PlaceId),
    Native(NativeId),
    Pattern(PatId),
    Const(ConstId),
    Site(SiteId),
    Func(FuncId),
    Block(FuncId, Block),
    Inst(FuncId, InstId),
    Term(FuncId, Block),
    RuleSet(RuleSetId),
    Group(RuleSetId, GroupId),
    Rule(RuleSetId, u32),
    Otherwise(RuleSetId),
    Key(RuleSetId),
    RuleIndex(IndexId),
    Entry(u32),
}
