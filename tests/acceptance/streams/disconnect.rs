//! Clients that disconnect at any byte of the answer: the stored answer is complete, to the last
//! token.

use acceptance::assert::thread_snapshot::ThreadSnapshot;
use acceptance::aws::{Function, RuntimeApi};
use acceptance::client::requests::{conversation_body, post_request, user_message};
use acceptance::gateway::Step;
use acceptance::gateway::responses::{
    self, TEXT_CANARY, delta, frame, head, opening_parts, text_end,
};
use acceptance::seed::{random, seed};
use acceptance::session::SignedIn;
use acceptance::wait::{poll_until_ok, within};
use acceptance::world::{World, metadata, text_of};
use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use futures_util::future::try_join_all;
use http::Request;
use serde_json::{Value, json};
use std::time::Duration;
use store::Status;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The number of clients at the same time.
const CONCURRENT_CLIENTS: usize = 20;

/// The model's answer to one client.
struct ModelAnswer {
    pieces: Vec<String>,
    reason: &'static str,
    input: u64,
    output: u64,
}

impl ModelAnswer {
    fn draw(random: &mut fastrand::Rng) -> Self {
        let piece = |random: &mut fastrand::Rng| {
            let letters = ["marzipan", "gr\u{fc}n", "\u{1f34f}", "\n", "\"", "\\", " "];
            (0..random.usize(1..6))
                .filter_map(|_| random.choice(letters))
                .collect()
        };
        Self {
            pieces: (0..random.usize(5..60)).map(|_| piece(random)).collect(),
            reason: random
                .choice(["stop", "length", "content-filter", "other"])
                .expect("one of four"),
            input: random.u64(1..100_000),
            output: random.u64(1..100_000),
        }
    }

    fn script(&self) -> Vec<Step> {
        let mut steps = vec![head()];
        steps.extend(responses::send_steps(&opening_parts()));
        for piece in &self.pieces {
            steps.extend([
                Step::Pause(Duration::from_millis(2)),
                Step::Send(frame(&delta(piece))),
            ]);
        }
        let finish = json!({"type": "finish", "finishReason": {"unified": self.reason, "raw": self.reason}, "usage": {
            "inputTokens": {"total": self.input}, "outputTokens": {"total": self.output}}});
        steps.extend([
            Step::Send(frame(&text_end())),
            Step::Send(frame(&finish)),
            Step::End,
        ]);
        steps
    }

