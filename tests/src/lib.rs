//! The package of end-to-end tests: everything is in `tests/`, nothing is exported.
