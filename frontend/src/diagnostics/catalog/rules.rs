//! Diagnostics: rules.

diagnostics! {}
