//! Edits of fields that outlive the decision they come from.

use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::contract::Edit;
use crate::proxy::Stopped;
use crate::wire;

/// An edit that outlives the decision.
pub(crate) struct Change {
    name: HeaderName,
    /// Nothing where the field is taken out.
    value: Option<HeaderValue>,
    /// Whether the value comes besides those that are there.
    besides: bool,
}

/// What a decision edits.
///
/// # Errors
/// The first edit that cannot be made.
pub(crate) fn changes(edits: Vec<Edit<'_>>) -> Result<Vec<Change>, Stopped> {
    let changes = edits.into_iter().map(Change::new);
    changes.collect::<Result<_, _>>().map_err(|why| (500, why))
}

/// Edits fields, in the order of the source.
pub(crate) fn apply(changes: Vec<Change>, headers: &mut HeaderMap) {
    for Change {
        name,
        value,
        besides,
    } in changes
    {
        match value {
            Some(value) if besides => drop(headers.append(name, value)),
            Some(value) => drop(headers.insert(name, value)),
            None => drop(headers.remove(name)),
        }
    }
}

impl Change {
    fn new(edit: Edit<'_>) -> Result<Change, String> {
        let (name, value, besides) = match edit {
            Edit::Set { name, value } => (name, Some(value), false),
            Edit::Add { name, value } => (name, Some(value), true),
            Edit::Remove { name } => (name, None, false),
        };
        let name: HeaderName = name
            .parse()
            .map_err(|_| format!("`{name}` is no name of a field"))?;
        if !wire::can_edit(&name) {
            return Err(format!(
                "rules cannot edit `{name}`: it says where a message ends"
            ));
        }
        let value = value.map(HeaderValue::from_str).transpose();
        let value = value.map_err(|_| format!("the value for `{name}` is more than one line"))?;
        Ok(Change {
            name,
            value,
            besides,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_cannot_frame_messages() {
        for name in ["content-length", "Transfer-Encoding", "connection"] {
            assert!(Change::new(Edit::Remove { name }).is_err(), "{name}");
        }
        assert!(
            Change::new(Edit::Set {
                name: "x-a",
                value: "1\r\nx-b: 2"
            })
            .is_err()
        );
        assert!(
            Change::new(Edit::Set {
                name: "x a",
                value: "1"
            })
            .is_err()
        );
        assert!(
            Change::new(Edit::Set {
                name: "host",
                value: "a.example"
            })
            .is_ok()
        );
    }
}
