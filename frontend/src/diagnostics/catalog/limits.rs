//! Diagnostics: limits.

diagnostics! {}
