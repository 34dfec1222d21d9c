//! Any sequence of events, against a model of what must become of each turn.
//!
//! The model knows turns, what each of them says in the end, and which message follows which. It
//! knows nothing of keys and marks. A process here is a turn whose keys somebody holds: it may put
//! its question, end, fail, come too late, or never be heard of again.

mod check;
mod world;

use std::sync::atomic::{AtomicUsize, Ordering};

use message::UserId;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::asking::NOON;
use crate::engine::dynoxide;

use world::World;

const CASES: u32 = 20;
const MAX_EVENTS: usize = 24;

/// Numbers choose among what there is, and wrap.
#[derive(Debug, Clone)]
enum Event {
    /// Some clients send one new message at once.
    Send {
        clients: usize,
        is_long: bool,
        says: bool,
    },
    /// The last question again, as it was.
    Again {
        says: bool,
    },
    Regenerate {
        message: usize,
        says: bool,
    },
    Edit {
        message: usize,
        says: bool,
    },
    /// The latest answer goes on.
    Continue {
        says: bool,
    },
    /// A begin that is given up at once.
    GiveUp {
        regenerate: bool,
    },
    /// A process puts its question.
    Put {
        turn: usize,
    },
    /// A process ends its turn, be it alive, superseded or given up for dead.
    End {
        turn: usize,
    },
    Stop,
    /// All leases pass.
    Sleep,
    /// Some readers see what the thread is at, and recover what they may.
    Touch {
        readers: usize,
    },
}

fn event() -> impl Strategy<Value = Event> {
    let says = || prop::bool::weighted(0.7);
    prop_oneof![
        4 => (1..4_usize, any::<bool>(), says())
            .prop_map(|(clients, is_long, says)| Event::Send { clients, is_long, says }),
        2 => says().prop_map(|says| Event::Again { says }),
        2 => (0..8_usize, says()).prop_map(|(message, says)| Event::Regenerate { message, says }),
        2 => (0..8_usize, says()).prop_map(|(message, says)| Event::Edit { message, says }),
        1 => says().prop_map(|says| Event::Continue { says }),
        1 => any::<bool>().prop_map(|regenerate| Event::GiveUp { regenerate }),
        2 => (0..8_usize).prop_map(|turn| Event::Put { turn }),
        6 => (0..8_usize).prop_map(|turn| Event::End { turn }),
        1 => Just(Event::Stop),
        2 => Just(Event::Sleep),
        2 => (1..5_usize).prop_map(|readers| Event::Touch { readers }),
    ]
}

/// Returns the number of cases; `PROPTEST_CASES=1000` tries more than a test run should take.
fn cases_to_try() -> u32 {
    let config = Config::default();
    // proptest's own default.
    if config.cases == 256 {
        CASES
    } else {
        config.cases
    }
}

#[test]
fn no_sequence_of_events_loses_a_turn_or_ends_it_twice() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let engine = runtime.block_on(dynoxide());
    let cases = AtomicUsize::new(0);
    let config = Config {
        cases: cases_to_try(),
        failure_persistence: None,
        ..Config::default()
    };
    let events = prop::collection::vec(event(), 1..MAX_EVENTS);
    let result = TestRunner::new(config).run(&events, |events| {
        let user = UserId::parse(&format!("u{}", cases.fetch_add(1, Ordering::Relaxed))).unwrap();
        runtime.block_on(async {
            let mut world = World {
                engine: &engine,
                store: &engine.store,
                user,
                now_ms: NOON,
                turns: Vec::new(),
                questions: Vec::new(),
                runs: 0,
            };
            for event in &events {
                world.happen(event).await;
            }
            world.check().await;
        });
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}
