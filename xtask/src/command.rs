//! Running other programs to their end, with what they say kept for the case that they fail.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

const LINES_SHOWN: usize = 30;

/// Runs a program quietly and returns what it wrote to stdout.
///
/// # Errors
/// A program that cannot be started, or that ends with another status than 0; then the error
/// carries the last lines it wrote.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let name = name_of(command);
    let output = command
        .output()
        .with_context(|| format!("`{name}` cannot be started"))?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(stdout);
    }
    let text = format!("{stdout}{}", String::from_utf8_lossy(&output.stderr));
    bail!(
        "`{name}` ended with {}\n{}",
        output.status,
        last_lines(&text)
    );
}

/// Keeps from a nested cargo what the cargo above us says about xtask. Some build scripts watch
/// such variables: with other values in them half of the dependencies would be built again.
pub(crate) fn forget_outer_cargo(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        if is_about_xtask(&name.to_string_lossy()) {
            command.env_remove(name);
        }
    }
    command
}

/// Returns the cargo that runs us.
pub(crate) fn cargo() -> PathBuf {
    std::env::var_os("CARGO")
        .unwrap_or_else(|| "cargo".into())
        .into()
}

/// Finds a program in `PATH`.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| is_executable(file))
}

/// Returns the end of a long text, indented for an error message.
pub(crate) fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let shown = &lines[lines.len().saturating_sub(LINES_SHOWN)..];
    shown
        .iter()
        .map(|line| format!("    {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata()
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// Cargo's configuration starts with the same letters as what it tells its children.
fn is_about_xtask(variable: &str) -> bool {
    const SETTINGS: [&str; 3] = ["CARGO_HOME", "CARGO_INCREMENTAL", "CARGO_ENCODED_RUSTFLAGS"];
    const FAMILIES: [&str; 8] = [
        "CARGO_ALIAS_",
        "CARGO_BUILD_",
        "CARGO_HTTP_",
        "CARGO_NET_",
        "CARGO_PROFILE_",
        "CARGO_REGISTR",
        "CARGO_TARGET_",
        "CARGO_TERM_",
    ];
    let is_setting =
        SETTINGS.contains(&variable) || FAMILIES.iter().any(|family| variable.starts_with(family));
    variable.starts_with("CARGO") && !is_setting
}

fn name_of(command: &Command) -> String {
    let program = Path::new(command.get_program());
    program
        .file_name()
        .unwrap_or(command.get_program())
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_program_is_quoted() {
        let error =
            output(Command::new("sh").args(["-c", "echo the reason >&2; exit 3"])).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("`sh` ended with exit status: 3") && text.contains("the reason"),
            "{text}"
        );
    }

    #[test]
    fn a_nested_cargo_keeps_its_settings_only() {
        for name in [
            "CARGO",
            "CARGO_PKG_NAME",
            "CARGO_MANIFEST_DIR",
            "CARGO_PRIMARY_PACKAGE",
            "CARGO_BIN_EXE_xtask",
        ] {
            assert!(is_about_xtask(name), "{name}");
        }
        for name in [
            "CARGO_HOME",
            "CARGO_TARGET_DIR",
            "CARGO_NET_OFFLINE",
            "CARGO_REGISTRIES_X_TOKEN",
            "CARGO_TERM_COLOR",
            "PATH",
        ] {
            assert!(!is_about_xtask(name), "{name}");
        }
    }

    #[test]
    fn only_the_end_of_a_long_text_is_shown() {
        let text: String = (0..100)
            .map(|number| format!("line {number}\n\n"))
            .collect();
        let shown = last_lines(&text);
        assert_eq!(shown.lines().count(), LINES_SHOWN);
        assert!(shown.ends_with("    line 99"), "{shown}");
    }
}
