//! A folder that comes into being as a whole: made under another name, and renamed once everything is on disk.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::files::sync_folder;
use crate::exit::Failure;

/// What a folder is called until it is whole.
const ENDING: &str = ".partial";

/// A folder that is being made; removed when it is dropped before its end.
pub struct Part {
    partial: PathBuf,
    target: PathBuf,
    is_done: bool,
}

impl Part {
    /// Begins a folder, readable by its owner alone. One that exists already must be empty.
    ///
    /// # Errors
    /// There is something in it, or the folder above it cannot be written.
    pub fn begin(target: &Path) -> Result<Self, Failure> {
        let failed = |error| Failure::environment(&format!("cannot make `{}`", target.display()), error);
        let name = target.file_name().ok_or_else(|| {
            Failure::usage(format!("`{}` has no name of its own: name a folder to make", target.display()))
        })?;
        let is_empty = match fs::read_dir(target) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => true,
            Err(error) => return Err(failed(error)),
        };
        if !is_empty {
            return Err(Failure::usage(format!(
                "`{}` is not empty; name a folder to make",
                target.display()
            )));
        }
        let mut partial = name.to_owned();
        partial.push(ENDING);
        let partial = target.with_file_name(partial);
        fs::create_dir_all(above(target)).map_err(failed)?;
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        match builder.create(&partial) {
            Ok(()) => Ok(Self { partial, target: target.to_owned(), is_done: false }),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(Failure::usage(format!(
                "`{}` is there: another one is being made, or was broken off; remove it in that case",
                partial.display()
            ))),
            Err(error) => Err(failed(error)),
        }
    }

    /// Where to put what belongs into it.
    pub fn path(&self) -> &Path {
        &self.partial
    }

    /// Brings everything to disk, then gives the folder its name.
    ///
    /// # Errors
    /// The disk fails, or somebody made a folder of that name meanwhile.
    pub fn finish(mut self) -> Result<(), Failure> {
        let target = self.target.display().to_string();
        let failed = |error| Failure::environment(&format!("cannot finish `{target}`"), error);
        sync_folder(&self.partial).map_err(failed)?;
        fs::rename(&self.partial, &self.target).map_err(failed)?;
        self.is_done = true;
        fs::File::open(above(&self.target)).and_then(|folder| folder.sync_all()).map_err(failed)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.is_done
            && let Err(error) = fs::remove_dir_all(&self.partial)
        {
            eprintln!("warning: `{}` cannot be removed: {error}", self.partial.display());
        }
    }
}

/// The folder in which another one is.
pub fn above(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_its_name_only_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("deep/monday");
        let part = Part::begin(&target).unwrap();
        fs::write(part.path().join("a"), "a").unwrap();
        assert!(!target.exists());
        let second = Part::begin(&target).err().unwrap().to_string();
        assert!(second.contains("monday.partial"), "{second}");
        drop(part);
        assert!(fs::read_dir(above(&target)).unwrap().next().is_none(), "nothing is left of it");

        fs::create_dir(&target).unwrap();
        let part = Part::begin(&target).unwrap();
        fs::write(part.path().join("a"), "a").unwrap();
        part.finish().unwrap();
        assert!(target.join("a").exists());
        let full = Part::begin(&target).err().unwrap().to_string();
        assert!(full.contains("not empty"), "{full}");
        assert!(Part::begin(Path::new("..")).is_err() && Part::begin(Path::new("/")).is_err());
    }
}
