//! Damaged and forged files: refused with a reason, or harmless.

mod common;

use common::natives;
use tollgate_backend_suite::{CORPUS, Rng, arbitrary, legal, run};
use tollgate_backend_vm::Program;
use tollgate_ir::Legalized;
use tollgate_ir::entities::FuncId;
use tollgate_runtime::Value;

/// Magic, version and checksum.
const HEADER: usize = 13;

fn corpus() -> (Legalized, Vec<u8>) {
    let module = legal(CORPUS);
    let bytes = Program::compile(&module).unwrap().bytes();
    (module, bytes)
}

/// Puts the checksum right, as a forger would.
fn seal(file: &mut [u8]) {
    let sealed = tollgate_backend_vm::seal(&file[HEADER..]);
    file.copy_from_slice(&sealed);
}

fn refusal(bytes: &[u8]) -> String {
    Program::load(bytes, &natives).unwrap_err().to_string()
}

#[test]
fn an_accident_is_found_by_the_checksum() {
    let (_, bytes) = corpus();
    assert!(Program::load(&bytes, &natives).is_ok());
    let mut rng = Rng(2);
    for _ in 0..2000 {
        let mut damaged = bytes.clone();
        let at = rng.below(damaged.len());
        damaged[at] ^= 1 << rng.below(8);
        assert!(Program::load(&damaged, &natives).is_err());
    }
    for len in 0..bytes.len() {
        assert!(Program::load(&bytes[..len], &natives).is_err());
    }
}

#[test]
fn the_reason_is_told() {
    let (_, bytes) = corpus();
    assert_eq!(refusal(b"#!/bin/sh"), "this is not a compiled program");
    let mut other = bytes.clone();
    other[4] = 99;
    assert_eq!(
        refusal(&other),
        "the program has format 99, this engine reads 5: build it again"
    );
    let unknown = Program::load(&bytes, &|_| None).unwrap_err().to_string();
    assert_eq!(unknown, "the host has no native `weigh`");
    let mut longer = bytes;
    longer.push(0);
    seal(&mut longer);
    assert!(refusal(&longer).contains("there is more behind its end"));
}

/// With the checksum made right, what the verifier lets through must run to its end, whatever it computes.
#[test]
fn a_forged_file_is_refused_or_harmless() {
    let (module, bytes) = corpus();
    let mut rng = Rng(3);
    let (mut refused, mut ran) = (0, 0);
    for _ in 0..4_000 {
        let mut forged = bytes.clone();
        for _ in 0..1 + rng.below(3) {
            let at = HEADER + rng.below(forged.len() - HEADER);
            match rng.below(4) {
                0 => forged[at] ^= 1 << rng.below(8),
                1 => forged[at] = rng.next() as u8,
                2 => forged[at] = forged[at].wrapping_add(1),
                _ => drop(forged.remove(at)),
            }
        }
        seal(&mut forged);
        let Ok(program) = Program::load(&forged, &natives) else {
            refused += 1;
            continue;
        };
        ran += 1;
        for _ in 0..2 {
            let func = FuncId(rng.below(program.functions().min(module.funcs.len())) as u32);
            // They may be of the wrong number and types for what the file has become.
            let params = module.funcs[func].params().iter();
            let types = params.map(|p| module.funcs[func].ty(*p));
            let args: Vec<Value> = types
                .map(|ty| arbitrary(&module.types, ty, &mut rng))
                .collect();
            let outcome = run(&program, func, &args, &[]);
            assert!(outcome.steps <= program.bound(func).saturating_mul(2));
        }
    }
    // Both sides are meant to be met.
    assert!(refused > 600 && ran > 150, "{refused} refused, {ran} run");
}

/// Counts larger than the file, at any place, do not make room for as much.
#[test]
fn a_count_is_not_believed() {
    let mut file = b"TGBC\x01........\xff\xff\xff\xff\xff\x7f".to_vec();
    seal(&mut file);
    assert!(refusal(&file).contains("a count is larger than the file"));
    // A sequence in a sequence in a sequence …
    let mut deep = b"TGBC\x01........\x01".to_vec();
    deep.extend([8, 1].repeat(100_000));
    seal(&mut deep);
    assert!(refusal(&deep).contains("a constant nests too deep"));
}
