//! Requests to measure `tollgate run` with: JSON lines of about 200 bytes, the same for the same seed.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

const HELP: &str = "cargo xtask requests small|http COUNT [SEED]

  Writes COUNT requests to standard output, as JSON lines for benches/throughput/small.rules or http.rules.";

const HOSTS: [&str; 4] = [
    "api.shop.example",
    "www.shop.example",
    "img.shop.example",
    "partner.shop.example",
];
const AGENTS: [&str; 4] = [
    "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4)",
    "Crawler/2.1 (+https://crawler.example/bot)",
    "okhttp/4.12.0",
];
const METHODS: [&str; 5] = ["GET", "GET", "GET", "POST", "PUT"];
const ROLES: [&str; 3] = ["customer", "admin", "support"];

pub(crate) fn run(args: &[String]) -> ExitCode {
    let number = |i: usize| args.get(i).and_then(|n| n.parse::<u64>().ok());
    let (Some(kind), Some(count)) = (args.first(), number(1)) else {
        println!("{HELP}");
        return ExitCode::from(2);
    };
    let write: fn(&mut Random, &mut dyn Write) -> io::Result<()> = match &**kind {
        "small" => small,
        "http" => http,
        _ => {
            println!("{HELP}");
            return ExitCode::from(2);
        }
    };
    let mut random = Random(number(2).unwrap_or(1));
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let written = (0..count).try_for_each(|_| write(&mut random, &mut out));
    match written.and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cannot write: {error}");
            ExitCode::FAILURE
        }
    }
}

fn small(random: &mut Random, out: &mut dyn Write) -> io::Result<()> {
    let (method, host, path) = (random.of(&METHODS), random.of(&HOSTS), path(random));
    write!(
        out,
        r#"{{"method":"{method}","host":"{host}","path":"{path}","#
    )?;
    if random.below(2) == 0 {
        write!(out, r#""role":"{}","#, random.of(&ROLES))?;
    }
    let (page, bytes) = (random.below(1000), random.below(1 << 20));
    writeln!(
        out,
        r#""referer":"https://www.shop.example/search?page={page}","agent":"{}","bytes":{bytes}}}"#,
        random.of(&AGENTS)
    )
}

fn http(random: &mut Random, out: &mut dyn Write) -> io::Result<()> {
    let (method, host, path) = (random.of(&METHODS), random.of(&HOSTS), path(random));
    write!(
        out,
        r#"{{"method":"{method}","host":"{host}","path":"{path}","headers":{{"user-agent":["{}"]"#,
        random.of(&AGENTS)
    )?;
    if random.below(2) == 0 {
        write!(out, r#","x-role":["{}"]"#, random.of(&ROLES))?;
    }
    let (a, b, port) = (random.below(256), random.below(256), random.below(65_536));
    writeln!(
        out,
        r#"}},"client":{{"ip":"10.0.{a}.{b}","port":{port},"tls":true}}}}"#
    )
}

fn path(random: &mut Random) -> String {
    let id = random.next() >> 16;
    match random.below(5) {
        0 => format!("/v2/carts/{id:012x}"),
        1 => format!("/v2/carts/{id:012x}/items/{}", id % 1000),
        2 => format!("/v2/catalog/books/{id:012x}/reviews"),
        3 => format!("/admin/users/{}", id % 100_000),
        _ => format!("/static/css/{id:012x}.css"),
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn of<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        texts[self.below(texts.len() as u64) as usize]
    }
}
