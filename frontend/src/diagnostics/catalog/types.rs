//! Diagnostics: types.

diagnostics! {}
