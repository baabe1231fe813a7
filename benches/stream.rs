//! Where the time of `tollgate run` goes, on one core: reading, decoding, deciding, encoding, writing.
//!
//! The stages run one after the other over the same lines, in rounds of a millisecond or so; the least of the rounds is shown,
//! so that what else runs on the machine does not count. Decoding is what `decide_json` takes more than `decide_facts`.
//!
//! ```sh
//! cargo build --release -p xtask && target/release/xtask requests http 100000 > http.jsonl
//! cargo bench --bench stream -- benches/throughput/http.rules http.jsonl
//! ```

use std::env;
use std::fs::File;
use std::hint::black_box;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::time::Instant;

use tollgate::{Call, Engine};

/// Lines of a round.
const LINES: usize = 1000;
/// Bytes that `tollgate run` reads at once.
const BLOCK: usize = 256 * 1024;
const CALL: Call<'_> = Call {
    id: "1000000",
    time: 0,
};

fn main() {
    let paths: Vec<PathBuf> = env::args()
        .skip(1)
        .filter(|a| !a.starts_with("--"))
        .map(PathBuf::from)
        .collect();
    let [rules, input] = &paths[..] else {
        println!("cargo bench --bench stream -- RULES REQUESTS.jsonl (see benches/throughput)");
        return;
    };
    let program = Engine::new()
        .compile_file(rules)
        .expect("the rules compile");
    let entry = program.entry("route").expect("the rules have `route`");
    let text = std::fs::read(input).expect("the requests are there");
    let lines: Vec<&[u8]> = text
        .split(|b| *b == b'\n')
        .filter(|l| !l.is_empty())
        .collect();
    let mut file = File::open(input).expect("the requests are there");
    let mut sink = tempfile();
    let mut block = vec![0; BLOCK];
    let (mut json, mut facts_only) = (program.session(), program.session());
    let mut out = String::new();
    // reading, decoding and deciding, deciding, encoding as well, writing
    let mut least = [f64::INFINITY; 5];
    for _ in 0..20 {
        for lines in lines.chunks(LINES) {
            let count = lines.len() as f64;
            let mut clock = |stage: usize, work: &mut dyn FnMut()| {
                let began = Instant::now();
                work();
                let each = began.elapsed().as_nanos() as f64 / count;
                least[stage] = least[stage].min(each);
            };
            let facts: Vec<_> = lines
                .iter()
                .map(|line| program.decode(entry, line).expect("it is let in"))
                .collect();
            let bytes: usize = lines.iter().map(|line| line.len() + 1).sum();
            clock(0, &mut || {
                // As many bytes as the lines have; found again in the page cache.
                let mut left = bytes;
                file.seek(SeekFrom::Start(0))
                    .expect("a file can be rewound");
                while left > 0 {
                    let want = left.min(BLOCK);
                    file.read_exact(&mut block[..want])
                        .expect("the file has them");
                    black_box(count_lines(&block[..want]));
                    left -= want;
                }
            });
            clock(1, &mut || {
                for line in lines {
                    let decision = json.decide_json(entry, line, &CALL);
                    black_box(decision.expect("it is let in").steps());
                }
            });
            clock(2, &mut || {
                for facts in &facts {
                    let decision = facts_only.decide_facts(entry, facts, &CALL);
                    black_box(decision.expect("it decides").steps());
                }
            });
            out.clear();
            clock(3, &mut || {
                for facts in &facts {
                    let decision = facts_only.decide_facts(entry, facts, &CALL);
                    decision.expect("it decides").write_json(&mut out);
                    out.push('\n');
                }
            });
            clock(4, &mut || {
                sink.write_all(out.as_bytes()).expect("there is room")
            });
        }
    }
    let [read, decoded, decided, encoded, write] = least;
    let rows = [
        ("read, find lines", read),
        ("decode", decoded - decided),
        ("decide", decided),
        ("encode", encoded - decided),
        ("write", write),
    ];
    println!("{:<20}{:>16}", "", "ns a request");
    for (name, ns) in rows {
        println!("{name:<20}{ns:>16.0}");
    }
    println!(
        "{:<20}{:>16.0}",
        "together",
        read + decoded + encoded - decided + write
    );
}

fn count_lines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|b| **b == b'\n').count()
}

/// A file that goes when it is closed.
fn tempfile() -> File {
    let path = env::temp_dir().join(format!("tollgate-stream-{}", std::process::id()));
    let file = File::create(&path).expect("a file can be made");
    let _ = std::fs::remove_file(&path);
    file
}
