//! Bytes as text without a text of its own: for digests, which every row of the ledger and every output shows. Where bytes
//! are shown once in a while, `hex::encode` does as well.

use std::fmt;

/// Bytes of one piece: a digest is written at once, without a text of its own.
const PIECE_BYTES: usize = 32;

/// Prints bytes as lowercase hexadecimal, two digits each.
#[derive(Clone, Copy)]
pub struct Hex<'b>(
    /// What to print.
    pub &'b [u8],
);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in self.0.chunks(PIECE_BYTES) {
            let mut digits = [0; PIECE_BYTES * 2];
            let digits = &mut digits[..piece.len() * 2];
            hex::encode_to_slice(piece, digits).map_err(|_| fmt::Error)?;
            f.write_str(std::str::from_utf8(digits).map_err(|_| fmt::Error)?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn bytes_read_back_whatever_their_number(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..100)) {
            let text = Hex(&bytes).to_string();
            proptest::prop_assert_eq!(&text, &text.to_lowercase());
            proptest::prop_assert_eq!(hex::decode(text), Ok(bytes));
        }
    }
}
