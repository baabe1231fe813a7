//! What is promised of the generators: the same bytes every time, and traffic that is what it is called.

use tollgate_workloads::*;

type Make = fn(usize, usize, Profile) -> Workload;

const FAMILIES: [Make; 4] = [gateway, campaign, campaign_even, adversarial];

/// FNV-1a, so that a generator that changes is noticed.
fn print(workload: &Workload) -> u64 {
    let requests = workload.requests.iter().map(|r| workload.json(r));
    let lines = std::iter::once(workload.source()).chain(requests);
    lines.fold(0xcbf2_9ce4_8422_2325, |hash, line| {
        line.bytes().fold(hash, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        })
    })
}

#[test]
fn the_same_arguments_give_the_same_bytes() {
    for make in FAMILIES {
        for profile in Profile::ALL {
            assert_eq!(make(100, 100, profile), make(100, 100, profile));
        }
        assert_ne!(
            print(&make(100, 100, Profile::Zipf)),
            print(&make(100, 100, Profile::Last))
        );
    }
}

/// Figures of different days are about the same work as long as this holds. A generator that is changed on purpose changes it.
#[test]
fn the_bytes_are_those_of_the_record() {
    let prints: Vec<u64> = FAMILIES
        .iter()
        .map(|make| print(&make(1_000, 1_000, Profile::Zipf)))
        .collect();
    assert_eq!(prints, RECORDED);
}

const RECORDED: [u64; 4] = [
    1095428396300206644,
    7539910858841007535,
    16652406572091002566,
    17724246995843368528,
];

#[test]
fn about_seven_requests_of_ten_match() {
    for make in [gateway, campaign, adversarial] {
        let workload = make(1_000, 2_000, Profile::Zipf);
        let matching = workload
            .requests
            .iter()
            .filter(|r| rules(&workload, r) > 0)
            .count();
        let share = matching * 100 / workload.requests.len();
        assert!((65..=90).contains(&share), "{}: {share} %", workload.name());
    }
}

#[test]
fn no_request_for_none_is_decided_by_a_rule() {
    for make in [gateway, adversarial] {
        let workload = make(100, 500, Profile::Missing);
        let most = workload.requests.iter().map(|r| rules(&workload, r)).max();
        assert_eq!(most, Some(0), "{}", workload.name());
    }
}

/// Among few rules as among many, half of a gateway's requests for none have the host of a rule.
#[test]
fn requests_for_none_are_as_near_among_few_rules_as_among_many() {
    for rules in [100, 10_000] {
        let workload = gateway(rules, 2_000, Profile::Missing);
        let known = workload.requests.iter().filter(|request| {
            let hosts = workload.rules.iter().map(|rule| &rule.atoms[0]);
            { hosts }.any(|host| host.holds(request))
        });
        let share = known.count() * 100 / workload.requests.len();
        assert!((45..=55).contains(&share), "{rules}: {share} %");
    }
}

/// An event for none has all that some rule asks but for one thing, and few events have all that another asks.
#[test]
fn events_for_none_lack_one_thing() {
    for rules in [100, 1_000] {
        let workload = campaign_even(rules, 500, Profile::Missing);
        let mut matching = 0;
        for request in &workload.requests {
            let failing = |rule: &Rule| rule.atoms.iter().filter(|a| !a.holds(request)).count();
            let failing: Vec<usize> = workload.rules.iter().map(failing).collect();
            assert!(failing.contains(&1), "{request:?}");
            matching += usize::from(failing.contains(&0));
        }
        assert!(matching < 50, "{rules}: {matching} of 500");
    }
}

#[test]
fn the_rule_in_the_middle_decides_the_traffic_for_it() {
    for (make, profile, rule) in [
        (gateway as Make, Profile::First, 0),
        (gateway, Profile::Middle, 500),
        (gateway, Profile::Last, 999),
    ] {
        let workload = make(1_000, 100, profile);
        for request in &workload.requests {
            assert_eq!(
                workload.reference(request),
                Answer::One(Some(rule)),
                "{profile:?}"
            );
        }
    }
}

/// Rules that match an event must not grow with the rules: that is what the family is for.
#[test]
fn even_campaigns_match_as_often_at_every_size() {
    let matches = |n| {
        let workload = campaign_even(n, 2_000, Profile::Zipf);
        let all: usize = workload.requests.iter().map(|r| rules(&workload, r)).sum();
        all as f64 / workload.requests.len() as f64
    };
    let (hundred, thousand, ten_thousand) = (matches(100), matches(1_000), matches(10_000));
    assert!((0.6..0.9).contains(&hundred), "{hundred}");
    assert!(
        (thousand / hundred - 1.0).abs() < 0.15,
        "{thousand} {hundred}"
    );
    assert!(
        (ten_thousand / hundred - 1.0).abs() < 0.15,
        "{ten_thousand} {hundred}"
    );
}

#[test]
fn github_has_every_operation_and_each_is_decided_by_its_rule() {
    let workload = github();
    assert_eq!(
        (workload.rules.len(), workload.requests.len()),
        (1_223, 1_223)
    );
    for (i, request) in workload.requests.iter().enumerate() {
        assert_eq!(workload.reference(request), Answer::One(Some(i as u32)));
    }
}

/// How many rules match a request.
fn rules(workload: &Workload, request: &Request) -> usize {
    match workload.reference(request) {
        Answer::One(rule) => rule.iter().len(),
        Answer::Many(rules) => rules.len(),
        Answer::Shed(shed) => shed.into(),
    }
}
