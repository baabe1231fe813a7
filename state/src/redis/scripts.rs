//! The scripts: one for each operation of each kind, atomic in the server.

use redis::Script;

/// A script, in the order of [`SOURCES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Bucket,
    Window,
    Log,
    Slots,
    Ladder,
    Marks,
    Stretches,
    Members,
    Reserve,
}

const SOURCES: [&str; 9] = [
    include_str!("scripts/bucket.lua"),
    include_str!("scripts/window.lua"),
    include_str!("scripts/log.lua"),
    include_str!("scripts/slots.lua"),
    include_str!("scripts/ladder.lua"),
    include_str!("scripts/marks.lua"),
    include_str!("scripts/stretches.lua"),
    include_str!("scripts/members.lua"),
    include_str!("scripts/reserve.lua"),
];

/// Every script, as a server wants to be told of it.
pub(super) struct Scripts(Vec<(Script, String)>);

impl Scripts {
    pub(super) fn new() -> Scripts {
        let whole = |source: &&str| {
            let (begin, end) = (
                include_str!("scripts/begin.lua"),
                include_str!("scripts/end.lua"),
            );
            let text = format!("{begin}\n{source}\n{end}");
            (Script::new(&text), text)
        };
        Scripts(SOURCES.iter().map(whole).collect())
    }

    pub(super) fn hash(&self, name: Name) -> &str {
        self.0[name as usize].0.get_hash()
    }

    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(_, text)| text.as_str())
    }
}
