//! The catalogs: the five that are built in, or the files of a folder.

use std::fs;
use std::path::{Path, PathBuf};

use reeve_actors::CatalogFile;
use reeve_rehearsal::Examples;

use crate::exit::Failure;

macro_rules! built_in {
    ($($name:literal),+) => {
        /// The text of each built-in catalog and of its examples, by file name.
        const BUILT_IN: &[(&str, &str, &str)] = &[$((
            concat!($name, ".toml"),
            include_str!(concat!("../../../config/catalogs/", $name, ".toml")),
            include_str!(concat!("../../../config/catalogs/examples/", $name, ".toml")),
        )),+];
    };
}

built_in!("ai-studios", "kaiber", "kira", "kive", "kreatorflow");

/// A catalog's text with where it is from, before anyone judged it.
#[derive(Clone, Debug)]
pub struct Source {
    /// The file's name, for findings.
    pub file: String,
    pub text: String,
    /// The examples beside it, if there are any.
    pub examples: Option<(String, String)>,
}

/// The five that are built in.
pub fn built_in() -> Vec<Source> {
    let source = |(file, text, examples): &(&str, &str, &str)| Source {
        file: (*file).to_owned(),
        text: (*text).to_owned(),
        examples: Some((format!("examples/{file}"), (*examples).to_owned())),
    };
    BUILT_IN.iter().map(source).collect()
}

/// One file, with the examples that stand in the folder `examples` beside it.
///
/// # Errors
/// A file that cannot be read.
pub fn from_file(path: &Path) -> Result<Source, Failure> {
    let text = read(path)?;
    let beside = path.file_name().map(|name| path.with_file_name("examples").join(name));
    let examples = match beside {
        Some(beside) if beside.exists() => Some((beside.display().to_string(), read(&beside)?)),
        _ => None,
    };
    Ok(Source { file: path.display().to_string(), text, examples })
}

/// Every `*.toml` of a folder, in order of name.
///
/// # Errors
/// A folder or file that cannot be read, or a folder without a catalog.
pub fn from_folder(folder: &Path) -> Result<Vec<Source>, Failure> {
    let failed =
        |e| Failure::environment(&format!("the catalogs in `{}` cannot be read", folder.display()), e);
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_file() && path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(Failure::usage(format!(
            "the folder `{}` of `catalogs.dir` has no *.toml",
            folder.display()
        )));
    }
    files.iter().map(|file| from_file(file)).collect()
}

/// The catalogs to publish at a start: of the folder, or those built in when it is empty.
///
/// # Errors
/// All that is wrong with the first bad one, by file and key; or two files with one catalog's name.
pub fn load(folder: &str) -> Result<Vec<CatalogFile>, Failure> {
    let sources = if folder.is_empty() { built_in() } else { from_folder(Path::new(folder))? };
    let mut files: Vec<CatalogFile> = Vec::new();
    for source in sources {
        let examples = source.examples.map(|(_, text)| text);
        let file = CatalogFile::parse(&source.file, &source.text, examples)
            .map_err(|e| Failure::usage(e.to_string()))?;
        let name = &file.catalog.name;
        if files.iter().any(|other| other.catalog.name == *name) {
            return Err(Failure::usage(format!("{}: name: `{name}` is taken by another file", source.file)));
        }
        files.push(file);
    }
    Ok(files)
}

/// Reads the examples of a source.
///
/// # Errors
/// All that is wrong with them.
pub fn examples(source: &Source) -> Result<Option<Examples>, Failure> {
    let Some((file, text)) = &source.examples else { return Ok(None) };
    Examples::parse(file, text).map(Some).map_err(|e| Failure::no(e.to_string()))
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path)
        .map_err(|e| Failure::environment(&format!("the file `{}` cannot be read", path.display()), e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_five_that_are_built_in_are_good() {
        let catalogs = load("").unwrap();
        let names: Vec<String> = catalogs.iter().map(|file| file.catalog.name.to_string()).collect();
        assert_eq!(names, ["ai-studios", "kaiber", "kira", "kive", "kreatorflow"]);
    }

    #[test]
    fn a_bad_file_of_a_folder_is_named_and_so_is_an_empty_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap().to_owned();
        assert!(load(&path).unwrap_err().to_string().contains("no *.toml"));
        fs::write(folder.path().join("a.toml"), "name = 5\n").unwrap();
        assert!(load(&path).unwrap_err().to_string().contains("a.toml"));
        fs::write(folder.path().join("a.toml"), BUILT_IN[0].1).unwrap();
        assert_eq!(load(&path).unwrap().len(), 1);
        fs::write(folder.path().join("b.toml"), BUILT_IN[0].1).unwrap();
        assert!(load(&path).unwrap_err().to_string().contains("taken by another file"));
    }
}
