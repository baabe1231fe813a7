//! Path patterns, globs, regular expressions, addresses and networks: the first line is the pattern, each line below a text. What is no pattern is
//! refused; what is one answers about any text, as a reference does where there is one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate_runtime::Arena;
use tollgate_runtime::kinds::net::{Cidr, Ip};
use tollgate_runtime::kinds::path;
use tollgate_runtime::pattern::{Glob, PathPattern, Regex};
use tollgate_runtime::schema::Boundary;

/// The reference for globs is exponential in the worst case.
const STARS_MAX: usize = 4;
const TEXT_MAX: usize = 32;

fuzz_target!(|text: &str| {
    let (pattern, texts) = text.split_once('\n').unwrap_or((text, ""));
    if let Ok(glob) = Glob::parse(pattern) {
        assert_eq!(glob.text(), pattern);
        for text in texts.lines() {
            let matched = glob.matches(text);
            if pattern.matches('*').count() <= STARS_MAX && text.len() <= TEXT_MAX {
                let (pattern, text): (Vec<char>, Vec<char>) =
                    (pattern.chars().collect(), text.chars().collect());
                assert_eq!(
                    matched,
                    matches(&pattern, &text),
                    "glob {pattern:?} on {text:?}"
                );
            }
        }
    }
    if let Ok(regex) = Regex::parse(pattern) {
        let groups: Vec<usize> = regex.groups().map(|(_, group)| group).collect();
        for text in texts.lines() {
            let matched = regex.matches(text);
            for group in &groups {
                assert!(
                    matched || regex.capture(text, *group).is_none(),
                    "{pattern:?} on {text:?}"
                );
            }
        }
        if let Some(shortest) = regex.shortest() {
            assert!(regex.matches(&shortest), "{pattern:?} made {shortest:?}");
        }
    }
    if let Ok(paths) = PathPattern::parse(pattern) {
        let (arena, policy) = (Arena::new(), Boundary::default());
        for text in texts.lines() {
            let Ok(path) = path::canonical(text, &policy.path, &arena) else {
                continue;
            };
            let matched = paths.matches(path);
            for i in 0..paths.captures().len() {
                let captured = paths.capture(path, i);
                assert_eq!(captured.is_some(), matched, "{pattern:?} on {path:?}");
                assert!(captured.is_none_or(|part| path.contains(part)));
            }
        }
    }
    let net = pattern.parse::<Cidr>().ok();
    if let Some(net) = net {
        assert_eq!(
            net.to_string().parse::<Cidr>().ok(),
            Some(net),
            "{pattern:?}"
        );
        assert!(net.has(net.base()));
    }
    for text in texts.lines() {
        let Ok(ip) = text.parse::<Ip>() else { continue };
        assert_eq!(ip.to_string().parse::<Ip>().ok(), Some(ip));
        if let Some(net) = net {
            let shift = 128 - u32::from(net.bits());
            let prefix = |ip: Ip| ip.bits().checked_shr(shift).unwrap_or(0);
            assert_eq!(
                net.has(ip),
                prefix(ip) == prefix(net.base()),
                "{ip} in {net}"
            );
        }
    }
});

/// Whether a glob matches: obviously right, and slow.
fn matches(glob: &[char], text: &[char]) -> bool {
    match glob {
        [] => text.is_empty(),
        ['*', rest @ ..] => (0..=text.len()).any(|i| matches(rest, &text[i..])),
        ['?', rest @ ..] => !text.is_empty() && matches(rest, &text[1..]),
        [c, rest @ ..] => text.first() == Some(c) && matches(rest, &text[1..]),
    }
}
