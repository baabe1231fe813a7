//! Diagnostics: optionals.

diagnostics! {}
