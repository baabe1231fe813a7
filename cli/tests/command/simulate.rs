//! `tollgate simulate`: what the command does with its arguments, traces and files. What is simulated is tested in `simulate/`, and the page of the
//! book in `book.rs`.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Folder;

const RULES: &str = r#"
    edition 2026
    module shed
    enum Admission { admit, reject }
    record Load { busy: Percent }
    ruleset shed(load: Load) -> Admission hit first {
      rule full when load.busy >= 50% then reject
      otherwise admit
    }
"#;

fn folder(name: &str) -> Folder {
    Folder::new(name).with("shed.rules", RULES)
}

#[test]
fn rules_that_ask_the_load_alone_need_no_scenario() {
    let folder = folder("simulate-alone");
    let args = [
        "simulate",
        "shed.rules",
        "--bursts",
        "0s+5s@200",
        "--workers",
        "5",
    ];
    let ended = folder.tollgate(&args).exits(0);
    let again = folder.tollgate(&args).exits(0);
    assert_eq!(ended.out, again.out);
    let mut other = args.to_vec();
    other.extend(["--seed", "2"]);
    assert_ne!(folder.tollgate(&other).exits(0).out, ended.out);
    ended.prints("arrived").prints("shed.full");
}

#[test]
fn json_is_one_object_whose_figures_agree() {
    let folder = folder("simulate-json");
    let args = [
        "simulate",
        "shed.rules",
        "shed",
        "--bursts",
        "0s+5s@200",
        "--workers",
        "5",
        "--format",
        "json",
    ];
    let ended = folder.tollgate(&args).exits(0);
    let lines = ended.json();
    let [report] = &lines[..] else {
        panic!("{lines:?}");
    };
    let all = &report["all"];
    let n = |name: &str| all[name].as_u64().expect("a number");
    assert!(n("shed") > 0);
    assert_eq!(n("arrived"), n("admitted") + n("shed") + n("refused"));
    assert_eq!(n("admitted"), n("finished") + n("timed_out") + n("no_room"));
    let series = &report["series"]["classes"][0];
    let sum = |name: &str| -> u64 {
        let bins = series[name].as_array().expect("a list");
        bins.iter().filter_map(Value::as_u64).sum()
    };
    assert_eq!((sum("admitted"), sum("shed")), (n("admitted"), n("shed")));
}

#[test]
fn the_picture_is_well_formed_and_names_its_axes() {
    let scenario = "class = [{ name = \"a & <b>\" }]\nburst = [{ for = \"3s\", rate = 300 }]\nfleet = { workers = 5 }";
    let folder = folder("simulate-svg").with("x.toml", scenario);
    let args = [
        "simulate",
        "shed.rules",
        "--scenario",
        "x.toml",
        "--svg",
        "x.svg",
    ];
    folder.tollgate(&args).exits(0);
    let svg = folder.read("x.svg");
    let document = roxmltree::Document::parse(&svg).expect("it is XML");
    let texts: Vec<&str> = document
        .descendants()
        .filter(|node| node.has_tag_name("text"))
        .filter_map(|node| node.text())
        .collect();
    for wanted in ["requests/s", "time, s", "ms", "%", "a & <b>", "busy", "p99"] {
        assert!(texts.contains(&wanted), "{wanted} in {texts:?}");
    }
    assert!(svg.contains("prefers-color-scheme: dark"));
}

#[test]
fn bad_lines_of_a_trace_are_named_and_the_others_played() {
    let trace = "time\n0\n1\nx\n0.5\n2\n";
    let folder = folder("simulate-trace").with("t.csv", trace);
    let told = "t.csv:4: not played: `x` is no time";
    let ended = folder.tollgate(&["simulate", "shed.rules", "--trace", "t.csv"]);
    let ended = ended
        .exits(1)
        .says(told)
        .says("t.csv:5: not played: its time is before");
    ended.prints("all        3         3");
    let piped = folder.tollgate_with(
        &["simulate", "shed.rules", "--trace", "-"],
        trace.as_bytes(),
    );
    piped.exits(1).says("-:4: not played");
    let many = "time\n".to_owned() + &"x\n".repeat(25);
    let piped = folder.tollgate_with(&["simulate", "shed.rules", "--trace", "-"], many.as_bytes());
    piped
        .exits(1)
        .says("-:11: not played")
        .says("… and 15 more");
}

#[test]
fn what_cannot_be_played_says_what_to_do() {
    let folder = folder("simulate-usage")
        .with("bad.toml", "workers = 5")
        .with(
            "wrong.rules",
            "ruleset x(n: Int) -> Bool hit first { otherwise n }",
        );
    let run = |args: &[&str]| folder.tollgate(&[&["simulate"], args].concat());
    run(&["shed.rules"])
        .exits(2)
        .says("nothing arrives: give a trace, or bursts");
    run(&["shed.rules", "--bursts", "fast"])
        .exits(2)
        .says("write FROM+FOR@RATE");
    run(&["shed.rules", "--scenario", "none.toml"])
        .exits(2)
        .says("cannot read none.toml");
    run(&["shed.rules", "--scenario", "bad.toml"])
        .exits(2)
        .says("unknown field `workers`");
    run(&["shed.rules", "--trace", "."])
        .exits(2)
        .says("is a folder");
    run(&["shed.rules", "none", "--bursts", "0s+1s@1"])
        .exits(2)
        .says("no entry `none`");
    run(&["shed.rules", "--bursts", "0s+1s@1", "--workers", "0"])
        .exits(2)
        .says("`workers` is 0");
    run(&["shed.rules", "--bursts", "0s+1s@1", "--by", "busy"])
        .exits(2)
        .says("`busy` is of the load");
    run(&["wrong.rules", "--bursts", "0s+1s@1"])
        .exits(1)
        .says("type-mismatch");
    run(&["--help"]).exits(0).prints("Examples:");
}

/// The scenarios beside the examples, shorter: what matters most is served, and what matters least is not.
#[test]
fn the_examples_keep_their_promises() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let at = |file: &str| -> PathBuf { examples.join(file) };
    let folder = Folder::new("simulate-examples");
    for (rules, scenario, bursts, first, last) in [
        (
            "netflix/overload.rules",
            "netflix/burst.toml",
            "0s+4s@2500",
            0.97,
            0.3,
        ),
        (
            "stripe/limiters.rules",
            "stripe/runaway.toml",
            "0s+4s@700,0s+4s@800/tests",
            0.97,
            0.3,
        ),
    ] {
        let (rules, scenario) = (at(rules), at(scenario));
        let (rules, scenario) = (rules.display().to_string(), scenario.display().to_string());
        let args = [
            "simulate",
            &rules,
            "--scenario",
            &scenario,
            "--bursts",
            bursts,
            "--format",
            "json",
        ];
        let report = &folder.tollgate(&args).exits(0).json()[0];
        let classes = report["classes"].as_array().expect("classes");
        let served = |class: &Value| class["served"].as_f64().expect("a share");
        assert!(served(&classes[0]) > first, "{report:#}");
        assert!(served(&classes[classes.len() - 1]) < last, "{report:#}");
    }
}
