//! The costs of operations, as the engine reports them, compared with `docs/costs.md`.
//!
//! After a change that is meant, `UPDATE_COSTS=1 cargo test -p store cost` rewrites the document.

use std::fmt::Write as _;
use std::path::Path;

use store::{BegunTurn, Cost, JournalPiece, Question, Store, TurnOutcome, TurnUsage, UserMessage};

use crate::asking::{ALL, Ask, LEASE, NOON, ask, recover, text_parts};
use crate::engine::Engine;
use crate::messages::{answer, metadata};
use crate::meter::{Meter, Units, plus, sum};
use crate::reading::long_lists;

/// US dollars for a million units on demand, us-east-1.
const WRITES_PER_MILLION: f64 = 0.625;
const READS_PER_MILLION: f64 = 0.125;
/// The length of the example's journal in seconds, which is the number of its writes and of looks
/// for a stop.
const EXAMPLE_S: f64 = 20.0;

const USED: TurnUsage = TurnUsage {
    input: Some(1_200),
    output: Some(300),
    cached: Some(1_000),
    reasoning: Some(0),
    cost: None,
};

/// The measurements, in the order of the document.
struct Costs {
    rows: Vec<(&'static str, Units)>,
}

impl Costs {
    fn of(&self, name: &str) -> Units {
        self.rows
            .iter()
            .find(|(row, _)| *row == name)
            .expect("it was measured")
            .1
    }
}

pub(crate) async fn a_turn_costs_what_the_document_says(engine: &Engine) {
    let costs = measure(engine).await;
    for (name, most) in [
        (
            "a first turn",
            Units {
                writes: 9.0,
                reads: 1.0,
            },
        ),
        (
            "a later turn",
            Units {
                writes: 9.0,
                reads: 1.0,
            },
        ),
        (
            "a second of the journal",
            Units {
                writes: 1.0,
                reads: 0.0,
            },
        ),
    ] {
        let units = costs.of(name);
        assert!(
            units.writes <= most.writes && units.reads <= most.reads,
            "{name} costs {units:?}"
        );
    }
    let document = document(&costs);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/costs.md");
    if is_update() {
        std::fs::write(&path, &document).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        written, document,
        "docs/costs.md is stale: UPDATE_COSTS=1 cargo test -p store cost"
    );
}

#[expect(
    clippy::disallowed_methods,
    reason = "whoever runs the tests says whether the document is to be written"
)]
fn is_update() -> bool {
    std::env::var("UPDATE_COSTS").is_ok()
}

async fn measure(engine: &Engine) -> Costs {
    let meter = Meter::default();
    let store = meter.store(engine);
    let mut rows = Vec::new();
    let mut measured = |name, units| rows.push((name, units));

    let asked = asked("m1", "s1", NOON);
    let begun = asked.begun(&store).await;
    measured("begin of a new thread's first turn", meter.take());
    let first = rest_of_turn(&store, &meter, &asked, &begun).await;
    let [(_, begin)] = rows.as_slice() else {
        unreachable!("one was measured")
    };
    let first_turn = sum(&[
        *begin,
        first
            .iter()
            .map(|(_, units)| *units)
            .fold(Units::default(), plus),
    ]);

    let mut measured = |name, units| rows.push((name, units));
    let later = self::asked("m2", "s2", NOON + 10);
    let begun = later.begun(&store).await;
    let begin = meter.take();
    measured("begin of a later turn", begin);
    let rest = rest_of_turn(&store, &meter, &later, &begun).await;
    rest.iter().for_each(|(name, units)| measured(name, *units));
    let later_turn = sum(&[
        begin,
        rest.iter()
            .map(|(_, units)| *units)
            .fold(Units::default(), plus),
    ]);
    measured("a first turn", first_turn);
    measured("a later turn", later_turn);

    let log = second_of_stream();
    let journal = begun.keys.journal();
    let piece = JournalPiece {
        journal: &journal,
        index: 0,
        bytes: log.as_bytes(),
        now_ms: NOON,
    };
    store.append_journal(&piece).await.unwrap();
    measured("a second of the journal", meter.take());
    store.watch_turn(&begun.keys).await.unwrap();
    measured("a look whether to stop", meter.take());
    for index in 1..20 {
        store
            .append_journal(&JournalPiece { index, ..piece })
            .await
            .unwrap();
    }
    store
        .end_journal(&JournalPiece { index: 20, ..piece })
        .await
        .unwrap();
    meter.take();

    let again = self::asked("m2", "s3", NOON + 20);
    again.begin(&store).await.unwrap();
    measured("the same message again, answered", meter.take());
    let regenerated = Ask {
        question: Question::Regenerated,
        ..self::asked("m2", "s4", NOON + 30)
    };
    regenerated.begun(&store).await;
    measured("begin of a regenerated turn", meter.take());
    store
        .current_turn(&later.user, &later.thread)
        .await
        .unwrap();
    measured("what a thread is at", meter.take());
    store.journal(&journal, 0, true).await.unwrap();
    measured("a journal of 20 seconds, read at once", meter.take());
    store.journal(&journal, 20, false).await.unwrap();
    measured("a look into a journal", meter.take());
    store
        .stop_turn(&later.user, &later.thread, None)
        .await
        .unwrap();
    measured("a stop", meter.take());
    let taking = self::asked("m3", "s5", NOON + 40).begun(&store).await;
    measured("begin of a turn that takes over", meter.take());
    recover(
        &store,
        &taking.took_over.unwrap(),
        words(1_200),
        NOON + LEASE * 2,
    )
    .await;
    measured("recovery of a turn", meter.take());
    store
        .messages(&later.user, &later.thread, &ALL)
        .await
        .unwrap();
    measured("a path of 6 short messages, read strongly", meter.take());
    rows.extend(long_lists(&engine.another_table(1).await).await);
    Costs { rows }
}

