//! Diagnostics: numbers.

diagnostics! {}