    async fn ensure_stored(&self, world: &World, who: &SignedIn, thread: &str) -> Result<()> {
        let answer = world.only_answer(who, thread).await?;
        let (text, complete) = (text_of(&answer)?, self.pieces.concat());
        ensure!(text == complete, "stored {text:?} of {complete:?}");
        ensure!(
            answer.status == Some(Status::Completed),
            "stored as {:?}",
            answer.status
        );
        let tokens = (answer.input_tokens, answer.output_tokens);
        ensure!(
            tokens == (Some(self.input), Some(self.output)),
            "{tokens:?} tokens"
        );
        let usage: Value = metadata(&answer, "usage");
        ensure!(usage["outputTokens"] == self.output, "{usage}");
        ensure!(
            metadata(&answer, "finishReason") == self.reason,
            "{:?}",
            answer.metadata
        );
        ensure!(
            metadata(&answer, "aborted") == false,
            "{:?}",
            answer.metadata
        );
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_complete_answer_is_stored_when_the_client_leaves_at_any_byte_over_plain_http()
-> Result<()> {
    let world = World::new().await?;
    let function = Function::start_plain(&world.variables()).await?;
    let_clients_leave(&world, &function, 200).await?;
    function.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_complete_answer_is_stored_when_the_client_leaves_at_any_byte_in_an_environment_that_freezes()
-> Result<()> {
    let world = World::new().await?;
    let function = Function::start_under(
        RuntimeApi::start(CONCURRENT_CLIENTS).await?,
        &world.variables(),
    )
    .await?;
    let_clients_leave(&world, &function, 60).await?;
    // An answer that is not stored before the environment freezes is never stored.
    function.api()?.wait_until_frozen().await?;
    let calls = world.gateway.calls().len();
    ensure!(calls == 61, "{calls} calls of the model");
    function.stop().await
}

async fn let_clients_leave(world: &World, function: &Function, clients: usize) -> Result<()> {
    let seed = seed()?;
    let alice = world.sign_in("alice").await?;
    let length = answer_length(world, function, &alice).await?;
    for wave in (0..clients).collect::<Vec<_>>().chunks(CONCURRENT_CLIENTS) {
        let leaving = wave
            .iter()
            .map(|&client| leave(world, function, &alice, seed, client, length));
        try_join_all(leaving)
            .await
            .with_context(|| format!("SIDEKIQ_SEED={seed}"))?;
    }
    Ok(())
}

/// Measures the length of an answer in bytes, from the first byte of its head.
async fn answer_length(world: &World, function: &Function, who: &SignedIn) -> Result<usize> {
    let planned = ModelAnswer {
        pieces: vec!["marzipan".repeat(3); 40],
        reason: "stop",
        input: 1,
        output: 1,
    };
    world.gateway.next(planned.script());
    let mut stream = send_raw(function, post_request(function, who, question("probe"))?).await?;
    let (mut answer, end) = (Vec::new(), b"data: [DONE]\n\n");
    while !answer.windows(end.len()).any(|bytes| bytes == end) {
        let read = within("more of the answer", stream.read_buf(&mut answer)).await??;
        ensure!(
            read > 0,
            "the answer ended early: {:?}",
            String::from_utf8_lossy(&answer)
        );
    }
    Ok(answer.len())
}

async fn leave(
    world: &World,
    function: &Function,
    who: &SignedIn,
    seed: u64,
    client: usize,
    length: usize,
) -> Result<()> {
    let mut random = random(seed, client);
    let (planned, offset) = (ModelAnswer::draw(&mut random), random.usize(1..length));
    let thread = format!("left-{client}-");
    world.gateway.next_containing(&thread, planned.script());
    let mut stream = send_raw(function, post_request(function, who, question(&thread))?).await?;
    // Short answers end before some offsets; then the client leaves at the end.
    let mut answer = Vec::new();
    let mut limited = (&mut stream).take(offset as u64);
    let ended = |answer: &[u8]| answer.ends_with(b"[DONE]\n\n\r\n0\r\n\r\n");
    while answer.len() < offset && !ended(&answer) {
        let read = within("more of the answer", limited.read_buf(&mut answer)).await??;
        ensure!(
            read > 0,
            "{thread}: the answer ended early: {:?}",
            String::from_utf8_lossy(&answer)
        );
    }
    drop(stream);
    let stored = async || planned.ensure_stored(world, who, &thread).await;
    poll_until_ok("the stored answer", stored)
        .await
        .with_context(|| format!("{thread} left at byte {offset}"))?;
    let at_rest = async || {
        let snapshot = ThreadSnapshot::read(&world.engine, who, &thread)?;
        ensure!(
            snapshot.thread["doneId"] == snapshot.thread["streamId"],
            "{}",
            snapshot.thread
        );
        Ok(())
    };
    poll_until_ok("the end of the turn", at_rest).await
}

fn question(thread: &str) -> String {
    conversation_body(
        thread,
        &[user_message(
            "m1",
            &format!("Is {TEXT_CANARY} sweet, {thread}?"),
        )],
    )
    .to_string()
}

/// Sends a request on a connection of its own, whose bytes are read by hand.
async fn send_raw(function: &Function, request: Request<Bytes>) -> Result<TcpStream> {
    let authority = request
        .uri()
        .authority()
        .context("an absolute URI")?
        .as_str();
    let mut head = format!(
        "POST {} HTTP/1.1\r\nhost: {authority}\r\n",
        request.uri().path()
    );
    for (name, value) in request.headers() {
        head.push_str(&format!("{name}: {}\r\n", value.to_str()?));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", request.body().len()));
    let mut stream = TcpStream::connect(authority)
        .await
        .with_context(|| function.url.clone())?;
    stream
        .write_all(&[head.as_bytes(), request.body()].concat())
        .await?;
    Ok(stream)
}
