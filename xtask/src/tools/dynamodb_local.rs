//! AWS's own DynamoDB Local, a cross-check for the store where Java is there. Its licence asks for
//! an AWS account and forbids redistribution: it is fetched, never committed.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::stamp::Stamp;
use crate::{command, guard, net, progress, workspace};

/// The npm package that carries the jar. Only its archive is fetched: what it depends on has half a
/// gigabyte.
const PACKAGE: &str = "amplify-dynamodb-simulator@2.9.30";
const INTEGRITY: &str = "sha512-xTeeRLvzEfqyd5lh3bH4c0kHvSHHmmhD5ZDsHFKAQ5g2Zl6JqlFdutaQhCLHzxEp6Ry1o7TB6niIoXuQAnSewQ==";
const OLDEST_JAVA: u32 = 17;
const START_LIMIT: Duration = Duration::from_secs(60);

/// A running DynamoDB Local that keeps its data in memory and ends with this value.
pub(crate) struct DynamoDbLocal {
    process: Child,
    endpoint: String,
}

impl DynamoDbLocal {
    /// Starts it on a free loopback port and waits until it answers.
    ///
    /// # Errors
    /// It cannot be fetched or does not come up.
    pub(crate) fn start(java: &Path) -> Result<Self> {
        let folder = fetch()?;
        let port = net::free_port()?;
        let mut command = guard::guarded(java)?;
        command.arg(format!(
            "-Djava.library.path={}",
            folder.join("DynamoDBLocal_lib").display()
        ));
        command.arg("-jar").arg(folder.join("DynamoDBLocal.jar"));
        command.args(["-inMemory", "-disableTelemetry", "-port", &port.to_string()]);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let process = command
            .spawn()
            .context("DynamoDB Local cannot be started")?;
        let mut local = Self {
            process,
            endpoint: format!("http://127.0.0.1:{port}"),
        };
        local.wait_until_up(port)?;
        Ok(local)
    }

    /// Returns the URL under which the AWS SDK finds it.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    fn wait_until_up(&mut self, port: u16) -> Result<()> {
        let deadline = Instant::now() + START_LIMIT;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if let Some(status) = self.process.try_wait()? {
                bail!("DynamoDB Local ended with {status} while starting");
            }
            if Instant::now() > deadline {
                bail!(
                    "DynamoDB Local did not answer within {} s",
                    START_LIMIT.as_secs()
                );
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }
}

impl Drop for DynamoDbLocal {
    fn drop(&mut self) {
        // The guard ends Java when its stdin closes.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// Finds a Java that is new enough.
///
/// # Errors
/// There is none; the text says what was found.
pub(crate) fn java() -> Result<PathBuf> {
    let java = command::find("java").context("there is no `java` in PATH")?;
    let output = Command::new(&java)
        .arg("-version")
        .output()
        .context("`java` cannot be started")?;
    let output_text = String::from_utf8_lossy(&output.stderr).into_owned();
    match major_version(&output_text) {
        Some(version) if version >= OLDEST_JAVA => Ok(java),
        Some(version) => bail!("Java {version} is too old, {OLDEST_JAVA} is needed"),
        None => bail!("`java -version` does not tell its version"),
    }
}

/// Fetches the jar, once.
pub(crate) fn fetch() -> Result<PathBuf> {
    let _lock = super::lock::lock()?;
    let folder = workspace::tools().join("dynamodb-local");
    let stamp = Stamp::new(folder.join("stamp"), &format!("{PACKAGE} {INTEGRITY}"));
    if !stamp.is_current() {
        progress::step("fetching DynamoDB Local", || {
            if folder.exists() {
                std::fs::remove_dir_all(&folder)?;
            }
            unpack(&folder)?;
            stamp.set()
        })
        .context("fetching DynamoDB Local failed; check that npm's registry can be reached, and try again")?;
    }
    Ok(folder)
}

fn unpack(folder: &Path) -> Result<()> {
    let npm = command::find("npm").context("there is no `npm` in PATH")?;
    std::fs::create_dir_all(folder)?;
    let mut pack = Command::new(npm);
    pack.args([
        "pack",
        PACKAGE,
        "--json",
        "--loglevel=error",
        "--pack-destination",
    ])
    .arg(folder);
    let packed: Value = serde_json::from_str(&command::output(&mut pack)?)
        .context("npm pack did not answer in JSON")?;
    let archive = packed
        .as_array()
        .and_then(|list| list.first())
        .unwrap_or(&packed);
    if archive["integrity"] != INTEGRITY {
        bail!(
            "the archive of {PACKAGE} is not the pinned one: {}",
            archive["integrity"]
        );
    }
    let file = folder.join(
        archive["filename"]
            .as_str()
            .context("npm pack named no file")?,
    );
    let mut tar = Command::new("tar");
    tar.arg("-xzf")
        .arg(&file)
        .arg("-C")
        .arg(folder)
        .args(["--strip-components=2", "package/emulator"]);
    command::output(&mut tar)?;
    Ok(std::fs::remove_file(file)?)
}

/// Reads `openjdk version "17.0.15" 2025-04-15`.
fn major_version(output_text: &str) -> Option<u32> {
    let version = output_text.split('"').nth(1)?;
    version.split(['.', '-', '+']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_of_java_is_read() {
        let cases = [
            (
                "openjdk version \"17.0.15\" 2025-04-15\nOpenJDK Runtime",
                Some(17),
            ),
            ("java version \"1.8.0_392\"", Some(1)),
            ("openjdk version \"25\" 2025-09-16", Some(25)),
            ("openjdk version \"26-ea\" 2026-03-17", Some(26)),
            ("command not found", None),
        ];
        for (output_text, expected) in cases {
            assert_eq!(major_version(output_text), expected, "{output_text}");
        }
    }
}
