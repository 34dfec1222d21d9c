//! Remembers what a folder was filled with, so that it is filled again exactly when the pin
//! changes.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// A note next to fetched files that names the pin they were fetched for.
pub(crate) struct Stamp {
    file: PathBuf,
    pin: String,
}

impl Stamp {
    /// Returns a stamp for what `pin` describes. Installed scripts hold absolute paths, so a
    /// checkout that was moved counts as another pin.
    pub(crate) fn new(file: PathBuf, pin: &str) -> Self {
        let pin = format!("{}\n{pin}", file.display());
        Self { file, pin }
    }

    /// Returns true if the files are there and were fetched for this pin.
    pub(crate) fn is_current(&self) -> bool {
        std::fs::read_to_string(&self.file).is_ok_and(|found| found == self.pin)
    }

    /// Notes that the files are about to change: an interrupted fetch leaves nothing that counts as
    /// complete.
    ///
    /// # Errors
    /// The note cannot be removed.
    pub(crate) fn clear(&self) -> Result<()> {
        match std::fs::remove_file(&self.file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("{} cannot be removed", self.file.display()))
            }
            _ => Ok(()),
        }
    }

    /// Notes that the files are complete.
    ///
    /// # Errors
    /// The note cannot be written.
    pub(crate) fn set(&self) -> Result<()> {
        std::fs::write(&self.file, &self.pin)
            .with_context(|| format!("{} cannot be written", self.file.display()))
    }
}

/// Returns the text of a file under version control that a pin is made of.
///
/// # Errors
/// The file cannot be read.
pub(crate) fn pin_file(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_pin_in_the_same_place_is_current() {
        let folder = std::env::temp_dir().join(format!("xtask-stamp-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let stamp = Stamp::new(folder.join("stamp"), "tool==1");
        assert!(!stamp.is_current(), "before it is set");
        stamp.set().unwrap();
        assert!(stamp.is_current(), "after it is set");
        stamp.clear().unwrap();
        stamp.clear().unwrap();
        assert!(!stamp.is_current(), "after it is cleared");
        stamp.set().unwrap();
        assert!(
            !Stamp::new(folder.join("stamp"), "tool==2").is_current(),
            "another pin"
        );
        std::fs::rename(folder.join("stamp"), folder.join("moved")).unwrap();
        assert!(
            !Stamp::new(folder.join("moved"), "tool==1").is_current(),
            "another place"
        );
        std::fs::remove_dir_all(folder).unwrap();
    }
}
