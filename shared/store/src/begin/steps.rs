//! The steps of a begin: thread and quota at once, then whatever the first try has shown to be needed.

use crate::history::Cursor;
use crate::item::Item;
use crate::quota::{DayItem, Reserved};
use crate::thread::ThreadItem;
use crate::turn::{OpenTurn, TurnKeys};
use crate::{Finished, Store, StoreError, TurnOutcome, TurnUsage};

use super::judge::{Asking, Verdict, judge};
use super::plan::{self, Plan};
use super::write::{Attempt, title_of};
use super::{Asked, Begin, BeginError, BeginTurn, BegunTurn, place};

/// How often one begin is tried while others win in between.
const ATTEMPTS: usize = 8;

impl Store {
    /// Begins a turn: creates or touches the thread, makes this its current turn, and takes a place in the user's
    /// quota. What comes to nothing gives its place back.
    ///
    /// # Errors
    /// After a [`BeginError::Store`] the turn may have begun all the same, see [`Store::abandon_turn`].
    pub async fn begin_turn(&self, begin: &BeginTurn<'_>) -> Result<Begin, BeginError> {
        let asked = Asked::new(begin).await;
        let blind = Plan::blind(&asked);
        let (attempt, reserved) = tokio::join!(
            self.try_begin(&asked, &blind),
            self.reserve(&asked.place, begin.limits, None)
        );
        let mut quota = match reserved? {
            Reserved::Held => Quota::Held,
            Reserved::Full(day) => Quota::Full(day),
        };
        let begun = Box::pin(self.settle_begin(&asked, blind, attempt?, &mut quota)).await;
        let came_to_nothing = !matches!(begun, Ok(Begin::Begun(_)) | Err(BeginError::Store(_)));
        if came_to_nothing && matches!(quota, Quota::Held) {
            // What cannot be given back now is free when the lease has passed.
            let _ = self.release(&asked.place).await;
        }
        begun
    }

    /// Gives up a turn of which it is not known whether it has begun: the begin may have been written though its
    /// answer got lost, and would count as running until its lease is over. `begin` must be the very begin that failed,
    /// its `now_ms` and `lease_ms` included.
    pub async fn abandon_turn(&self, begin: &BeginTurn<'_>) -> Result<Finished, StoreError> {
        let place = place(begin);
        let keys = plan::keys_unplanned(begin, place.clone());
        let nothing = TurnUsage::default();
        let (finished, released) = tokio::join!(
            self.finish_turn(&keys, TurnOutcome::Failed, &nothing),
            self.release(&place)
        );
        released?;
        finished
    }

    /// Goes on after the first try.
    async fn settle_begin(
        &self,
        asked: &Asked<'_>,
        mut plan: Plan,
        mut attempt: Attempt,
        quota: &mut Quota,
    ) -> Result<Begin, BeginError> {
        for _ in 0..ATTEMPTS {
            let thread = match attempt {
                Attempt::Begun(before, stored) => {
                    return self.begun(asked, plan, (*before, stored), quota).await;
                }
                Attempt::Refused(thread) => thread,
            };
            let mut verdict = judge(&thread, &asked.asking());
            if verdict == Verdict::MaybeOlder {
                match self.older(asked).await? {
                    Some(answered) => return Ok(Begin::Answered(answered)),
                    None => {
                        verdict = judge(
                            &thread,
                            &Asking {
                                mark: None,
                                ..asked.asking()
                            },
                        )
                    }
                }
            }
            plan = match verdict {
                Verdict::Ours => {
                    return self.confirm(asked, &thread, thread.current()?, quota).await;
                }
                Verdict::OursSuperseded(run) => {
                    return self
                        .confirm(asked, &thread, thread.superseded(run)?, quota)
                        .await;
                }
                Verdict::Running => return Ok(Begin::Running(thread.current()?)),
                Verdict::Answered => return Ok(Begin::Answered(thread.answered()?)),
                Verdict::Recover => return Ok(Begin::Recover(thread.current()?)),
                Verdict::RecoverPrevious(run) => {
                    return Ok(Begin::Recover(thread.superseded(run)?));
                }
                Verdict::Busy => {
                    let stream = thread.current()?.stream().clone();
                    return Err(BeginError::Busy { stream });
                }
                // Not without a mark.
                Verdict::MaybeOlder => {
                    return Err(StoreError::Conflict {
                        operation: "UpdateItem",
                    }
                    .into());
                }
                Verdict::DifferentMessage => return Err(BeginError::DifferentMessage),
                Verdict::Begin => self.plan(asked, &thread, None).await?,
                Verdict::TakeOver => self.plan(asked, &thread, Some(thread.current()?)).await?,
            };
            self.hold(asked, plan.took_over(), quota).await?;
            attempt = self.try_begin(asked, &plan).await?;
        }
        Err(StoreError::Conflict {
            operation: "UpdateItem",
        }
        .into())
    }

