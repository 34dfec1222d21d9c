//! Reading along with a turn that runs in another process, through its journal.

use std::time::Duration;

use front::{failure, now_ms};
use message::UiPart;
use store::{OpenTurn, StoreError};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::clients::Clients;
use crate::log::LogWriter;
use crate::replay;

/// How often the journal is looked at.
const PAUSE: Duration = Duration::from_millis(300);

/// After so many looks that showed nothing new it is asked whether the turn still runs.
const QUIET_LOOKS: u32 = 4;

/// How long the end of a journal may take once the thread says that the turn is over.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Told to a reader when the turn has died.
const INTERRUPTED: &str = "The answer was interrupted. What came so far is kept.";

/// Told to a reader who has seen a part of an answer whose journal breaks off.
const OUT_OF_SIGHT: &str =
    "The rest of this answer cannot be shown here. Load the conversation again to see it.";

/// A reader of another process's turn.
pub(crate) struct Follower {
    pub(crate) open: OpenTurn,
    /// What the reader has of the answer already, if it goes on from something.
    pub(crate) given: Vec<UiPart>,
    /// When it has to be over, and what asks for that sooner.
    pub(crate) until: Instant,
    pub(crate) shutdown: CancellationToken,
}

/// What has become of a turn that is silent.
enum Fate {
    Runs,
    /// It died, and what it said has been stored.
    Died,
    /// It is over.
    Ended,
}

impl Follower {
    /// Copies the journal into `log`, from its first byte, until it ends, the turn does, or nobody reads any more.
    pub(crate) async fn run(self, clients: &Clients, log: LogWriter) {
        if let Err(error) = self.follow(clients, &log).await {
            tracing::warn!(
                stream_id = self.open.stream().as_str(),
                error = failure::chain(&error),
                "failed to follow a turn of another process"
            );
            log.append(&replay::broken_off(OUT_OF_SIGHT));
        }
        log.end();
    }

    async fn follow(&self, clients: &Clients, log: &LogWriter) -> Result<(), StoreError> {
        let (mut next, mut quiet) = (0, 0);
        let name = self.open.journal();
        // Once the turn is over, when its last words must have come.
        let mut last_words: Option<Instant> = None;
        while log.has_readers() && Instant::now() < self.until && !self.shutdown.is_cancelled() {
            let consistent = quiet >= QUIET_LOOKS;
            let journal = clients.store.journal(&name, next, consistent).await?;
            log.append(&journal.bytes);
            if journal.ended {
                return self.see_stored(clients).await;
            }
            quiet = if journal.next == next { quiet + 1 } else { 0 };
            next = journal.next;
            if consistent && quiet > QUIET_LOOKS {
                quiet = QUIET_LOOKS / 2;
                match self.fate(clients).await? {
                    Fate::Runs => {}
                    Fate::Died => {
                        log.append(&replay::broken_off(INTERRUPTED));
                        return Ok(());
                    }
                    Fate::Ended if next == 0 && self.replay(clients, log).await? => return Ok(()),
                    Fate::Ended => {
                        let until = *last_words.get_or_insert_with(|| Instant::now() + LAST_WORDS);
                        if until <= Instant::now() {
                            break;
                        }
                    }
                }
            }
            sleep(PAUSE).await;
        }
        log.append(&replay::broken_off(OUT_OF_SIGHT));
        Ok(())
    }

    /// A turn ends its log when its answer is stored. If the thread says otherwise it could not store it.
    async fn see_stored(&self, clients: &Clients) -> Result<(), StoreError> {
        if let Fate::Runs = self.fate(clients).await? {
            recovery::recover(&clients.store, &self.open, now_ms()).await?;
        }
        Ok(())
    }

    /// What is stored, for a reader that has seen nothing. `false`: nothing is stored yet.
    async fn replay(&self, clients: &Clients, log: &LogWriter) -> Result<bool, StoreError> {
        let stored = clients.store.answer_of(&self.open.answered()).await?;
        let stream = stored.and_then(|answer| replay::stream_of(&self.given, &answer));
        if let Some(stream) = &stream {
            log.append(stream);
        }
        Ok(stream.is_some())
    }

    async fn fate(&self, clients: &Clients) -> Result<Fate, StoreError> {
        let current = clients
            .store
            .current_turn(self.open.user(), self.open.thread())
            .await?;
        match current.and_then(|current| current.open) {
            Some(open) if open.stream() != self.open.stream() => Ok(Fate::Ended),
            Some(open) if open.is_dead(now_ms()) => {
                recovery::recover(&clients.store, &open, now_ms()).await?;
                Ok(Fate::Died)
            }
            Some(_) => Ok(Fate::Runs),
            None => Ok(Fate::Ended),
        }
    }
}
