//! The peak memory of both functions fits the smallest Lambda function, however large a request, an
//! answer or a conversation is.
//!
//! Each case runs in a fresh process under the Runtime API of these tests, one invocation at a
//! time. Memory is in MiB (1,048,576 bytes), which is what Lambda calls MB. `--nocapture` shows all
//! figures.

mod answers;
mod content;
mod conversations;
mod report;
mod requests;

use acceptance::aws::{Function, RuntimeApi};
use acceptance::process::{peak_resident_bytes, resident_file_bytes};
use acceptance::world::World;
use anyhow::Result;

/// The limit of every case that has none of its own. Lambda ends a function of 128 MB that needs
/// more than that; the rest is for what the kernel keeps for a process, and for the differences
/// between two runs.
const MAX_PEAK_MIB: f64 = 118.0;

/// The most that a release build has resident of its program and its libraries. A debug build has
/// 25 MiB, and what it has more is not counted.
const RELEASE_PROGRAM_MIB: f64 = 12.0;

/// The most memory that a process has had resident.
#[derive(Debug, Clone, Copy)]
struct Peak {
    /// All of it (`VmHWM`).
    resident_mib: f64,
    /// The share of the program and its libraries (`RssFile`).
    program_mib: f64,
}

impl Peak {
    /// Returns the peak of a function once its invocation is over, its tasks included.
    async fn of(function: &Function) -> Result<Self> {
        const MIB: f64 = 1_048_576.0;
        function.api()?.wait_until_frozen().await?;
        let pid = function.process.pid();
        let resident_mib = peak_resident_bytes(pid)? as f64 / MIB;
        Ok(Self {
            resident_mib,
            program_mib: resident_file_bytes(pid)? as f64 / MIB,
        })
    }

    /// Returns what the process would have needed as a release build.
    fn counted_mib(self) -> f64 {
        self.resident_mib - (self.program_mib - RELEASE_PROGRAM_MIB).max(0.0)
    }
}

/// Starts `chat` as a Lambda function that takes one invocation at a time.
async fn start_chat(world: &World) -> Result<Function> {
    Function::start_under(RuntimeApi::start(1).await?, &world.variables()).await
}