    async fn begun(
        &self,
        asked: &Asked<'_>,
        plan: Plan,
        (before, stored): (ThreadItem, Item),
        quota: &mut Quota,
    ) -> Result<Begin, BeginError> {
        let keys = plan.keys(asked, before.recent.len());
        self.hold_or_undo(asked, &keys, Some(&stored), quota)
            .await?;
        Ok(Begin::Begun(BegunTurn {
            new_thread: !before.exists(),
            at_ms: plan.at_ms,
            question_kept: asked.kept.is_some(),
            left_behind: before.left_behind()?,
            history: plan.history(),
            took_over: plan.took_over().map(OpenTurn::superseded),
            keys,
        }))
    }

    /// The same begin, sent twice because the first answer got lost on the way. Whether an older turn was taken over from
    /// or left behind cannot be seen any more; one that was taken over from may be at work, and is left to end itself.
    async fn confirm(
        &self,
        asked: &Asked<'_>,
        thread: &ThreadItem,
        turn: OpenTurn,
        quota: &mut Quota,
    ) -> Result<Begin, BeginError> {
        let keys = turn.keys(Some(asked.place.clone()));
        self.hold_or_undo(asked, &keys, None, quota).await?;
        Ok(Begin::Begun(BegunTurn {
            new_thread: thread.turns == 1,
            at_ms: turn.began_at_ms(),
            question_kept: turn.kept().is_some(),
            took_over: thread
                .left_behind()?
                .filter(|before| before.stream() != turn.stream()),
            left_behind: None,
            history: Cursor::before(&turn.run().user_sk, turn.run().user_cut.as_deref()),
            keys,
        }))
    }

    /// Makes sure of a place for a turn that has begun already, or takes the begin back. Where that cannot be done, be it
    /// that nobody knows what the thread was `before`, the turn has failed.
    async fn hold_or_undo(
        &self,
        asked: &Asked<'_>,
        keys: &TurnKeys,
        before: Option<&Item>,
        quota: &mut Quota,
    ) -> Result<(), BeginError> {
        let Err(refusal) = self.hold(asked, None, quota).await else {
            return Ok(());
        };
        if matches!(refusal, BeginError::Store(_)) {
            return Err(refusal);
        }
        let is_undone = match before {
            Some(before) => self
                .undo_begin(keys, before, &title_of(asked.begin))
                .await
                .unwrap_or(false),
            None => false,
        };
        if !is_undone {
            self.finish_turn(keys, TurnOutcome::Failed, &TurnUsage::default())
                .await?;
        }
        Err(refusal)
    }

    async fn hold(
        &self,
        asked: &Asked<'_>,
        beside: Option<&OpenTurn>,
        quota: &mut Quota,
    ) -> Result<(), BeginError> {
        if let Quota::Full(day) = quota {
            let day = std::mem::take(day);
            self.make_room(&asked.place, asked.begin.limits, beside, day)
                .await?;
            *quota = Quota::Held;
        }
        Ok(())
    }
}

/// Whether the begin has a place in the user's quota.
enum Quota {
    Held,
    Full(DayItem),
}
