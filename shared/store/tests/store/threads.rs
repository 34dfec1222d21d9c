//! A user's list of threads, and pages of messages.

use message::{MessageId, ThreadId, UserId};
use store::{
    Cost, Cursor, MessagePage, Pages, Question, Store, ThreadCursor, TurnOutcome, TurnUsage,
};

use crate::asking::{Ask, NOON, ask, end, put_question, text_parts};
use crate::engine::Engine;
use crate::messages::{answer, metadata};

const DAY: u64 = 24 * 60 * 60 * 1000;

fn in_thread(thread: &str, now_ms: u64) -> Ask {
    Ask {
        thread: ThreadId::parse(thread).unwrap(),
        title: format!("title of {thread}"),
        ..ask(&format!("m-{now_ms}"), &format!("s-{now_ms}"), now_ms)
    }
}

async fn turn(store: &Store, ask: &Ask) {
    let begun = ask.begun(store).await;
    put_question(store, ask, &begun).await;
    end(store, &begun, &format!("answer to {}", ask.message)).await;
}

fn user() -> UserId {
    UserId::parse("u").unwrap()
}

async fn listed(store: &Store, user: &UserId, limit: usize) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut after: Option<ThreadCursor> = None;
    loop {
        let page = store.threads(user, limit, after.as_ref()).await.unwrap();
        pages.push(
            page.threads
                .iter()
                .map(|thread| thread.id.to_string())
                .collect(),
        );
        match page.next {
            Some(next) => after = Some(next.to_string().parse().unwrap()),
            None => return pages,
        }
    }
}

pub(crate) async fn threads_are_listed_newest_first_in_pages_without_gaps(engine: &Engine) {
    assert_eq!(
        listed(&engine.store, &user(), 3).await,
        [Vec::<String>::new()]
    );
    for (index, thread) in ["a", "b", "c", "d", "e"].into_iter().enumerate() {
        // Two of them at one instant.
        turn(&engine.store, &in_thread(thread, NOON + index as u64 / 2)).await;
    }
    let all = listed(&engine.store, &user(), 10).await.concat();
    assert_eq!(all[0], "e");
    assert_eq!(all.len(), 5);
    for limit in 1..=5 {
        let pages = listed(&engine.store, &user(), limit).await;
        assert_eq!(pages.concat(), all, "{limit} a page");
        assert_eq!(
            pages.len(),
            5_usize.div_ceil(limit),
            "{limit} a page: no empty page at the end"
        );
    }
    let first = engine.store.threads(&user(), 1, None).await.unwrap();
    assert_eq!(first.threads[0].title.as_deref(), Some("title of e"));
    assert_eq!(first.threads[0].last_activity_at_ms, NOON + 2);
}

pub(crate) async fn a_thread_that_moves_on_leaves_its_place_in_the_list(engine: &Engine) {
    for (at, thread) in ["a", "b", "c"].into_iter().enumerate() {
        turn(&engine.store, &in_thread(thread, NOON + at as u64)).await;
    }
    let first = engine.store.threads(&user(), 1, None).await.unwrap();
    turn(&engine.store, &in_thread("b", NOON + 10)).await;
    let rest = engine
        .store
        .threads(&user(), 5, first.next.as_ref())
        .await
        .unwrap();
    let rest: Vec<_> = rest
        .threads
        .iter()
        .map(|thread| thread.id.as_str())
        .collect();
    assert_eq!(
        rest,
        ["a"],
        "what has moved up is found at the top, and nothing twice"
    );
}

pub(crate) async fn a_thread_is_renamed_and_keeps_its_place(engine: &Engine) {
    let first = in_thread("a", NOON);
    turn(&engine.store, &first).await;
    turn(&engine.store, &in_thread("b", NOON + 1)).await;
    let renamed = engine
        .store
        .rename_thread(&first.user, &first.thread, "other")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (renamed.title.as_deref(), renamed.last_activity_at_ms),
        (Some("other"), NOON)
    );
    let listed = engine
        .store
        .threads(&user(), 5, None)
        .await
        .unwrap()
        .threads;
    assert_eq!(listed[1].title.as_deref(), Some("other"));
    turn(&engine.store, &in_thread("a", NOON + 2)).await;
    assert_eq!(
        first.thread(&engine.store).await.title.as_deref(),
        Some("other"),
        "a turn leaves it alone"
    );
}

