//! What a program keeps of the source that it was compiled from: to tell what was said of it, to run its tests, to explain decisions.

use std::sync::{Arc, OnceLock};

use super::Program;
use crate::backends::BackendRow;
use crate::error::Error;
use crate::explain::Explainer;
use crate::report::Report;
use crate::test_run::{TestOptions, TestResult, Tests};

/// What is kept of a program's source.
#[derive(Default)]
pub(crate) struct Source {
    report: Report,
    tests: Option<Tests>,
    /// Made when the first decision is explained.
    explainer: OnceLock<Arc<Explainer>>,
}

impl Source {
    pub(crate) fn new(report: Report, tests: Option<Tests>) -> Source {
        Source {
            report,
            tests,
            explainer: OnceLock::new(),
        }
    }
}

impl Program {
    /// What the compiler said: warnings and notes.
    pub fn report(&self) -> &Report {
        &self.source().report
    }

    /// Runs the `test` blocks of the main file whose title contains `filter`.
    ///
    /// # Errors
    /// When the tests cannot be compiled for want of resources.
    pub fn run_tests(&self, filter: Option<&str>) -> Result<Vec<TestResult>, Error> {
        let options = TestOptions {
            filter: filter.map(str::to_owned),
            ..TestOptions::default()
        };
        let mut results = Vec::new();
        self.run_tests_with(&options, &mut |result| results.push(result))?;
        Ok(results)
    }

    /// Runs `test` blocks of the main file and hands over each result as it comes: one for each test, of one with rows one for each row.
    ///
    /// # Errors
    /// As [`Program::run_tests`].
    pub fn run_tests_with(
        &self,
        options: &TestOptions,
        each: &mut dyn FnMut(TestResult),
    ) -> Result<(), Error> {
        let sources = self.source().report.shared_sources();
        let tests = self.source().tests.as_ref();
        tests.map_or(Ok(()), |tests| tests.run(options, &sources, each))
    }

    /// How many results [`Program::run_tests_with`] hands over.
    pub fn count_tests(&self, options: &TestOptions) -> usize {
        let tests = self.source().tests.as_ref();
        tests.map_or(0, |tests| tests.count(options))
    }

    /// The tests of the main file, if it has some.
    pub(crate) fn tests(&self) -> Option<&Tests> {
        self.source().tests.as_ref()
    }

    /// What explains decisions. Made once, from the texts that the program was compiled from.
    pub(crate) fn explainer(&self) -> Result<&Arc<Explainer>, Error> {
        if let Some(explainer) = self.source().explainer.get() {
            return Ok(explainer);
        }
        if self.report().sources().files().next().is_none() {
            return Err(Error::other(format!(
                "`{}` was loaded from an artifact, which has no source to explain",
                self.main_file()
            )));
        }
        let made = Arc::new(Explainer::new(self)?);
        Ok(self.source().explainer.get_or_init(|| made))
    }

    /// The program with the data of another one made from the same rules.
    pub(crate) fn with_data_of(&self, other: &Program) -> Program {
        Program {
            shared: self.shared.clone(),
            data: other.data.clone(),
        }
    }

    /// The backend that it was compiled by first.
    pub(crate) fn first_backend(&self) -> &'static BackendRow {
        self.shared.tiers.first_backend()
    }

    fn source(&self) -> &Source {
        &self.shared.origin.source
    }
}
