//! Diagnostics: items.

diagnostics! {}