pub(crate) async fn a_user_sees_and_touches_own_threads_only(engine: &Engine) {
    let mine = in_thread("t", NOON);
    turn(&engine.store, &mine).await;
    let other = UserId::parse("other").unwrap();
    assert_eq!(
        listed(&engine.store, &other, 5).await,
        [Vec::<String>::new()]
    );
    let cursor: ThreadCursor = format!("{}#t", NOON + 1).parse().unwrap();
    assert!(
        engine
            .store
            .threads(&other, 5, Some(&cursor))
            .await
            .unwrap()
            .threads
            .is_empty()
    );
    assert_eq!(
        engine
            .store
            .rename_thread(&other, &mine.thread, "x")
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        engine
            .store
            .thread_and_turn(&other, &mine.thread)
            .await
            .unwrap(),
        None
    );
    assert!(
        !engine
            .store
            .delete_thread(&other, &mine.thread, NOON)
            .await
            .unwrap()
    );
    let (thread, current) = engine
        .store
        .thread_and_turn(&mine.user, &mine.thread)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (thread.title.as_deref(), thread.turns),
        (Some("title of t"), 1)
    );
    assert!(current.ended());
}

async fn page(engine: &Engine, pages: &Pages<'_>) -> MessagePage {
    let thread = ThreadId::parse("t").unwrap();
    engine
        .store
        .message_page(&user(), &thread, pages)
        .await
        .unwrap()
        .unwrap()
}

/// Returns all pages of some size, each oldest first.
async fn paged(
    engine: &Engine,
    limit: usize,
    max_bytes: usize,
    branch: Option<&MessageId>,
) -> Vec<Vec<String>> {
    let mut before: Option<Cursor> = None;
    let mut all = Vec::new();
    loop {
        let page = page(
            engine,
            &Pages {
                limit,
                max_bytes,
                before: before.as_ref(),
                branch,
            },
        )
        .await;
        let mut ids: Vec<_> = page
            .messages
            .iter()
            .map(|message| message.id.to_string())
            .collect();
        ids.reverse();
        all.insert(0, ids);
        match page.older {
            Some(older) => before = Some(Cursor::parse(older.as_str()).unwrap()),
            None => return all,
        }
    }
}

pub(crate) async fn messages_come_in_pages_bounded_by_number_and_bytes(engine: &Engine) {
    for run in 0..3 {
        let ask = ask(&format!("q{run}"), &format!("r{run}"), NOON + run);
        let begun = ask.begun(&engine.store).await;
        put_question(&engine.store, &ask, &begun).await;
        // The second answer is long.
        let text = "x".repeat(if run == 1 { 3_000 } else { 10 });
        let put = engine
            .store
            .put_answer(&begun.keys, &answer(&text_parts(&text), &metadata()))
            .await;
        put.unwrap();
        engine
            .store
            .finish_turn(&begun.keys, TurnOutcome::Done, &TurnUsage::default())
            .await
            .unwrap();
    }
    let all: Vec<String> = ["q0", "answer-r0", "q1", "answer-r1", "q2", "answer-r2"]
        .map(str::to_owned)
        .to_vec();
    for limit in 1..=7 {
        let pages = paged(engine, limit, 100_000, None).await;
        assert_eq!(pages.concat(), all, "{limit} a page");
        assert_eq!(
            pages.len(),
            6_usize.div_ceil(limit),
            "{limit} a page: no empty page at the end"
        );
    }
    let by_bytes = paged(engine, 100, 500, None).await;
    assert_eq!(by_bytes.concat(), all);
    assert_eq!(
        by_bytes.last().unwrap(),
        &["q2", "answer-r2"],
        "the long one did not fit"
    );
    assert_eq!(
        by_bytes[by_bytes.len() - 2],
        ["answer-r1"],
        "it comes alone"
    );
}

