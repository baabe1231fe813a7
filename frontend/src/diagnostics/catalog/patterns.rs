//! Diagnostics: patterns.

diagnostics! {}
