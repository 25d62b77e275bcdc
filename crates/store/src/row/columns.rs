//! Names and kinds of columns, from which statements are built.

/// How a JSON cell becomes a column's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cast {
    Text,
    Int,
    /// Hexadecimal in JSON.
    Bytes,
}

/// Columns in the order in which their cells are written.
pub(crate) type Columns = [(&'static str, Cast)];

pub(crate) const fn text(name: &'static str) -> (&'static str, Cast) {
    (name, Cast::Text)
}

pub(crate) const fn int(name: &'static str) -> (&'static str, Cast) {
    (name, Cast::Int)
}

pub(crate) const fn bytes(name: &'static str) -> (&'static str, Cast) {
    (name, Cast::Bytes)
}