pub(crate) async fn a_branch_comes_in_pages_too(engine: &Engine) {
    turn(&engine.store, &ask("q", "r0", NOON)).await;
    let again = Ask {
        question: Question::Regenerated,
        ..ask("q", "r1", NOON + 1)
    };
    let begun = again.begun(&engine.store).await;
    end(&engine.store, &begun, "anew").await;
    turn(&engine.store, &ask("q2", "r2", NOON + 2)).await;
    let first = MessageId::parse("answer-r0").unwrap();
    for limit in [1, 2, 9] {
        let branch = paged(engine, limit, 100_000, Some(&first)).await.concat();
        assert_eq!(branch, ["q", "answer-r0"], "{limit} a page");
        let current = paged(engine, limit, 100_000, None).await.concat();
        assert_eq!(
            current,
            ["q", "answer-r1", "q2", "answer-r2"],
            "{limit} a page"
        );
    }
    let nothing = Ask {
        question: Question::Regenerated,
        ..ask("q2", "r3", NOON + 3)
    };
    let begun = nothing.begun(&engine.store).await;
    end(&engine.store, &begun, "").await;
    let named = MessageId::parse("answer-r3").unwrap();
    for limit in [1, 2, 9] {
        let branch = paged(engine, limit, 100_000, Some(&named)).await.concat();
        assert_eq!(
            branch,
            ["q", "answer-r1", "q2", "answer-r3"],
            "{limit} a page, though it came to nothing"
        );
        let current = paged(engine, limit, 100_000, None).await.concat();
        assert_eq!(
            current,
            ["q", "answer-r1", "q2", "answer-r2"],
            "{limit} a page"
        );
    }
    let unknown = MessageId::parse("unknown").unwrap();
    let pages = Pages {
        limit: 5,
        max_bytes: 1_000,
        before: None,
        branch: Some(&unknown),
    };
    let thread = ThreadId::parse("t").unwrap();
    assert_eq!(
        engine
            .store
            .message_page(&user(), &thread, &pages)
            .await
            .unwrap(),
        None
    );
}

pub(crate) async fn usage_adds_up_the_days_of_the_month(engine: &Engine) {
    // NOON is in the first day of its month.
    for (day, cost) in [(0, "0.1"), (0, "0.2"), (3, "0.000000000001"), (31, "5")] {
        let now_ms = NOON + day * DAY + cost.len() as u64;
        let begun = in_thread("t", now_ms).begun(&engine.store).await;
        let used = TurnUsage {
            input: Some(10),
            output: Some(5),
            reasoning: (day == 3).then_some(2),
            cost: Cost::parse(cost),
            ..TurnUsage::default()
        };
        engine
            .store
            .finish_turn(&begun.keys, TurnOutcome::Done, &used)
            .await
            .unwrap();
        engine.store.record_usage(&begun.keys, &used).await.unwrap();
    }
    let report = engine
        .store
        .usage_report(&user(), NOON + 3 * DAY)
        .await
        .unwrap();
    assert_eq!(
        (report.date.as_str(), report.month.month.as_str()),
        ("2100-01-04", "2100-01")
    );
    assert_eq!((report.today.turns, report.today.running), (1, 0));
    assert_eq!(report.today.usage.reasoning, Some(2));
    assert_eq!(
        (report.month.turns, report.month.usage.input),
        (3, Some(30))
    );
    assert_eq!(report.month.usage.cached, None, "never reported");
    assert_eq!(
        report
            .month
            .usage
            .cost
            .map(|cost| cost.to_string())
            .as_deref(),
        Some("0.300000000001")
    );
    let other = UserId::parse("other").unwrap();
    let nothing = engine.store.usage_report(&other, NOON).await.unwrap();
    assert_eq!(
        (
            nothing.today.turns,
            nothing.month.turns,
            nothing.month.usage.cost
        ),
        (0, 0, None)
    );
}
