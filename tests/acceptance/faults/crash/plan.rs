//! The random plan of each turn of a round: the model's answer, the point at which the turn waits
//! when its process is killed, and the requests that come to its thread afterwards.

use std::time::Duration;

use acceptance::database::{Behaviour, Fault, Operation};
use acceptance::gate::Gate;
use acceptance::gateway::Step;
use acceptance::gateway::responses::{
    self, TEXT_CANARY, delta, finish, frame, head, opening_parts, text_end,
};
use acceptance::seed::random;

/// The number of turns that one process runs at once.
pub(super) const TURNS: usize = 20;

/// A request that a turn sends to the table.
pub(super) struct Request {
    /// The purpose of the request.
    pub(super) name: &'static str,
    operation: &'static str,
    /// A text in its body that is in no other body of this operation.
    text: &'static str,
    /// The length that the turn's answer needs for the request to be sent soon enough.
    length: Length,
    /// The minimum number of requests of its kind in a turn.
    count: usize,
}

/// The length of an answer.
#[derive(Clone, Copy, PartialEq)]
enum Length {
    Short,
    Long,
    Any,
}

/// All requests of a turn, in the order in which they are first sent.
pub(super) const REQUESTS: [Request; 9] = [
    Request::new("session", "GetItem", "BA#", Length::Any, 1),
    Request::new("begin", "UpdateItem", "lastMsg", Length::Any, 1),
    Request::new("reserve", "UpdateItem", "ADD req", Length::Any, 1),
    Request::new("question", "PutItem", "#0#m1", Length::Any, 1),
    Request::new("journal", "PutItem", "C#", Length::Long, 2),
    Request::new("watch", "GetItem", "stopId", Length::Long, 1),
    Request::new("answer", "PutItem", "#1#", Length::Short, 1),
    Request::new("end", "UpdateItem", "Id = :stream REMOVE", Length::Short, 1),
    Request::new("release", "UpdateItem", "DELETE slots", Length::Short, 1),
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

    /// Returns the request that this operation is, if it is one of them.
    pub(super) fn of(operation: &Operation) -> Option<&'static Self> {
        let is = |one: &&Self| one.operation == operation.name && operation.body.contains(one.text);
        REQUESTS.iter().find(is)
    }
}

/// The plan of one turn.
pub(super) struct Plan {
    pub(super) user: String,
    pub(super) question: String,
    /// The pieces that the model sends before the kill, or would send.
    pub(super) pieces: Vec<String>,
    pause: Duration,
    /// The delay of its request after the start of the round.
    pub(super) delay: Duration,
    point: WaitPoint,
    pub(super) gate: Gate,
    pub(super) follow_up: FollowUp,
    /// Set if the other requests come at once, not only after the dead turn's lease has expired.
    pub(super) is_at_once: bool,
    /// Set if a late write is carried out only after the other requests.
    pub(super) is_very_late: bool,
    /// Set if the user is then checked to be able to run as many turns at once as are allowed.
    pub(super) uses_all_slots: bool,
}

/// The point at which a turn waits to be killed.
enum WaitPoint {
    /// No point: the turn is killed wherever it happens to be.
    Nowhere,
    /// At a request to the table, after so many of its kind.
    Table(&'static Request, usize, Fate),
    /// Before the step of this number of the model's answer.
    Model(usize),
}

/// The fate of a request whose sender is killed.
#[derive(Clone, Copy)]
pub(super) enum Fate {
    /// It is never carried out.
    Lost,
    /// It has been carried out, and its answer does not come.
    Done,
    /// It is carried out after its sender is dead.
    Late,
}

impl Fate {
    pub(super) const ALL: [Self; 3] = [Self::Lost, Self::Done, Self::Late];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Done => "done",
            Self::Late => "late",
        }
    }
}

/// The requests that others send to the thread of a turn that died.
#[derive(Debug, Clone)]
pub(super) enum FollowUp {
    /// A resume of the running answer.
    Resume,
    /// A repetition of the same message.
    Again,
    /// Another message.
    Other,
    /// Several of them at once.
    All(Vec<FollowUp>),
}

/// The event that triggers the kill.
pub(super) enum Trigger {
    /// Each turn has reached its planned point, and this time has passed since.
    Points(Duration),
    /// The table's proxy has let so many requests of the round through.
    Requests(usize),
    /// The clients have read so many bytes.
    Bytes(usize),
}

/// Draws the plans of a round.
pub(super) fn draw(seed: u64, round: usize) -> (Trigger, Vec<Plan>) {
    let random = &mut random(seed, round);
    let trigger = match random.usize(0..10) {
        0..6 => Trigger::Points(Duration::from_millis(random.u64(0..900))),
        6..8 => Trigger::Requests(random.usize(TURNS..TURNS * 8)),
        _ => Trigger::Bytes(random.usize(100..40_000)),
    };
    let has_point = matches!(trigger, Trigger::Points(_));
    let plans = (0..TURNS)
        .map(|turn| Plan::draw(random, round, turn, has_point))
        .collect();
    (trigger, plans)
}

