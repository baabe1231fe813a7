//! Names, shortening and escapes, on drawings of hand-made trees.

use super::*;

fn leaf(rules: &[(&str, u32)]) -> DrawnBox {
    DrawnBox {
        shows: Shows::Rules {
            rules: rules.iter().map(|(n, c)| ((*n).to_owned(), *c)).collect(),
            more: 0,
        },
        edges: Vec::new(),
        more: 0,
    }
}

fn drawing(feature: &str, edges: &[(&str, usize)], more: usize, leaves: Vec<DrawnBox>) -> Drawing {
    let mut boxes = vec![DrawnBox {
        shows: Shows::Asks {
            feature: feature.into(),
            access: "texts",
            ways: edges.len() + more,
            below: None,
        },
        edges: edges.iter().map(|(l, to)| ((*l).to_owned(), *to)).collect(),
        more,
    }];
    boxes.extend(leaves);
    Drawing {
        title: "ruleset r".into(),
        features: vec![(feature.into(), "read in place".into())],
        boxes,
        figures: vec![("rules", count(1_234_567u64), "as written")],
    }
}

#[test]
fn what_is_left_out_is_counted_before_the_rest() {
    let leaves = vec![leaf(&[("a", 0)]), leaf(&[("b", 1), ("c", 2)])];
    let drawn = text(&[drawing("host", &[("\"x\"", 1), (REST, 2)], 1_234, leaves)]);
    let tree = "
  tree
    host, by texts, 1,236 ways
    ├─ \"x\" ─ [a]
    ├─ … and 1,234 more
    └─ rest ─ [b (1 check), c (2 checks)]
";
    assert!(drawn.contains(tree), "{drawn}");
    assert!(drawn.contains("1,234,567"), "{drawn}");
}

#[test]
fn quotes_are_escaped_for_graphviz() {
    let drawn = dot(&[drawing(
        "re \"\\d\"",
        &[("\"x\"", 1)],
        0,
        vec![leaf(&[("a", 0)])],
    )]);
    assert!(
        drawn.contains(r#"label="re \"\\d\"\lby texts, 1 way\l""#),
        "{drawn}"
    );
    assert!(
        drawn.contains(r#"n0_0 -> n0_1 [label="\"x\""];"#),
        "{drawn}"
    );
}

#[test]
fn pictures_escape_what_xml_does_not_allow() {
    let drawn = svg(&[drawing(
        "a<b & \u{1}",
        &[("x", 1)],
        0,
        vec![leaf(&[("r", 0)])],
    )]);
    assert!(drawn.contains(">a&lt;b &amp; \u{fffd}<"), "{drawn}");
}

#[test]
fn boxes_of_a_picture_do_not_overlap() {
    // Nodes that are taller than what hangs from them, several times.
    let mut boxes = Vec::new();
    let asks = |edges: Vec<(String, usize)>| DrawnBox {
        shows: Shows::Asks {
            feature: "f".into(),
            access: "texts",
            ways: 1,
            below: Some((1, 1)),
        },
        edges,
        more: 3,
    };
    boxes.push(asks((1..=4).map(|i| (i.to_string(), i)).collect()));
    boxes.extend((5..=8).map(|i| asks(vec![("x".into(), i)])));
    boxes.extend((0..4).map(|_| leaf(&[("r", 0)])));
    let drawing = Drawing {
        title: String::new(),
        features: Vec::new(),
        boxes,
        figures: Vec::new(),
    };
    let (places, bottom) = super::svg::places(&drawing, 10.0);
    for (i, a) in places.iter().enumerate() {
        assert!(a.y >= 10.0 && a.y + a.height <= bottom, "{a:?}");
        for b in &places[i + 1..] {
            let apart = a.x + a.width <= b.x
                || b.x + b.width <= a.x
                || a.y + a.height <= b.y
                || b.y + b.height <= a.y;
            assert!(apart, "{a:?} {b:?}");
        }
    }
}

#[test]
fn numbers_and_lines_can_be_read() {
    assert_eq!((&*count(7u64), &*count(1_000u64)), ("7", "1,000"));
    assert_eq!(count(u64::MAX), "18,446,744,073,709,551,615");
    assert_eq!(line("a\nb", Limits::TEXT), "a\\nb");
    assert_eq!(line(&"é".repeat(100), Limits::TEXT).chars().count(), 73);
}
