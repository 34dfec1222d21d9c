//! Lots: what each turn of a round says, where it stands when its process is killed, and who comes to its thread then.

use std::time::Duration;

use acceptance::answers::{self, TEXT_CANARY, delta, finish, frame, head, opening, text_end};
use acceptance::engine::{Behaviour, Fault};
use acceptance::gate::Gate;
use acceptance::gateway::Step;
use acceptance::seed::random;

/// How many turns one process runs at once.
pub(super) const TURNS: usize = 20;

/// One turn's lot.
pub(super) struct Plan {
    pub(super) user: String,
    pub(super) words: String,
    /// What the model says before the kill, or would.
    pub(super) pieces: Vec<String>,
    pause: Duration,
    /// How long after the others it is sent.
    pub(super) delay: Duration,
    stand: Stand,
    pub(super) gate: Gate,
    pub(super) touch: Touch,
    /// Whether they come at once, or once the dead turn's lease has passed.
    pub(super) at_once: bool,
    /// Whether a late write is carried out only after they have come.
    pub(super) very_late: bool,
    /// Whether the user is then seen to run as many turns at once as are allowed.
    pub(super) uses_all: bool,
}

/// Where a turn waits for its end.
enum Stand {
    /// Nowhere: wherever it happens to be.
    Nowhere,
    /// At its request of this number to the table.
    Table(usize, At),
    /// Before the step of this number of the model's answer.
    Model(usize),
}

/// On which side of a request.
enum At {
    /// It is never carried out.
    Asked,
    /// It has been carried out, and its answer does not come.
    Done,
    /// It is carried out when whoever sent it is dead.
    Late,
}

/// What others do with the thread of a turn that died.
#[derive(Debug, Clone)]
pub(super) enum Touch {
    /// They ask for the running answer.
    Resume,
    /// They send the same message again.
    Again,
    /// They send another.
    Other,
    /// All at once.
    All(Vec<Touch>),
}

/// What tells that it is time to kill.
pub(super) enum Trigger {
    /// Each turn stands where it should, and then this long.
    Stands(Duration),
    /// The table's front has let so many requests of the round through.
    Requests(usize),
    /// The clients have read so many bytes.
    Bytes(usize),
}

/// The lots of a round.
pub(super) fn draw(seed: u64, round: usize) -> (Trigger, Vec<Plan>) {
    let random = &mut random(seed, round);
    let trigger = match random.usize(0..10) {
        0..6 => Trigger::Stands(Duration::from_millis(random.u64(0..900))),
        6..8 => Trigger::Requests(random.usize(TURNS..TURNS * 8)),
        _ => Trigger::Bytes(random.usize(100..40_000)),
    };
    let stands = matches!(trigger, Trigger::Stands(_));
    let plans = (0..TURNS).map(|turn| Plan::draw(random, round, turn, stands)).collect();
    (trigger, plans)
}

impl Plan {
    fn draw(random: &mut fastrand::Rng, round: usize, turn: usize, stands: bool) -> Self {
        let user = format!("crash{round:03}x{turn:02}");
        let quick = random.u32(0..3) == 0;
        let length = if quick { random.usize(0..8) } else { 400 };
        let pieces = (0..length).map(|piece| format!("{user}.{piece} ")).collect();
        let stand = match random.usize(0..10) {
            _ if !stands => Stand::Nowhere,
            0..5 => Stand::Table(
                random.usize(0..12),
                random.choice([At::Asked, At::Done, At::Late]).expect("one of three"),
            ),
            5..8 => Stand::Model(random.usize(0..30)),
            _ => Stand::Nowhere,
        };
        // A question too long to be kept in the thread's own item has to be put before anything is promised.
        let tail: String = if random.u32(0..4) == 0 {
            (0..900).map(|_| random.alphanumeric()).collect()
        } else {
            String::new()
        };
        Self {
            words: format!("Is {TEXT_CANARY} sweet, {user}? {tail}"),
            pieces,
            pause: if quick { Duration::ZERO } else { Duration::from_millis(random.u64(8..30)) },
            delay: Duration::from_millis(random.u64(0..if stands { 200 } else { 1_200 })),
            stand,
            gate: Gate::default(),
            touch: Touch::draw(random),
            at_once: random.bool(),
            very_late: random.bool(),
            uses_all: turn % 5 == 0,
            user,
        }
    }

    /// What the model does.
    pub(super) fn script(&self) -> Vec<Step> {
        let mut steps = vec![head()];
        steps.extend(answers::sends(&opening()));
        for piece in &self.pieces {
            steps.extend([Step::Pause(self.pause), Step::Send(frame(&delta(piece)))]);
        }
        steps.extend([Step::Send(frame(&text_end())), Step::Send(frame(&finish())), Step::End]);
        if let Stand::Model(place) = self.stand {
            steps.insert(place.min(steps.len()), Step::Wait(self.gate.clone()));
        }
        steps
    }

    /// What the table does.
    pub(super) fn fault(&self) -> Option<Fault> {
        let gate = self.gate.clone();
        let Stand::Table(request, at) = &self.stand else { return None };
        let behaviour = match at {
            At::Asked => Behaviour::Hold(gate),
            At::Done => Behaviour::HoldAnswer(gate),
            At::Late => Behaviour::Late(gate),
        };
        Some(Fault::of("", &self.user, behaviour).after(*request).times(1))
    }

    /// Whether the turn waits somewhere.
    pub(super) fn stands(&self) -> bool {
        !matches!(self.stand, Stand::Nowhere)
    }

    /// Whether a write of the dead turn's is still to come.
    pub(super) fn is_late(&self) -> bool {
        matches!(self.stand, Stand::Table(_, At::Late))
    }

    /// Where the turn waits, in words, if it has come there. `requests` are its own to the table, in order.
    pub(super) fn standing(&self, requests: &[&'static str]) -> Option<String> {
        if !self.gate.is_reached() {
            return None;
        }
        match &self.stand {
            Stand::Nowhere => None,
            Stand::Model(place) => {
                Some(format!("model, {}", ["called", "answering"][usize::from(*place > 0)]))
            }
            Stand::Table(request, at) => {
                let side = match at {
                    At::Asked => "asked",
                    At::Done => "done",
                    At::Late => "late",
                };
                Some(format!("{}, {side}", requests.get(*request).unwrap_or(&"?")))
            }
        }
    }
}

impl Touch {
    fn draw(random: &mut fastrand::Rng) -> Self {
        match random.usize(0..6) {
            0 => Self::Resume,
            1 => Self::Again,
            2 => Self::Other,
            3 => Self::All(vec![Self::Again, Self::Again, Self::Again, Self::Resume]),
            4 => Self::All(vec![Self::Other, Self::Resume, Self::Other]),
            _ => Self::All(vec![Self::Resume, Self::Resume, Self::Resume]),
        }
    }

    /// All that happens, one by one.
    pub(super) fn each(&self) -> Vec<Self> {
        match self {
            Self::All(all) => all.clone(),
            one => vec![one.clone()],
        }
    }

    /// Whether another message is sent.
    pub(super) fn sends_another(&self) -> bool {
        self.each().iter().any(|touch| matches!(touch, Self::Other))
    }
}
