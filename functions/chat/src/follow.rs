//! Reading along with a turn that runs in another process, through its journal.

use std::time::Duration;

use front::{failure, now_ms};
use message::{StreamId, ThreadId, UserId};
use store::{AnsweredTurn, StoreError};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::clients::Clients;
use crate::log::LogWriter;
use crate::replay;

/// How often the journal is looked at.
const PAUSE: Duration = Duration::from_millis(300);

/// After so many looks that showed nothing new it is asked whether the turn still runs.
const QUIET_LOOKS: u32 = 4;

/// Told to a reader when the turn has died.
const INTERRUPTED: &str = "The answer was interrupted. What came so far is kept.";

/// Told to a reader who has seen a part of an answer whose journal breaks off.
const OUT_OF_SIGHT: &str =
    "The rest of this answer cannot be shown here. Load the conversation again to see it.";

/// A reader of another process's turn.
pub(crate) struct Follower {
    pub(crate) user: UserId,
    pub(crate) thread: ThreadId,
    pub(crate) stream: StreamId,
    /// When it has to be over, and what asks for that sooner.
    pub(crate) until: Instant,
    pub(crate) shutdown: CancellationToken,
}

/// What has become of a turn that is silent.
enum Fate {
    Runs,
    /// It died, and what it said has been stored.
    Died,
    /// It is over, and its answer, if it has one, is stored.
    Ended(Option<AnsweredTurn>),
}

impl Follower {
    /// Copies the journal into `log`, from its first byte, until it ends, the turn does, or nobody reads any more.
    pub(crate) async fn run(self, clients: &Clients, log: LogWriter) {
        if let Err(error) = self.follow(clients, &log).await {
            tracing::warn!(
                stream_id = self.stream.as_str(),
                error = failure::chain(&error),
                "a turn is lost sight of"
            );
            log.append(&replay::broken_off(OUT_OF_SIGHT));
        }
    }

    async fn follow(&self, clients: &Clients, log: &LogWriter) -> Result<(), StoreError> {
        let (mut next, mut quiet) = (0, 0);
        while log.has_readers() && Instant::now() < self.until && !self.shutdown.is_cancelled() {
            let consistent = quiet >= QUIET_LOOKS;
            let journal = clients.store.journal(&self.user, &self.stream, next, consistent).await?;
            log.append(&journal.bytes);
            if journal.ended {
                return Ok(());
            }
            quiet = if journal.next == next { quiet + 1 } else { 0 };
            next = journal.next;
            if consistent && quiet > QUIET_LOOKS {
                match self.fate(clients).await? {
                    Fate::Runs => quiet = 1,
                    Fate::Died => return Ok(log.append(&replay::broken_off(INTERRUPTED))),
                    Fate::Ended(answered) => return self.end(clients, log, next, answered).await,
                }
            }
            sleep(PAUSE).await;
        }
        log.append(&replay::broken_off(OUT_OF_SIGHT));
        Ok(())
    }

    async fn fate(&self, clients: &Clients) -> Result<Fate, StoreError> {
        let Some(current) = clients.store.current_turn(&self.user, &self.thread).await? else {
            return Ok(Fate::Ended(None));
        };
        match &current.open {
            Some(open) if *open.stream() == self.stream && !open.is_dead(now_ms()) => return Ok(Fate::Runs),
            Some(open) if *open.stream() == self.stream => {
                recovery::recover(&clients.store, open, now_ms()).await?;
                return Ok(Fate::Died);
            }
            _ => {}
        }
        Ok(Fate::Ended(current.answered.filter(|answered| *answered.stream() == self.stream)))
    }

    /// A reader that has seen nothing gets the stored answer; one that has seen a part of it is told to come again.
    async fn end(
        &self,
        clients: &Clients,
        log: &LogWriter,
        pieces: u32,
        answered: Option<AnsweredTurn>,
    ) -> Result<(), StoreError> {
        if let Some(answered) = answered.filter(|_| pieces == 0)
            && let Some(answer) = clients.store.answer_of(&answered).await?
            && let Some(stream) = replay::stream_of(&[], &answer)
        {
            log.append(&stream);
        } else {
            log.append(&replay::broken_off(OUT_OF_SIGHT));
        }
        Ok(())
    }
}
