//! Paths through threads whose messages were regenerated, edited and gone on from.

use message::MessageId;
use store::{History, Question, Store, StoredMessage};

use crate::asking::{ALL, Ask, NOON, answered, ask, end, text_parts, texts};
use crate::engine::Engine;
use crate::long_messages::noise;

/// The events of a thread, one turn after the other. The run `n` is begun at `NOON + n`.
#[derive(Clone)]
enum Turn {
    /// The message, which says its own name.
    Sent(&'static str),
    Regenerated(&'static str),
    /// The message, and what it says now.
    Edited(&'static str, &'static str),
    /// The message, and the run whose answer goes on.
    Continued(&'static str, usize),
}

impl Turn {
    fn ask(&self, run: usize) -> Ask {
        let plain = |message| ask(message, &format!("s{run}"), NOON + run as u64);
        match *self {
            Self::Sent(message) => plain(message),
            Self::Regenerated(message) => Ask {
                question: Question::Regenerated,
                ..plain(message)
            },
            Self::Edited(message, text) => Ask {
                question: Question::Edited,
                parts: text_parts(text),
                ..plain(message)
            },
            Self::Continued(message, from) => Ask {
                question: Question::Continued,
                continued: Some(text_parts(&format!("added before {run}"))),
                answer: MessageId::parse(&format!("answer-s{from}")).unwrap(),
                ..plain(message)
            },
        }
    }
}

/// Lets it all happen: the answer of run `n` says `a<n>`.
async fn happen(store: &Store, turns: &[Turn]) {
    for (run, turn) in turns.iter().enumerate() {
        answered(store, &turn.ask(run), &format!("a{run}")).await;
    }
}

pub(crate) async fn the_current_path_is_what_the_user_sees(engine: &Engine) {
    use Turn::{Continued, Edited, Regenerated, Sent};
    for (index, (name, turns, expected)) in [
        ("plain", vec![Sent("m1"), Sent("m2")], "m1 a0 m2 a1"),
        (
            "regenerated",
            vec![Sent("m1"), Sent("m2"), Regenerated("m2")],
            "m1 a0 m2 a2",
        ),
        (
            "regenerated twice",
            vec![Sent("m1"), Regenerated("m1"), Regenerated("m1")],
            "m1 a2",
        ),
        (
            "regenerated, then on",
            vec![Sent("m1"), Regenerated("m1"), Sent("m2")],
            "m1 a1 m2 a2",
        ),
        (
            "an older one regenerated",
            vec![Sent("m1"), Sent("m2"), Regenerated("m1")],
            "m1 a2",
        ),
        (
            "edited",
            vec![Sent("m1"), Sent("m2"), Edited("m2", "M2")],
            "m1 a0 M2 a2",
        ),
        (
            "edited twice",
            vec![Sent("m1"), Edited("m1", "M1"), Edited("m1", "N1")],
            "N1 a2",
        ),
        (
            "edited in the middle",
            vec![Sent("m1"), Sent("m2"), Sent("m3"), Edited("m2", "M2")],
            "m1 a0 M2 a3",
        ),
        (
            "edited in the middle twice, with turns between",
            vec![
                Sent("m1"),
                Sent("m2"),
                Edited("m2", "M2"),
                Sent("m3"),
                Edited("m2", "N2"),
            ],
            "m1 a0 N2 a4",
        ),
        (
            "edited, then regenerated",
            vec![Sent("m1"), Edited("m1", "M1"), Regenerated("m1")],
            "M1 a2",
        ),
        (
            "regenerated on an old branch",
            vec![
                Sent("m1"),
                Sent("m2"),
                Edited("m1", "M1"),
                Sent("m3"),
                Regenerated("m2"),
            ],
            "m1 a0 m2 a4",
        ),
        (
            "on from an old branch, and back",
            vec![
                Sent("m1"),
                Sent("m2"),
                Edited("m1", "M1"),
                Regenerated("m2"),
                Sent("m4"),
                Regenerated("m1"),
            ],
            "M1 a5",
        ),
        ("gone on", vec![Sent("m1"), Continued("m1", 0)], "m1 a1"),
        (
            "gone on twice",
            vec![Sent("m1"), Continued("m1", 0), Continued("m1", 0)],
            "m1 a2",
        ),
        (
            "regenerated, gone on twice, then on",
            vec![
                Sent("m1"),
                Regenerated("m1"),
                Continued("m1", 1),
                Continued("m1", 1),
                Sent("m2"),
            ],
            "m1 a3 m2 a4",
        ),
        (
            "gone on, then regenerated",
            vec![Sent("m1"), Continued("m1", 0), Regenerated("m1")],
            "m1 a2",
        ),
        (
            "an older answer gone on from",
            vec![Sent("m1"), Sent("m2"), Continued("m1", 0)],
            "m1 a2",
        ),
        (
            "edited, and never sent",
            vec![Edited("m1", "M1"), Sent("m2")],
            "M1 a0 m2 a1",
        ),
        (
            "gone on, and never sent",
            vec![Continued("m1", 7), Sent("m2")],
            "m1 a0 m2 a1",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let engine = engine.another_table(index).await;
        happen(&engine.store, &turns).await;
        let thread = ask("m", "s", NOON);
        assert_eq!(
            thread.path_texts(&engine.store).await.join(" "),
            expected,
            "{name}"
        );
    }
}

pub(crate) async fn a_retry_after_nothing_leaves_no_empty_answer(engine: &Engine) {
    let store = &engine.store;
    let tries = [
        (Turn::Sent("m1"), ""),
        (Turn::Sent("m1"), "a1"),
        (Turn::Edited("m1", "M1"), ""),
        (Turn::Edited("m1", "M1"), "a3"),
        (Turn::Continued("m1", 3), ""),
        (Turn::Continued("m1", 3), "a5"),
    ];
    let mut seen = Vec::new();
    for (run, (turn, text)) in tries.iter().enumerate() {
        let mut asked = turn.ask(run);
        if matches!(turn, Turn::Continued(..)) {
            asked.continued = Some(text_parts("the same addition"));
        }
        answered(store, &asked, text).await;
        seen.push(asked.path_texts(store).await.join(" "));
    }
    assert_eq!(seen, ["m1 -", "m1 a1", "M1 -", "M1 a3", "M1 a3", "M1 a5"]);
}

pub(crate) async fn an_answer_that_came_to_nothing_hides_none(engine: &Engine) {
    use Turn::{Continued, Edited, Regenerated, Sent};
    let regenerated_twice = || vec![Sent("m1"), Regenerated("m1"), Regenerated("m1")];
    for (index, (name, turns, nothing, expected)) in [
        (
            "regenerated",
            vec![Sent("m1"), Regenerated("m1")],
            vec![1],
            "m1 a0",
        ),
        (
            "regenerated, then regenerated",
            regenerated_twice(),
            vec![1],
            "m1 a2",
        ),
        ("regenerated twice", regenerated_twice(), vec![2], "m1 a1"),
        (
            "regenerated twice for nothing",
            regenerated_twice(),
            vec![1, 2],
            "m1 a0",
        ),
        (
            "regenerated, then on",
            vec![Sent("m1"), Regenerated("m1"), Sent("m2")],
            vec![1],
            "m1 a0 m2 a2",
        ),
        (
            "an older one",
            vec![Sent("m1"), Sent("m2"), Regenerated("m1")],
            vec![2],
            "m1 a0 m2 a1",
        ),
        (
            "gone on",
            vec![Sent("m1"), Continued("m1", 0)],
            vec![1],
            "m1 a0",
        ),
        (
            "edited",
            vec![Sent("m1"), Edited("m1", "M1")],
            vec![1],
            "M1 -",
        ),
        ("sent", vec![Sent("m1"), Sent("m2")], vec![1], "m1 a0 m2 -"),
        ("sent again", vec![Sent("m1"), Sent("m1")], vec![0], "m1 a1"),
        (
            "sent again for nothing",
            vec![Sent("m1"), Sent("m1")],
            vec![0, 1],
            "m1 -",
        ),
        (
            "sent twice again",
            vec![Sent("m1"), Sent("m1"), Sent("m1")],
            vec![0, 1],
            "m1 a2",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let engine = engine.another_table(index).await;
        let store = &engine.store;
        for (run, turn) in turns.iter().enumerate() {
            let text = if nothing.contains(&run) {
                String::new()
            } else {
                format!("a{run}")
            };
            answered(store, &turn.ask(run), &text).await;
        }
        let thread = ask("m", "s", NOON);
        assert_eq!(thread.path_texts(store).await.join(" "), expected, "{name}");
        for limit in 1..4 {
            let mut read: Vec<StoredMessage> = Vec::new();
            loop {
                let before = read.last().map(|message| &message.cursor);
                let page = History {
                    limit,
                    before,
                    ..ALL
                };
                let page = store
                    .messages(&thread.user, &thread.thread, &page)
                    .await
                    .unwrap();
                if page.is_empty() {
                    break;
                }
                read.extend(page);
            }
            read.reverse();
            assert_eq!(texts(&read).join(" "), expected, "{name}, {limit} a page");
        }
    }
    let (thread, of) = (ask("m", "s", NOON), |id: &str| {
        MessageId::parse(id).unwrap()
    });
    for (index, end, expected) in [
        (0, "answer-s1", "- m1"),
        (0, "answer-s0", "a0 m1"),
        (3, "answer-s1", "- m1"),
        (6, "answer-s0", "a0 m1"),
    ] {
        let store = &engine.another_table(index).await.store;
        let branch = store
            .branch(&thread.user, &thread.thread, &of(end), &ALL)
            .await
            .unwrap();
        assert_eq!(texts(&branch).join(" "), expected, "{index}: {end}");
    }
}

pub(crate) async fn the_path_of_an_open_turn_holds_no_older_answer_to_its_question(
    engine: &Engine,
) {
    use Turn::{Continued, Regenerated, Sent};
    let before = || vec![Sent("m1"), Sent("m2")];
    for (index, (name, turns, open, expected)) in [
        ("sent", before(), Sent("m3"), "m1 a0 m2 a1"),
        ("regenerated", before(), Regenerated("m2"), "m1 a0 m2"),
        (
            "regenerated again",
            [before(), vec![Regenerated("m2")]].concat(),
            Regenerated("m2"),
            "m1 a0 m2",
        ),
        (
            "an older one regenerated",
            before(),
            Regenerated("m1"),
            "m1",
        ),
        ("gone on", before(), Continued("m2", 1), "m1 a0 m2 a1"),
    ]
    .into_iter()
    .enumerate()
    {
        let engine = engine.another_table(index).await;
        let store = &engine.store;
        happen(store, &turns).await;
        let asked = open.ask(9);
        let turn = asked.begun(store).await;
        let open = asked.current(store).await.open.unwrap();
        let bound = open.path_bound();
        let history = History {
            before: bound.as_ref(),
            ..ALL
        };
        let mut path = store
            .messages(&asked.user, &asked.thread, &history)
            .await
            .unwrap();
        path.reverse();
        assert_eq!(texts(&path).join(" "), expected, "{name}");
        end(store, &turn, "new").await;
        assert_eq!(
            asked.path(store).await.last().map(|last| last.id.clone()),
            Some(asked.answer),
            "{name}"
        );
    }
}

pub(crate) async fn old_branches_stay_readable_by_id(engine: &Engine) {
    use Turn::{Edited, Regenerated, Sent};
    let store = &engine.store;
    happen(
        store,
        &[
            Sent("m1"),
            Sent("m2"),
            Regenerated("m2"),
            Edited("m1", "M1"),
            Sent("m3"),
            Regenerated("m1"),
        ],
    )
    .await;
    let thread = ask("m", "s", NOON);
    assert_eq!(thread.path_texts(store).await.join(" "), "M1 a5");
    for (end, expected) in [
        ("answer-s1", "a1 m2 a0 m1"),
        ("answer-s2", "a2 m2 a0 m1"),
        ("answer-s4", "a4 m3 a3 M1"),
        ("m2", "m2 a0 m1"),
        ("m1", "M1"),
        ("answer-s5", "a5 M1"),
        ("nobody", ""),
    ] {
        let end = MessageId::parse(end).unwrap();
        let branch = store
            .branch(&thread.user, &thread.thread, &end, &ALL)
            .await
            .unwrap();
        assert_eq!(texts(&branch).join(" "), expected, "{end}");
        for limit in 1..4 {
            let mut read: Vec<StoredMessage> = Vec::new();
            loop {
                let before = read.last().map(|message| &message.cursor);
                let page = History {
                    limit,
                    before,
                    ..ALL
                };
                let page = store
                    .branch(&thread.user, &thread.thread, &end, &page)
                    .await
                    .unwrap();
                if page.is_empty() {
                    break;
                }
                read.extend(page);
            }
            assert_eq!(texts(&read).join(" "), expected, "{end}, {limit} a page");
        }
    }
}

pub(crate) async fn pages_follow_a_path_that_skips(engine: &Engine) {
    use Turn::{Continued, Edited, Regenerated, Sent};
    let store = &engine.store;
    happen(
        store,
        &[
            Sent("m1"),
            Sent("m2"),
            Regenerated("m2"),
            Sent("m3"),
            Edited("m3", "M3"),
            Continued("m3", 4),
            Sent("m4"),
            Regenerated("m4"),
        ],
    )
    .await;
    let thread = ask("m", "s", NOON);
    let expected = "a7 m4 a5 M3 a2 m2 a0 m1";
    for limit in 1..=9 {
        let mut read: Vec<StoredMessage> = Vec::new();
        loop {
            let before = read.last().map(|message| &message.cursor);
            let page = History {
                limit,
                before,
                ..ALL
            };
            let page = store
                .messages(&thread.user, &thread.thread, &page)
                .await
                .unwrap();
            assert!(page.len() <= limit);
            if page.is_empty() {
                break;
            }
            read.extend(page);
        }
        assert_eq!(texts(&read).join(" "), expected, "{limit} a page");
    }
}

pub(crate) async fn a_path_is_read_as_far_as_its_bytes_may_go(engine: &Engine) {
    let store = &engine.store;
    let lengths = [("m1", 700_000), ("m2", 10), ("m3", 2_000)];
    for (run, (message, length)) in lengths.into_iter().enumerate() {
        let asked = ask(message, &format!("s{run}"), NOON + run as u64);
        let asked = Ask {
            parts: text_parts(&noise(length, 3)),
            ..asked
        };
        answered(store, &asked, "a").await;
    }
    let thread = ask("m", "s", NOON);
    let overhead = text_parts("").len();
    let (short, middle, long) = (overhead + 1, overhead + 10, overhead + 2_000);
    let all = 3 * short + middle + long + overhead + 700_000;
    for (max_bytes, limit, expected) in [
        (0, 10, 0),
        (short - 1, 10, 0),
        (short, 10, 1),
        (short + long - 1, 10, 1),
        (short + long, 10, 2),
        (2 * short + long + middle, 10, 4),
        (2 * short + long + middle, 3, 3),
        (all - 1, 10, 5),
        (all, 10, 6),
    ] {
        let history = History {
            limit,
            max_bytes: Some(max_bytes),
            ..ALL
        };
        let read = store
            .messages(&thread.user, &thread.thread, &history)
            .await
            .unwrap();
        assert_eq!(read.len(), expected, "{max_bytes} bytes, {limit} messages");
    }
}
