//! Conformance of the running functions with `docs/openapi`, whatever is sent to them.

use acceptance::aws::Function;
use acceptance::client::requests::{ensure_refused, fetch_transcript, turn_request};
use acceptance::client::schemathesis::run_schemathesis;
use acceptance::database::Engine;
use acceptance::gateway::parts::mixed_parts;
use acceptance::gateway::{Gateway, Step, responses};
use acceptance::world::World;
use anyhow::{Context, Result};
use http::Method;
use http::header::COOKIE;

/// Starts a world whose gateway always answers with many kinds of parts.
async fn start_world() -> Result<World> {
    let gateway = Gateway::start(responses::stream(&mixed_parts(), Step::End)).await?;
    Ok(World {
        engine: Engine::start().await?,
        gateway,
    })
}

#[tokio::test]
async fn the_chat_function_conforms_to_its_openapi_document() -> Result<()> {
    let world = start_world().await?;
    let chat = Function::start_plain(&world.variables()).await?;
    let who = world.sign_in("zoe").await?;
    run_schemathesis(&chat, "chat", &who).await?;
    chat.stop().await
}

#[tokio::test]
async fn the_threads_function_conforms_to_its_openapi_document() -> Result<()> {
    let world = start_world().await?;
    let chat = Function::start_plain(&world.variables()).await?;
    let threads = Function::start_threads(&world.variables()).await?;
    let who = world.sign_in("zoe").await?;
    // The threads that schemathesis.toml uses.
    for number in 0..40 {
        fetch_transcript(turn_request(
            &chat,
            &who,
            &format!("there-{number:02}"),
            "question",
        )?)
        .await?;
    }
    run_schemathesis(&threads, "threads", &who).await?;
    threads.stop().await?;
    chat.stop().await
}

#[tokio::test]
async fn a_path_that_is_not_utf8_is_refused_as_the_openapi_documents_say() -> Result<()> {
    let world = World::new().await?;
    let chat = Function::start_plain(&world.variables()).await?;
    let threads = Function::start_threads(&world.variables()).await?;
    let who = world.sign_in("zoe").await?;
    for (function, method, path) in [
        (&chat, Method::GET, "/api/chat/%FF/stream"),
        (&chat, Method::POST, "/api/chat/%FF/stop"),
        (&threads, Method::GET, "/api/threads/%FF/messages"),
        (&threads, Method::PATCH, "/api/threads/%FF"),
        (&threads, Method::DELETE, "/api/threads/%FF"),
    ] {
        let request = || function.request(method.clone(), path, &who, r#"{"title":"x"}"#);
        ensure_refused(request()?, 404, "not_found")
            .await
            .context(path)?;
        let mut unsigned = request()?;
        unsigned.headers_mut().remove(COOKIE);
        ensure_refused(unsigned, 401, "unauthorized")
            .await
            .context(path)?;
    }
    threads.stop().await?;
    chat.stop().await
}
