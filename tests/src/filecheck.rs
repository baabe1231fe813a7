//! Claims about printed text: `check:`, `next:` and `not:` lines.
//!
//! `check: x` claims that a later line contains `x`; `next: x`, that the very next line does; `not: x`, that no line does between the match
//! before it and the match after it (or the end). Runs of blanks count as one.

/// A claim, and the line of the file it stands on.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) line: usize,
    pub(crate) kind: ClaimKind,
    pub(crate) text: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ClaimKind {
    Check,
    Next,
    Not,
}

impl Claim {
    /// The claim that a comment makes, if it makes one.
    pub(crate) fn of(line: usize, comment: &str) -> Option<Claim> {
        let kinds = [
            ("check:", ClaimKind::Check),
            ("next:", ClaimKind::Next),
            ("not:", ClaimKind::Not),
        ];
        kinds.into_iter().find_map(|(prefix, kind)| {
            let text = squeeze(comment.strip_prefix(prefix)?);
            Some(Claim { line, kind, text })
        })
    }
}

/// Whether a text is as claimed.
pub(crate) fn check(text: &str, claims: &[Claim]) -> Result<(), String> {
    let lines: Vec<String> = text.lines().map(squeeze).collect();
    // The first line that has not been matched.
    let mut at = 0;
    let mut nots: Vec<&Claim> = Vec::new();
    let fail = |claim: &Claim, why: &str| {
        Err(format!(
            "line {}: `{}` {why} in\n{text}",
            claim.line, claim.text
        ))
    };
    for claim in claims {
        let found = match claim.kind {
            ClaimKind::Not => {
                nots.push(claim);
                continue;
            }
            ClaimKind::Check => (at..lines.len()).find(|i| lines[*i].contains(&claim.text)),
            ClaimKind::Next => (at < lines.len() && lines[at].contains(&claim.text)).then_some(at),
        };
        let Some(found) = found else {
            let why = if claim.kind == ClaimKind::Next {
                "is not next"
            } else {
                "is not"
            };
            return fail(claim, why);
        };
        for not in nots.drain(..) {
            if lines[at..found].iter().any(|l| l.contains(&not.text)) {
                return fail(not, "is");
            }
        }
        at = found + 1;
    }
    for not in nots {
        if lines[at.min(lines.len())..]
            .iter()
            .any(|l| l.contains(&not.text))
        {
            return fail(not, "is");
        }
    }
    Ok(())
}

fn squeeze(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}
