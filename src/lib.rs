//! (The face is written by the lead: the files beside this one. They are wired up here as soon as `frontend::check` and
//! `optimizer::run` have landed. Helpers: do not write them again.)
