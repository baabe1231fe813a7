//! Diagnostics: syntax.

diagnostics! {}
