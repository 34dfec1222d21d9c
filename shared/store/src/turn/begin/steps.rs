//! The steps of a begin: thread and quota at once, then whatever the first try has shown to be
//! needed.

use crate::attribute::Item;
use crate::cursor::Cursor;
use crate::error::BeginError;
use crate::run::{OpenTurn, TurnKeys};
use crate::slot::QuotaSlot;
use crate::thread::item::ThreadItem;
use crate::usage::day::DayItem;
use crate::usage::quota::Reservation;
use crate::{Finished, Store, StoreError, TurnOutcome, TurnUsage};

use super::decide::{Decision, DecisionInput, decide};
use super::plan::{self, Plan};
use super::write::Attempt;
use super::{Begin, BeginTurn, BegunTurn, PreparedBegin, quota_slot};

/// The number of attempts of one begin while others win in between.
const MAX_ATTEMPTS: usize = 8;

impl Store {
    /// Begins a turn: creates or touches the thread, makes this its current turn, and reserves a
    /// slot in the user's quota. A begin that does not succeed releases its slot.
    ///
    /// # Errors
    /// After a [`BeginError::Store`] the turn may have begun all the same, see
    /// [`Store::abandon_turn`].
    pub async fn begin_turn(&self, begin: &BeginTurn<'_>) -> Result<Begin, BeginError> {
        let prepared = PreparedBegin::new(begin).await;
        let blind = Plan::blind(&prepared);
        let (attempt, reserved) = tokio::join!(
            self.try_begin(&prepared, &blind),
            self.reserve(&prepared.quota_slot, begin.limits, None)
        );
        let mut quota = match reserved? {
            Reservation::Held => Quota::Held,
            Reservation::Full(day) => Quota::Full(day),
        };
        let begun = Box::pin(self.complete_begin(&prepared, blind, attempt?, &mut quota)).await;
        let has_not_begun = !matches!(begun, Ok(Begin::Begun(_)) | Err(BeginError::Store(_)));
        if has_not_begun && matches!(quota, Quota::Held) {
            // A slot that cannot be released now is free when its lease has passed.
            let _ = self.release(&prepared.quota_slot).await;
        }
        begun
    }

    /// Abandons a turn of which it is not known whether it has begun: the begin may have been
    /// written though its answer got lost, and would count as running until its lease is over.
    /// `begin` must be the very begin that failed, its `now_ms` and `lease_ms` included.
    pub async fn abandon_turn(&self, begin: &BeginTurn<'_>) -> Result<Finished, StoreError> {
        let quota_slot = quota_slot(begin);
        let keys = plan::keys_unplanned(begin, quota_slot.clone());
        let nothing = TurnUsage::default();
        let (finished, released) = tokio::join!(
            self.finish_turn(&keys, TurnOutcome::Failed, &nothing),
            self.release(&quota_slot)
        );
        released?;
        finished
    }

    /// Goes on after the first try.
    async fn complete_begin(
        &self,
        prepared: &PreparedBegin<'_>,
        mut plan: Plan,
        mut attempt: Attempt,
        quota: &mut Quota,
    ) -> Result<Begin, BeginError> {
        for _ in 0..MAX_ATTEMPTS {
            let thread = match attempt {
                Attempt::Begun(before, stored) => {
                    return self.begun(prepared, plan, (*before, stored), quota).await;
                }
                Attempt::ConditionFailed(thread) => thread,
            };
            let mut decision = decide(&thread, &prepared.decision_input());
            if decision == Decision::MaybeOlder {
                match self.older(prepared).await? {
                    Some(answered) => return Ok(Begin::Answered(answered)),
                    None => {
                        decision = decide(
                            &thread,
                            &DecisionInput {
                                mark: None,
                                ..prepared.decision_input()
                            },
                        );
                    }
                }
            }
            plan = match decision {
                Decision::AlreadyApplied => {
                    return self
                        .confirm(prepared, &thread, thread.current()?, quota)
                        .await;
                }
                Decision::AlreadyAppliedSuperseded(run) => {
                    return self
                        .confirm(prepared, &thread, thread.superseded(run)?, quota)
                        .await;
                }
                Decision::Running => return Ok(Begin::Running(thread.current()?)),
                Decision::Answered => return Ok(Begin::Answered(thread.answered()?)),
                Decision::Recover => return Ok(Begin::Recover(thread.current()?)),
                Decision::RecoverPrevious(run) => {
                    return Ok(Begin::Recover(thread.superseded(run)?));
                }
                Decision::Busy => {
                    let stream = thread.current()?.stream().clone();
                    return Err(BeginError::Busy { stream });
                }
                // Not without a mark.
                Decision::MaybeOlder => {
                    return Err(StoreError::Conflict {
                        operation: "UpdateItem",
                    }
                    .into());
                }
                Decision::DifferentMessage => return Err(BeginError::DifferentMessage),
                Decision::Begin => self.plan(prepared, &thread, None).await?,
                Decision::TakeOver => {
                    self.plan(prepared, &thread, Some(thread.current()?))
                        .await?
                }
            };
            let taken_over = plan.took_over().map(OpenTurn::quota_slot);
            self.hold(prepared, taken_over.as_ref(), quota).await?;
            attempt = self.try_begin(prepared, &plan).await?;
        }
        Err(StoreError::Conflict {
            operation: "UpdateItem",
        }
        .into())
    }

