//! The check of the snapshots: each is the expectation of a test. A test that is renamed or removed
//! leaves its snapshot where it was.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::{command, workspace};

/// The list of the snapshots that a run of the tests compares with; insta writes it.
#[derive(Debug)]
pub(crate) struct SnapshotReferences {
    file: PathBuf,
}

impl SnapshotReferences {
    /// Begins an empty list.
    ///
    /// # Errors
    /// That of an earlier run cannot be removed.
    pub(crate) fn begin() -> Result<Self> {
        let file = workspace::target().join("snapshot-references");
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("{} cannot be removed", file.display()))
            }
            _ => Ok(Self { file }),
        }
    }

    /// Returns the variable that names the list to the tests.
    pub(crate) fn variable(&self) -> (&'static str, OsString) {
        ("INSTA_SNAPSHOT_REFERENCES_FILE", self.file.clone().into())
    }

    /// Returns one line for each snapshot that no test has compared with.
    ///
    /// # Errors
    /// Git does not list the snapshots.
    pub(crate) fn findings(&self) -> Result<Vec<String>> {
        // Without the list no test has a snapshot.
        let referenced = std::fs::read_to_string(&self.file).unwrap_or_default();
        let snapshots = snapshots()?;
        let found = unreferenced(&snapshots, &referenced, workspace::root());
        Ok(found
            .map(|file| format!("{}: no test compares with it", file.display()))
            .collect())
    }
}

/// Returns the snapshots of the workspace, from its folder, with those that are not under version
/// control yet.
fn snapshots() -> Result<Vec<PathBuf>> {
    let mut git = Command::new("git");
    git.args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .arg("*.snap")
        .current_dir(workspace::root());
    let listed = command::output(&mut git)?;
    let files = listed.lines().map(PathBuf::from);
    Ok(files
        .filter(|file| workspace::root().join(file).exists())
        .collect())
}

/// Returns those of the `snapshots` in the folder `root` that are not among the lines of
/// `referenced`.
fn unreferenced<'run>(
    snapshots: &'run [PathBuf],
    referenced: &str,
    root: &Path,
) -> impl Iterator<Item = &'run PathBuf> {
    let referenced: BTreeSet<PathBuf> = referenced.lines().map(resolved).collect();
    let root = root.to_path_buf();
    snapshots
        .iter()
        .filter(move |file| !referenced.contains(&resolved(root.join(file))))
}

/// Returns the path without links and `..`, as far as the file is there.
fn resolved(path: impl AsRef<Path>) -> PathBuf {
    let path = path.as_ref();
    path.canonicalize().unwrap_or_else(|_| path.to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_that_no_test_compares_with_is_found() {
        let snapshots = ["a/snapshots/used.snap", "a/snapshots/stray.snap"].map(PathBuf::from);
        for (case, referenced, expected) in [
            (
                "one is used, twice",
                "/root/a/snapshots/used.snap\n/root/a/snapshots/used.snap\n",
                vec!["a/snapshots/stray.snap"],
            ),
            (
                "both are used",
                "/root/a/snapshots/stray.snap\n/root/a/snapshots/used.snap\n",
                vec![],
            ),
            (
                "the same name elsewhere",
                "/root/b/snapshots/used.snap\n/root/a/snapshots/stray.snap\n",
                vec!["a/snapshots/used.snap"],
            ),
            (
                "none is used",
                "",
                vec!["a/snapshots/used.snap", "a/snapshots/stray.snap"],
            ),
        ] {
            let found = unreferenced(&snapshots, referenced, Path::new("/root"));
            let expected: Vec<PathBuf> = expected.into_iter().map(PathBuf::from).collect();
            assert!(found.eq(&expected), "{case}");
        }
    }

    #[test]
    fn a_reference_may_take_another_way_to_the_file() {
        let root = workspace::root();
        let file = PathBuf::from("xtask/Cargo.toml");
        let way = root.join("xtask").join("src").join("..").join("Cargo.toml");
        let referenced = way.display().to_string();
        assert_eq!(unreferenced(&[file], &referenced, root).count(), 0);
    }
}
