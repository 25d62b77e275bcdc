//! The secret that signs links to inputs: made once, kept in the data folder, so that links outlive a restart.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

use crate::exit::Failure;
use crate::system;

/// Its file: 64 hexadecimal digits.
const FILE: &str = "link.key";

/// Reads the secret, or makes one where there is none.
///
/// # Errors
/// The folder cannot be read or written, or the file holds something else.
pub(super) fn load_or_make(dir: &Path) -> Result<[u8; 32], Failure> {
    let path = dir.join(FILE);
    let failed = |e: io::Error| Failure::environment(&format!("cannot use `{}`", path.display()), e);
    match fs::read_to_string(&path) {
        Ok(text) => parse(&text).ok_or_else(|| {
            let remedy = "it does not hold 64 hexadecimal digits; delete it, and links that were signed end";
            Failure::environment(&format!("cannot use `{}`", path.display()), remedy)
        }),
        Err(e) if e.kind() == ErrorKind::NotFound => {
            let secret = system::secret_bytes();
            write(&path, &hex::encode(secret)).map_err(failed)?;
            Ok(secret)
        }
        Err(e) => Err(failed(e)),
    }
}

fn parse(text: &str) -> Option<[u8; 32]> {
    let mut secret = [0; 32];
    hex::decode_to_slice(text.trim(), &mut secret).ok()?;
    Some(secret)
}

/// Under another name first: a crash half way must not leave a file that is refused ever after.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let staged = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&staged)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&staged, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_made_once_and_read_ever_after() {
        let dir = tempfile::tempdir().unwrap();
        let first = load_or_make(dir.path()).unwrap();
        assert_eq!(load_or_make(dir.path()).unwrap(), first);
        assert_ne!(first, [0; 32]);
    }

    #[test]
    fn a_damaged_file_is_told_and_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(FILE), "abc").unwrap();
        assert!(load_or_make(dir.path()).unwrap_err().to_string().contains("64 hexadecimal"));
    }
}