    async fn begun(
        &self,
        prepared: &PreparedBegin<'_>,
        plan: Plan,
        (before, stored): (ThreadItem, Item),
        quota: &mut Quota,
    ) -> Result<Begin, BeginError> {
        let keys = plan.keys(prepared, before.recent.len());
        self.hold_or_undo(prepared, &keys, Some((&plan, &stored)), quota)
            .await?;
        Ok(Begin::Begun(BegunTurn {
            #[cfg(feature = "test-support")]
            new_thread: !before.exists(),
            #[cfg(feature = "test-support")]
            at_ms: plan.at_ms,
            question_inlined: prepared.inline_question.is_some(),
            unfinished_previous: before.unfinished_previous()?,
            history: plan.history(),
            took_over: plan.took_over().map(OpenTurn::superseded),
            keys,
        }))
    }

    /// Recognizes a begin that was sent twice because its first response was lost. Whether an older
    /// turn was taken over from or is unfinished cannot be seen any more; one that was taken over
    /// from may be at work, and ends itself.
    async fn confirm(
        &self,
        prepared: &PreparedBegin<'_>,
        thread: &ThreadItem,
        turn: OpenTurn,
        quota: &mut Quota,
    ) -> Result<Begin, BeginError> {
        let keys = turn.keys(Some(prepared.quota_slot.clone()));
        self.hold_or_undo(prepared, &keys, None, quota).await?;
        Ok(Begin::Begun(BegunTurn {
            #[cfg(feature = "test-support")]
            new_thread: thread.turns == 1,
            #[cfg(feature = "test-support")]
            at_ms: turn.began_at_ms(),
            question_inlined: turn.inline_question().is_some(),
            took_over: thread
                .unfinished_previous()?
                .filter(|before| before.stream() != turn.stream()),
            unfinished_previous: None,
            history: Cursor::before(&turn.run().user_sk, turn.run().user_cut.as_deref()),
            keys,
        }))
    }

    /// Reserves a slot for a turn that has begun already, or undoes the begin. Where that
    /// cannot be done, be it that the thread's state `before` is unknown, the turn has failed.
    async fn hold_or_undo(
        &self,
        prepared: &PreparedBegin<'_>,
        keys: &TurnKeys,
        begun: Option<(&Plan, &Item)>,
        quota: &mut Quota,
    ) -> Result<(), BeginError> {
        let Err(refusal) = self.hold(prepared, None, quota).await else {
            return Ok(());
        };
        if matches!(refusal, BeginError::Store(_)) {
            return Err(refusal);
        }
        let is_undone = match begun {
            Some((plan, before)) => self
                .undo_begin(prepared, plan, keys, before)
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
        prepared: &PreparedBegin<'_>,
        taken_over: Option<&QuotaSlot>,
        quota: &mut Quota,
    ) -> Result<(), BeginError> {
        if let Quota::Full(day) = quota {
            let day = std::mem::take(day);
            self.wait_for_slot(&prepared.quota_slot, prepared.begin.limits, taken_over, day)
                .await?;
            *quota = Quota::Held;
        }
        Ok(())
    }
}

/// The state of the begin's slot in the user's quota.
enum Quota {
    Held,
    Full(DayItem),
}
