//! Tiers: a program decides at once by its first executable, and by a faster one as soon as that is made in the background.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, LazyLock, OnceLock, Weak};
use std::thread;

use tollgate_backend_api::Executable;
use tollgate_ir::{Legalized, Level};

use crate::backends::BackendRow;

/// What a program decides by.
pub(crate) struct Tiers {
    first: (&'static BackendRow, Box<dyn Executable>),
    then: Option<Arc<Tier>>,
}

/// An executable that is made later. Once it is there it stays, so that a decision holds on to it without a lock.
struct Tier {
    backend: &'static BackendRow,
    made: OnceLock<Box<dyn Executable>>,
}

/// An executable to make, unless the program is gone by then.
struct Job {
    tier: Weak<Tier>,
    module: Weak<Legalized>,
    level: Level,
}

impl Tiers {
    /// One executable, for ever.
    pub(crate) fn only(backend: &'static BackendRow, executable: Box<dyn Executable>) -> Tiers {
        Tiers {
            first: (backend, executable),
            then: None,
        }
    }

    /// Begins to make another one, which takes over when it is there. Where it cannot be made the first stays.
    pub(crate) fn then(
        self,
        backend: &'static BackendRow,
        module: &Arc<Legalized>,
        level: Level,
    ) -> Tiers {
        let tier = Arc::new(Tier {
            backend,
            made: OnceLock::new(),
        });
        let job = Job {
            tier: Arc::downgrade(&tier),
            module: Arc::downgrade(module),
            level,
        };
        // The worker is gone only where no thread could be started.
        let _ = WORKER.send(job);
        Tiers {
            then: Some(tier),
            ..self
        }
    }

    /// The best executable that is there by now.
    #[inline]
    pub(crate) fn executable(&self) -> &dyn Executable {
        match self.later() {
            Some((_, executable)) => executable,
            None => &*self.first.1,
        }
    }

    /// The executable that was there at once, and stays.
    pub(crate) fn first(&self) -> &dyn Executable {
        &*self.first.1
    }

    /// The backend that made that one.
    #[cfg(feature = "compiler")]
    pub(crate) fn first_backend(&self) -> &'static BackendRow {
        self.first.0
    }

    /// The backend that decides now.
    pub(crate) fn backend(&self) -> &'static str {
        self.later().map_or(self.first.0.name, |(name, _)| name)
    }

    /// Bytes of memory of all executables that are there.
    pub(crate) fn memory(&self) -> usize {
        let later = self
            .later()
            .map_or(0, |(_, executable)| executable.memory());
        self.first.1.memory() + later
    }

    #[inline]
    fn later(&self) -> Option<(&'static str, &dyn Executable)> {
        let tier = self.then.as_deref()?;
        Some((tier.backend.name, &**tier.made.get()?))
    }
}

/// One thread makes all later tiers, one after the other: deciding needs the machine more than compiling does.
static WORKER: LazyLock<Sender<Job>> = LazyLock::new(|| {
    let (sender, jobs) = channel::<Job>();
    let work = move || jobs.iter().for_each(|job| job.run());
    let started = thread::Builder::new()
        .name("tollgate-tier".into())
        .spawn(work);
    // Without a thread the receiver is dropped, and sending fails.
    drop(started);
    sender
});

impl Job {
    fn run(self) {
        let (Some(tier), Some(module)) = (self.tier.upgrade(), self.module.upgrade()) else {
            return;
        };
        // What cannot be compiled, for want of resources or by a mistake of ours, decides by its first tier.
        let made = catch_unwind(AssertUnwindSafe(|| {
            tier.backend.compile(&module, self.level).ok()
        }));
        if let Ok(Some(executable)) = made {
            // Nobody else sets it.
            let _ = tier.made.set(executable);
        }
    }
}

#[cfg(all(test, feature = "compiler", feature = "cranelift"))]
mod tests {
    use std::thread;
    use std::time::{Duration, Instant};

    use crate::{Call, Engine, Program};

    const CALL: Call<'_> = Call { id: "1", time: 0 };

    fn program(rules: usize) -> Program {
        let mut source = String::from("ruleset size(n: Int) -> String hit first {\n");
        for i in 0..rules {
            source.push_str(&format!(
                "  rule r{i} when n * 3 == {} then \"{i}\"\n",
                i * 3
            ));
        }
        source.push_str("  otherwise \"none\"\n}\n");
        let engine = Engine::new().tiered().unwrap();
        engine.compile_source("tiers.rules", &source).unwrap()
    }

    #[test]
    fn native_code_takes_over_between_two_decisions() {
        let program = program(200);
        let decided = |backend: &str| {
            let (mut session, began) = (program.session(), Instant::now());
            loop {
                let decision = session.decide_json("size", b"70", &CALL).unwrap();
                assert_eq!(decision.to_json(), r#"{"value":"70","by":"r70"}"#);
                if program.backend() == backend {
                    return;
                }
                assert!(
                    began.elapsed() < Duration::from_secs(60),
                    "still no {backend}"
                );
            }
        };
        // Sessions in other threads see it too, in the middle of their work.
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| decided("cranelift"));
            }
        });
        decided("cranelift");
    }

    #[test]
    fn a_program_may_go_before_its_native_code_comes() {
        for rules in [1, 50, 400] {
            for _ in 0..5 {
                let program = program(rules);
                let mut session = program.session();
                let decision = session.decide_json("size", b"-1", &CALL).unwrap();
                assert_eq!(decision.value_json(), "\"none\"");
            }
        }
    }
}
