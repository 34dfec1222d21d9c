//! The keys of items. Ids cannot hold `#`, so none can reach into another's key.

use message::{MessageId, Role, StreamId, ThreadId, UserId};
use time::OffsetDateTime;

/// The sort key of an item that is alone under its `pk`.
pub(crate) const ALONE: &str = "-";
/// Every message's sort key lies between these two.
pub(crate) const FIRST_MESSAGE: &str = "M#";
pub(crate) const LAST_MESSAGE: &str = "M#~";

pub(crate) fn session(key: &str) -> String {
    format!("BA#{key}")
}

pub(crate) fn user(user: &UserId) -> String {
    format!("U#{user}")
}

pub(crate) fn thread(thread: &ThreadId) -> String {
    format!("T#{thread}")
}

pub(crate) fn messages(user: &UserId, thread: &ThreadId) -> String {
    format!("T#{user}#{thread}")
}

/// Returns the user's item of the UTC day `date`, spelled `2026-11-22`.
pub(crate) fn day(date: &str) -> String {
    format!("Q#{date}")
}

/// Returns the UTC date, spelled `2026-11-22`.
pub(crate) fn date(now_ms: u64) -> String {
    let seconds = i64::try_from(now_ms / 1000).unwrap_or(i64::MAX);
    let date = OffsetDateTime::from_unix_timestamp(seconds)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
        .date();
    format!(
        "{:04}-{:02}-{:02}",
        date.year(),
        u8::from(date.month()),
        date.day()
    )
}

/// Returns the partition key of the journals of a thread.
pub(crate) fn journals(user: &UserId, thread: &ThreadId) -> String {
    format!("C#{user}#{thread}")
}

/// Returns the prefix of the keys of a run's journal. Journals sort by the time their turns began.
pub(crate) fn journal(at_ms: u64, stream: &StreamId) -> String {
    format!("{at_ms:013}#{stream}#")
}

/// Sorts before every journal of that time, and after those before it.
pub(crate) fn journals_before(at_ms: u64) -> String {
    format!("{at_ms:013}")
}

/// Sorts by time, then the question before its answer.
pub(crate) fn message(at_ms: u64, role: Role, id: &MessageId) -> String {
    let rank = match role {
        Role::User => 0,
        Role::Assistant => 1,
    };
    format!("M#{at_ms:013}#{rank}#{id}")
}

/// Returns the prefix of the keys of all answers of one time.
pub(crate) fn answers(at_ms: u64) -> String {
    format!("M#{at_ms:013}#1#")
}

/// Returns the prefix of the keys of a message's continuations. They sort after the message and
/// before the next.
pub(crate) fn continuations(message: &str) -> String {
    format!("{message}#~")
}

/// Sorts after a message and all its continuations, and before the next message.
pub(crate) fn after(message: &str) -> String {
    format!("{message}#~~")
}

/// Sorts before every message of that time, and after those before it.
pub(crate) fn before(at_ms: u64) -> String {
    format!("M#{at_ms:013}")
}

/// Returns the time and the id in a message's sort key.
pub(crate) fn parts_of(message: &str) -> Option<(u64, MessageId)> {
    let mut parts = message.strip_prefix(FIRST_MESSAGE)?.split('#');
    let (at_ms, _rank, id) = (parts.next()?, parts.next()?, parts.next()?);
    Some((at_ms.parse().ok()?, MessageId::parse(id).ok()?))
}

/// Returns the key of a continuation. Its checksum keeps two versions of one message apart while
/// one replaces the other.
pub(crate) fn continuation(message: &str, index: usize, checksum: &str) -> String {
    format!("{message}#~{index:03}#{checksum}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> MessageId {
        MessageId::parse(text).unwrap()
    }

    #[test]
    fn messages_sort_by_time_then_question_then_answer_then_rest() {
        let question = message(999, Role::User, &id("zz"));
        let answer = message(999, Role::Assistant, &id("aa"));
        let mut keys = vec![
            message(1_000, Role::User, &id("a")),
            after(&question),
            continuation(&question, 11, "ffffffff"),
            continuation(&question, 2, "00000000"),
            answer.clone(),
            question.clone(),
        ];
        keys.sort();

        let expected = [
            question.clone(),
            continuation(&question, 2, "00000000"),
            continuation(&question, 11, "ffffffff"),
            after(&question),
            answer,
            message(1_000, Role::User, &id("a")),
        ];
        assert_eq!(keys, expected);
        assert!(
            keys.iter()
                .all(|key| key.as_str() > FIRST_MESSAGE && key.as_str() < LAST_MESSAGE)
        );
    }

    #[test]
    fn a_key_tells_when_and_who() {
        let key = message(1_234, Role::Assistant, &id("a-b"));
        assert_eq!(parts_of(&key), Some((1_234, id("a-b"))));
        assert_eq!(parts_of("T#thread"), None);
    }

    #[test]
    fn an_id_that_another_starts_with_does_not_own_its_continuations() {
        let short = message(1, Role::User, &id("a"));
        let long = message(1, Role::User, &id("a-b"));
        assert!(!continuation(&long, 0, "00000000").starts_with(&continuations(&short)));
    }
}
