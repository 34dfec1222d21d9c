//! The chat page in `web`, ready to be served: its packages from npm, then Vite under the pinned
//! Node. It is built again exactly when one of the files that it is made of has changed.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use super::node::{install, node};
use super::stamp::Stamp;
use crate::{command, progress, workspace};

/// The sources of the page.
const SOURCES: [&str; 7] = [
    "index.html",
    "package.json",
    "package-lock.json",
    "vite.config.ts",
    "tsconfig.json",
    "public",
    "src",
];

/// Returns the packages that the page is built and tested with, in `web/node_modules`.
///
/// # Errors
/// They are not there and cannot be fetched.
pub(crate) fn page_packages() -> Result<PathBuf> {
    install(&source(), &source(), "fetching the page's packages")
}

/// Returns the folder with the built page.
///
/// # Errors
/// Node or the packages cannot be had, or the page does not build.
pub(crate) fn page() -> Result<PathBuf> {
    let (source, built) = (source(), source().join("dist"));
    let stamp = Stamp::new(workspace::tools().join("page.stamp"), &digest(&source)?);
    if stamp.is_current() && built.join("index.html").is_file() {
        return Ok(built);
    }
    // Types are checked by `cargo xtask test`, not while somebody waits for the page.
    let (node, packages) = (node()?, page_packages()?);
    let _lock = super::lock::lock()?;
    progress::step("building the page", || {
        stamp.clear()?;
        let mut vite = Command::new(node);
        vite.arg(packages.join("vite").join("bin").join("vite.js")).args(["build", "--logLevel", "error"]);
        command::output(vite.current_dir(&source))?;
        stamp.set()
    })
    .context("the page does not build; if web/src is not at fault, remove web/node_modules and try again")?;
    Ok(built)
}

fn source() -> PathBuf {
    workspace::root().join("web")
}

/// Returns a text that differs if any of the sources does.
fn digest(folder: &Path) -> Result<String> {
    let mut digest = Sha256::new();
    for name in SOURCES {
        add(&folder.join(name), name, &mut digest)?;
    }
    Ok(digest
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

fn add(path: &Path, name: &str, digest: &mut Sha256) -> Result<()> {
    let failed = || format!("{} cannot be read", path.display());
    if path.is_dir() {
        let entries: Result<Vec<_>, _> = std::fs::read_dir(path).with_context(failed)?.collect();
        let mut names: Vec<_> = entries
            .with_context(failed)?
            .iter()
            .map(|entry| entry.file_name())
            .collect();
        names.sort();
        return names.iter().try_for_each(|entry| {
            add(
                &path.join(entry),
                &format!("{name}/{}", entry.to_string_lossy()),
                digest,
            )
        });
    }
    let content = std::fs::read(path).with_context(failed)?;
    // With the lengths in between, no text can move from one file into another unnoticed.
    digest.update(format!("{name}\n{}\n", content.len()));
    digest.update(content);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_change_of_a_source_is_another_page() {
        let folder = std::env::temp_dir().join(format!("xtask-digest-{}", std::process::id()));
        for subfolder in ["public", "src/components"] {
            std::fs::create_dir_all(folder.join(subfolder)).unwrap();
        }
        for file in SOURCES.into_iter().filter(|name| name.contains('.')) {
            std::fs::write(folder.join(file), "1").unwrap();
        }
        let deep = folder.join("src/components/App.tsx");
        let mut seen = vec![digest(&folder).unwrap()];
        assert_eq!(digest(&folder).unwrap(), seen[0], "unchanged");
        let mut differs = |case: &str| {
            let found = digest(&folder).unwrap();
            assert!(!seen.contains(&found), "{case}");
            seen.push(found);
        };
        std::fs::write(&deep, "").unwrap();
        differs("a new file, empty");
        std::fs::write(&deep, "x").unwrap();
        differs("another content");
        std::fs::rename(&deep, deep.with_file_name("Main.tsx")).unwrap();
        differs("another name");
        std::fs::write(folder.join("index.html"), "2").unwrap();
        differs("another entry");
        std::fs::remove_file(folder.join("vite.config.ts")).unwrap();
        assert!(digest(&folder).is_err(), "without its configuration");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
