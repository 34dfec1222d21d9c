//! Lots: what each turn of a round says, where it stands when its process is killed, and who comes to its thread then.

use std::time::Duration;

use acceptance::answers::{self, TEXT_CANARY, delta, finish, frame, head, opening, text_end};
use acceptance::engine::{Behaviour, Fault, Operation};
use acceptance::gate::Gate;
use acceptance::gateway::Step;
use acceptance::seed::random;

/// How many turns one process runs at once.
pub(super) const TURNS: usize = 20;

/// A request that a turn sends to the table.
pub(super) struct Request {
    /// What it is for.
    pub(super) name: &'static str,
    operation: &'static str,
    /// In its body, and in no other's of this operation.
    text: &'static str,
    /// How long the turn's answer has to be for it to be sent soon enough.
    length: Length,
    /// How many of its kind a turn sends at least.
    count: usize,
}

/// How long an answer is.
#[derive(Clone, Copy, PartialEq)]
enum Length {
    Short,
    Long,
    Any,
}

/// All of them, in the order in which they are sent first.
pub(super) const REQUESTS: [Request; 9] = [
    Request::new("session", "GetItem", "BA#", Length::Any, 1),
    Request::new("begin", "UpdateItem", "lastMsg", Length::Any, 1),
    Request::new("reserve", "UpdateItem", "ADD req", Length::Any, 1),
    Request::new("question", "PutItem", "#0#m1", Length::Any, 1),
    Request::new("journal", "PutItem", "C#", Length::Long, 2),
    Request::new("watch", "GetItem", "stopId", Length::Long, 1),
    Request::new("answer", "PutItem", "#1#", Length::Short, 1),
    Request::new("end", "UpdateItem", "Id = :stream REMOVE", Length::Short, 1),
    Request::new("settle", "UpdateItem", "DELETE slots", Length::Short, 1),
];

impl Request {
    const fn new(
        name: &'static str,
        operation: &'static str,
        text: &'static str,
        length: Length,
        count: usize,
    ) -> Self {
        Self {
            name,
            operation,
            text,
            length,
            count,
        }
    }

    /// Which of them this is.
    pub(super) fn of(operation: &Operation) -> Option<&'static Self> {
        let is = |one: &&Self| one.operation == operation.name && operation.body.contains(one.text);
        REQUESTS.iter().find(is)
    }
}

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
    /// At a request to the table, after so many of its kind.
    Table(&'static Request, usize, At),
    /// Before the step of this number of the model's answer.
    Model(usize),
}

/// On which side of a request.
#[derive(Clone, Copy)]
pub(super) enum At {
    /// It is never carried out.
    Asked,
    /// It has been carried out, and its answer does not come.
    Done,
    /// It is carried out when whoever sent it is dead.
    Late,
}

impl At {
    pub(super) const ALL: [Self; 3] = [Self::Asked, Self::Done, Self::Late];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Done => "done",
            Self::Late => "late",
        }
    }
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
    let plans = (0..TURNS)
        .map(|turn| Plan::draw(random, round, turn, stands))
        .collect();
    (trigger, plans)
}

impl Plan {
    fn draw(random: &mut fastrand::Rng, round: usize, turn: usize, stands: bool) -> Self {
        let user = format!("crash{round:03}x{turn:02}");
        let stand = Stand::draw(random, round * TURNS + turn, stands);
        let wanted = if let Stand::Table(request, ..) = &stand {
            request.length
        } else {
            Length::Any
        };
        let is_question = matches!(&stand, Stand::Table(request, ..) if request.name == "question");
        let quick = wanted == Length::Short || (wanted == Length::Any && random.u32(0..4) == 0);
        let length = if quick { random.usize(1..8) } else { 400 };
        let pieces = (0..length)
            .map(|piece| format!("{user}.{piece} "))
            .collect();
        // A question too long to be kept in the thread's own item has to be put before anything is promised.
        let tail: String = if random.u32(0..4) == 0 {
            (0..900).map(|_| random.alphanumeric()).collect()
        } else {
            String::new()
        };
        Self {
            words: format!("Is {TEXT_CANARY} sweet, {user}? {tail}"),
            pieces,
            pause: if quick {
                Duration::ZERO
            } else {
                Duration::from_millis(random.u64(8..30))
            },
            delay: Duration::from_millis(random.u64(0..if stands { 200 } else { 1_200 })),
            stand,
            gate: Gate::default(),
            touch: Touch::draw(random),
            at_once: random.bool(),
            // A question that comes when its turn was given up stays without an answer.
            very_late: random.bool() && !is_question,
            uses_all: turn.is_multiple_of(5),
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
        steps.extend([
            Step::Send(frame(&text_end())),
            Step::Send(frame(&finish())),
            Step::End,
        ]);
        if let Stand::Model(place) = self.stand {
            steps.insert(place.min(steps.len()), Step::Wait(self.gate.clone()));
        }
        steps
    }

    /// What the table does.
    pub(super) fn fault(&self) -> Option<Fault> {
        let gate = self.gate.clone();
        let Stand::Table(request, before, at) = &self.stand else {
            return None;
        };
        let behaviour = match at {
            At::Asked => Behaviour::Hold(gate),
            At::Done => Behaviour::HoldAnswer(gate),
            At::Late => Behaviour::Late(gate),
        };
        let fault = Fault::of(request.operation, &self.user, behaviour).and(request.text);
        Some(fault.after(*before).times(1))
    }

    /// Whether the turn waits somewhere.
    pub(super) fn stands(&self) -> bool {
        !matches!(self.stand, Stand::Nowhere)
    }

    /// Whether a write of the dead turn's is still to come.
    pub(super) fn is_late(&self) -> bool {
        matches!(self.stand, Stand::Table(.., At::Late))
    }

    /// Where the turn waits, in words, if it has come there.
    pub(super) fn standing(&self) -> Option<String> {
        if !self.gate.is_reached() {
            return None;
        }
        match &self.stand {
            Stand::Nowhere => None,
            Stand::Model(0) => Some("model, called".to_owned()),
            Stand::Model(_) => Some("model, answering".to_owned()),
            Stand::Table(request, _, at) => Some(format!("{}, {}", request.name, at.name())),
        }
    }
}

impl Stand {
    /// Requests take turns, so that there is a death at each.
    fn draw(random: &mut fastrand::Rng, number: usize, stands: bool) -> Self {
        match random.usize(0..10) {
            _ if !stands => Self::Nowhere,
            0..6 => {
                let request = &REQUESTS[number % REQUESTS.len()];
                let at = At::ALL[number / REQUESTS.len() % At::ALL.len()];
                Self::Table(request, random.usize(0..request.count), at)
            }
            6..9 => Self::Model(random.usize(0..30)),
            _ => Self::Nowhere,
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
