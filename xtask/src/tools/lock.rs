//! The lock of the tools' folder.

use std::fs::File;

use anyhow::{Context, Result};

use crate::workspace;

/// Locks the folder of the tools until the returned file is dropped, so that two runs never fetch
/// the same tool at the same time.
pub(super) fn lock() -> Result<File> {
    let folder = workspace::tools();
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("{} cannot be made", folder.display()))?;
    let file = File::create(folder.join("lock"))?;
    file.lock().context("the lock of .tools cannot be taken")?;
    Ok(file)
}
