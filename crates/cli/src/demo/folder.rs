//! The demonstration's folder: always a fresh one, so that what is shown is all there is.

use std::fs;
use std::path::{Path, PathBuf};

use reeve_types::Clock as _;

use crate::exit::Failure;
use crate::system::SystemClock;

/// The folder that was named, or a new one below the system's temporary folder.
///
/// # Errors
/// It holds something already, or cannot be made.
pub fn fresh(named: Option<PathBuf>) -> Result<PathBuf, Failure> {
    let path = named.unwrap_or_else(|| std::env::temp_dir().join(format!("reeve-demo-{}", stamp())));
    let failed = |e| Failure::environment(&format!("cannot make the folder `{}`", path.display()), e);
    fs::create_dir_all(&path).map_err(failed)?;
    if fs::read_dir(&path).map_err(failed)?.next().is_some() {
        return Err(Failure::usage(format!("the folder `{}` is not empty; name a new one", path.display())));
    }
    // Absolute, since a person will open what lies in it.
    Ok(absolute(&path))
}

fn absolute(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// The time of day and the process: two demonstrations never meet.
fn stamp() -> String {
    let now = SystemClock.now().to_string();
    let digits: String = now.chars().filter(char::is_ascii_digit).take(14).collect();
    format!("{digits}-{}", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_something_in_it_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new");
        assert!(fresh(Some(path.clone())).is_ok());
        fs::write(path.join("mine.txt"), "").unwrap();
        assert!(matches!(fresh(Some(path)), Err(Failure::Usage(_))));
    }
}
