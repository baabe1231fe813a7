//! Code is freed with its program. In a process of its own: what is measured is the process's memory.

use tollgate_backend_api::Backend;
use tollgate_backend_cranelift::Cranelift;
use tollgate_backend_suite::{legal, run};
use tollgate_ir::entities::FuncId;
use tollgate_runtime::Value;

const PROGRAM: &str = r#"
const const0: str = "a text of the program"
site site0 = otherwise r

func twice(int) -> int {
block0(v0: int):
    v1 = iadd v0, v0
    mark site0
    return v1
}
"#;

/// A page that stays behind with each program would be forty megabytes.
#[test]
fn programs_that_are_dropped_leave_nothing_behind() {
    let module = legal(PROGRAM);
    let programs = |count: i64| {
        for i in 0..count {
            let program = Cranelift.compile(&module).unwrap();
            let outcome = run(&*program, FuncId(0), &[Value::Int(i)], &[]);
            assert_eq!(outcome.value, Value::Int(2 * i));
        }
    };
    // What the allocator keeps, and what is made once, is there after these.
    programs(500);
    let Some(before) = resident() else {
        return;
    };
    programs(10_000);
    let grown = resident().unwrap_or(before).saturating_sub(before);
    assert!(grown < 4 << 20, "{grown} bytes more after 10,000 programs");
}

/// Memory of this process that is in use, where the system tells.
fn resident() -> Option<usize> {
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: usize = pages.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * 4096)
}