impl Plan {
    fn draw(random: &mut fastrand::Rng, round: usize, turn: usize, has_point: bool) -> Self {
        let user = format!("crash{round:03}x{turn:02}");
        let point = WaitPoint::draw(random, round * TURNS + turn, has_point);
        let wanted = if let WaitPoint::Table(request, ..) = &point {
            request.length
        } else {
            Length::Any
        };
        let is_question =
            matches!(&point, WaitPoint::Table(request, ..) if request.name == "question");
        let quick = wanted == Length::Short || (wanted == Length::Any && random.u32(0..4) == 0);
        let length = if quick { random.usize(1..8) } else { 400 };
        let pieces = (0..length)
            .map(|piece| format!("{user}.{piece} "))
            .collect();
        // A question too long to be kept in the thread's own item has to be put before a response
        // is promised.
        let tail: String = if random.u32(0..4) == 0 {
            (0..900).map(|_| random.alphanumeric()).collect()
        } else {
            String::new()
        };
        Self {
            question: format!("Is {TEXT_CANARY} sweet, {user}? {tail}"),
            pieces,
            pause: if quick {
                Duration::ZERO
            } else {
                Duration::from_millis(random.u64(8..30))
            },
            delay: Duration::from_millis(random.u64(0..if has_point { 200 } else { 1_200 })),
            point,
            gate: Gate::default(),
            follow_up: FollowUp::draw(random),
            is_at_once: random.bool(),
            // A question that is stored after its turn was given up never gets an answer.
            is_very_late: random.bool() && !is_question,
            uses_all_slots: turn.is_multiple_of(5),
            user,
        }
    }

    /// Returns the steps of the model's answer.
    pub(super) fn script(&self) -> Vec<Step> {
        let mut steps = vec![head()];
        steps.extend(responses::send_steps(&opening_parts()));
        for piece in &self.pieces {
            steps.extend([Step::Pause(self.pause), Step::Send(frame(&delta(piece)))]);
        }
        steps.extend([
            Step::Send(frame(&text_end())),
            Step::Send(frame(&finish())),
            Step::End,
        ]);
        if let WaitPoint::Model(place) = self.point {
            steps.insert(place.min(steps.len()), Step::Wait(self.gate.clone()));
        }
        steps
    }

    /// Returns the fault of the table, if there is one.
    pub(super) fn fault(&self) -> Option<Fault> {
        let gate = self.gate.clone();
        let WaitPoint::Table(request, before, at) = &self.point else {
            return None;
        };
        let behaviour = match at {
            Fate::Lost => Behaviour::Hold(gate),
            Fate::Done => Behaviour::HoldAnswer(gate),
            Fate::Late => Behaviour::Late(gate),
        };
        let fault = Fault::of(request.operation, &self.user, behaviour).and(request.text);
        Some(fault.after(*before).times(1))
    }

    /// Returns whether the turn waits at a planned point.
    pub(super) fn has_point(&self) -> bool {
        !matches!(self.point, WaitPoint::Nowhere)
    }

    /// Returns whether a write of the dead turn is still to come.
    pub(super) fn is_late(&self) -> bool {
        matches!(self.point, WaitPoint::Table(.., Fate::Late))
    }

    /// Describes the point at which the turn waits, if it has reached it.
    pub(super) fn describe_point(&self) -> Option<String> {
        if !self.gate.is_reached() {
            return None;
        }
        match &self.point {
            WaitPoint::Nowhere => None,
            WaitPoint::Model(0) => Some("model, called".to_owned()),
            WaitPoint::Model(_) => Some("model, answering".to_owned()),
            WaitPoint::Table(request, _, at) => Some(format!("{}, {}", request.name, at.name())),
        }
    }
}

impl WaitPoint {
    /// Draws a point. The requests rotate, so that turns die at each of them.
    fn draw(random: &mut fastrand::Rng, number: usize, has_point: bool) -> Self {
        match random.usize(0..10) {
            _ if !has_point => Self::Nowhere,
            0..6 => {
                let request = &REQUESTS[number % REQUESTS.len()];
                let at = Fate::ALL[number / REQUESTS.len() % Fate::ALL.len()];
                Self::Table(request, random.usize(0..request.count), at)
            }
            6..9 => Self::Model(random.usize(0..30)),
            _ => Self::Nowhere,
        }
    }
}

impl FollowUp {
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

    /// Returns the single follow-ups.
    pub(super) fn singles(&self) -> Vec<Self> {
        match self {
            Self::All(all) => all.clone(),
            one => vec![one.clone()],
        }
    }

    /// Returns whether another message is sent.
    pub(super) fn sends_another(&self) -> bool {
        self.singles()
            .iter()
            .any(|follow_up| matches!(follow_up, Self::Other))
    }
}