/// Completes a turn after its begin.
async fn rest_of_turn(
    store: &Store,
    meter: &Meter,
    asked: &Ask,
    turn: &BegunTurn,
) -> Vec<(&'static str, Units)> {
    let mut rows = Vec::new();
    let question = UserMessage {
        parts: &asked.parts,
        created_at_ms: NOON,
    };
    store.put_user_message(&turn.keys, &question).await.unwrap();
    rows.push(("its question", meter.take()));
    store
        .put_answer(&turn.keys, &answer(&text_parts(words(1_200)), &metadata()))
        .await
        .unwrap();
    rows.push(("its answer", meter.take()));
    let used = TurnUsage {
        cost: Cost::parse("0.00123"),
        ..USED
    };
    store
        .finish_turn(&turn.keys, TurnOutcome::Done, &used)
        .await
        .unwrap();
    rows.push(("its end", meter.take()));
    store.record_usage(&turn.keys, &used).await.unwrap();
    rows.push(("its quota, settled", meter.take()));
    rows
}

/// Creates a question and ids of ordinary length.
fn asked(message: &str, run: &str, now_ms: u64) -> Ask {
    let long = |short: &str| format!("{short}-{}", "x".repeat(18));
    let mut asked = ask(&long(message), &long(run), now_ms);
    asked.user = message::UserId::parse(&long("user-0123456789")).unwrap();
    asked.thread = message::ThreadId::parse(&long("t")).unwrap();
    asked.parts = text_parts(words(600));
    asked.title = words(80).to_owned();
    asked
}

/// As much text as a user or a model writes. It deflates as text of people does.
const PROSE: &str = "Cherries keep for about a week if you do not wash them before you put them away, because the water \
    that clings to the skin is what lets mould begin. Leave the stems on, spread the fruit in a single layer on a cloth, \
    and take out any that are split; one soft cherry spoils its neighbours within a day. If you have more than you can eat, \
    freeze them: pit them first, lay them on a tray so that they do not stick together, and pour them into a bag once they \
    are hard. They will be good until the next harvest, though they lose their bite and are better for cakes than for a \
    bowl on the table. Sour kinds make the finer jam. For every kilogram of fruit take seven hundred grams of sugar and the \
    juice of two lemons, let it stand overnight, and boil it briskly the next morning until a drop on a cold plate wrinkles \
    when you push it with a finger. Do not stir too much, or the berries fall apart. A vanilla pod gives depth, a splash of \
    kirsch gives courage, and a handful of cracked kernels tied in muslin gives a trace of almond, as grandmothers in the \
    Black Forest knew. Remove the muslin before you fill the jars! Label each one with the year, since nobody remembers \
    afterwards, and hide two at the back of the shelf for February, when the garden sleeps and authenticator arrive hungry, wet \
    and unannounced. Whatever is left over goes well with goat cheese, cold duck or plain yoghurt, and keeps for a year.";

fn words(length: usize) -> &'static str {
    &PROSE[..length]
}

/// Returns a second of a stream as the page gets it, thirty words long.
fn second_of_stream() -> String {
    let chunk = |word: &str| {
        format!("data: {{\"type\":\"text-delta\",\"id\":\"txt-0\",\"delta\":\" {word}\"}}\n\n")
    };
    PROSE.split(' ').take(30).map(chunk).collect()
}

fn dollars(units: Units) -> f64 {
    units.writes * WRITES_PER_MILLION + units.reads * READS_PER_MILLION
}

fn document(costs: &Costs) -> String {
    let mut text = String::from(
        "# What the table costs\n\n\
         Measured by the store's own tests, from the consumed capacity that the engine reports; the tests fail when this\n\
         page says anything else. `UPDATE_COSTS=1 cargo test -p store cost` writes it anew.\n\n\
         A short turn: a question of 600 bytes, an answer of 1,200, limits on turns or none, and nothing that was refused. A\n\
         write unit is 1 KB, a read unit 4 KB read strongly, half as much otherwise. Prices are those of us-east-1 on demand,\n\
         $0.625 for a million write units and $0.125 for a million read units, without storage. A write whose condition\n\
         fails is counted as one unit. A list takes the same memory however long it is: pages are read one at a time.\n\n\
         | operation | write units | read units | $ per million |\n|---|---|---|---|\n",
    );
    for (name, units) in &costs.rows {
        writeln!(
            text,
            "| {name} | {} | {} | {:.2} |",
            units.writes,
            units.reads,
            dollars(*units)
        )
        .unwrap();
    }
    text.push_str("\nA delete writes a unit for each kilobyte of each message, and three more.\n");
    let (turn, second, look) = (
        costs.of("a later turn"),
        costs.of("a second of the journal"),
        costs.of("a look whether to stop"),
    );
    let journal = EXAMPLE_S * (dollars(second) + dollars(look));
    writeln!(
        text,
        "\nA million later turns cost ${:.2}. With a journal that is written, and a stop looked for, once a second for\n\
         {EXAMPLE_S} seconds each, they cost ${:.2} more. `JOURNAL_INTERVAL_MS` says how often; 0 is never.",
        dollars(turn),
        journal
    )
    .unwrap();
    text
}
