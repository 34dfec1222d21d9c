//! Refused readers and refused requests.

use acceptance::aws::{Function, RunMode};
use acceptance::client::requests::ensure_refused;
use acceptance::http_client::fetch;
use acceptance::session::{ORIGIN, SignedIn};
use acceptance::world::World;
use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{Method, Request};

use super::run_turn;

const ROUTES: [(&str, &str); 6] = [
    ("GET", "/api/threads"),
    ("GET", "/api/threads/t/messages"),
    ("PATCH", "/api/threads/t"),
    ("DELETE", "/api/threads/t"),
    ("GET", "/api/models"),
    ("GET", "/api/usage"),
];

fn request(
    threads: &Function,
    (method, path): (&str, &str),
    headers: &[(&str, String)],
) -> Result<Request<Bytes>> {
    let mut request = Request::builder()
        .method(method)
        .uri(format!("{}{path}", threads.url));
    request = request.header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    Ok(request.body(Bytes::from_static(br#"{"title":"x"}"#))?)
}

#[tokio::test]
async fn only_signed_in_users_on_allowed_pages_can_read_over_plain_http() -> Result<()> {
    only_signed_in_users_on_allowed_pages_can_read(RunMode::Plain).await
}

#[tokio::test]
async fn only_signed_in_users_on_allowed_pages_can_read_in_an_environment_that_freezes()
-> Result<()> {
    only_signed_in_users_on_allowed_pages_can_read(RunMode::RuntimeApi).await
}

async fn only_signed_in_users_on_allowed_pages_can_read(mode: RunMode) -> Result<()> {
    let world = World::new().await?;
    let chat = Function::start_plain(&world.variables()).await?;
    let threads = Function::start_threads_in(mode, &world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    run_turn(&chat, &alice, "t", "m1").await?;
    let before = world.conversation_items()?;
    let cookie = || ("cookie", alice.cookie());
    let origin = |origin: &str| ("origin", origin.to_owned());
    let cross_site = ("sec-fetch-site", "cross-site".to_owned());
    let forged = SignedIn::forged("alice");
    for route in ROUTES {
        for (name, headers, status, code) in [
            ("no session", vec![origin(ORIGIN)], 401, "unauthorized"),
            (
                "forged",
                vec![("cookie", forged.cookie()), origin(ORIGIN)],
                401,
                "unauthorized",
            ),
            (
                "unsigned",
                vec![("authorization", format!("Bearer {}", alice.token))],
                401,
                "unauthorized",
            ),
            (
                "another page",
                vec![cookie(), origin("https://evil.example")],
                403,
                "bad_origin",
            ),
            ("no page", vec![cookie()], 403, "bad_origin"),
            (
                "another site",
                vec![cookie(), origin(ORIGIN), cross_site.clone()],
                403,
                "bad_origin",
            ),
        ] {
            let refused = ensure_refused(request(&threads, route, &headers)?, status, code).await;
            refused.with_context(|| format!("{name}: {route:?}"))?;
        }
    }
    ensure!(
        world.conversation_items()? == before,
        "something was written"
    );

    let same_page = ("sec-fetch-site", "same-origin".to_owned());
    let own_get = fetch(request(&threads, ROUTES[0], &[cookie(), same_page])?).await?;
    ensure!(
        own_get.status == 200,
        "a page's own GET names no origin: {}",
        own_get.status
    );
    let by_bearer = fetch(request(
        &threads,
        ROUTES[0],
        &[("authorization", alice.bearer())],
    )?)
    .await?;
    ensure!(by_bearer.status == 200, "{}", by_bearer.status);
    chat.stop().await?;
    threads.stop().await
}

#[tokio::test]
async fn another_users_thread_looks_like_an_unknown_one() -> Result<()> {
    let world = World::new().await?;
    let chat = Function::start_plain(&world.variables()).await?;
    let threads = Function::start_threads(&world.variables()).await?;
    let (alice, bob) = (world.sign_in("alice").await?, world.sign_in("bob").await?);
    run_turn(&chat, &alice, "t", "m1").await?;
    let before = world.conversation_items()?;
    for (method, rest) in [("GET", "/messages"), ("PATCH", ""), ("DELETE", "")] {
        let mut bodies = Vec::new();
        for id in ["t", "none", "a%23b"] {
            let path = format!("/api/threads/{id}{rest}");
            let request =
                threads.request(method.parse::<Method>()?, &path, &bob, r#"{"title":"x"}"#)?;
            bodies.push(
                ensure_refused(request, 404, "not_found")
                    .await
                    .with_context(|| path)?,
            );
        }
        ensure!(bodies.windows(2).all(|two| two[0] == two[1]), "{bodies:?}");
    }
    ensure!(
        world.conversation_items()? == before,
        "something was written"
    );
    chat.stop().await?;
    threads.stop().await
}

#[tokio::test]
async fn invalid_requests_are_refused_with_their_reason() -> Result<()> {
    let world = World::new().await?;
    let threads = Function::start_threads(&world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    let forged_place = "VCNib2IjdGhyZWFk"; // T#bob#thread
    for (path, field) in [
        ("/api/threads?limit=0", "limit"),
        ("/api/threads?limit=101", "limit"),
        ("/api/threads?limit=many", "limit"),
        ("/api/threads?cursor=!", "cursor"),
        (&format!("/api/threads?cursor={forged_place}"), "cursor"),
        ("/api/threads/t/messages?limit=-1", "limit"),
        ("/api/threads/t/messages?message=a%2Fb", "message"),
        (
            &format!("/api/threads/t/messages?cursor={forged_place}"),
            "cursor",
        ),
    ] {
        let body = ensure_refused(threads.get(path, &alice)?, 400, "invalid_request").await?;
        let message = body["error"]["message"].as_str().unwrap_or_default();
        ensure!(
            message.starts_with(&format!("{field}: ")),
            "{path}: {message}"
        );
    }
    for (method, path) in [
        ("POST", "/api/threads"),
        ("PUT", "/api/threads/t"),
        ("POST", "/api/models"),
    ] {
        let request = threads.request(method.parse()?, path, &alice, "")?;
        ensure_refused(request, 405, "method_not_allowed").await?;
    }
    for path in [
        "/",
        "/api/chat",
        "/api/threads/",
        "/api/threads/t/x",
        "/api//threads",
    ] {
        ensure_refused(threads.get(path, &alice)?, 404, "not_found").await?;
    }
    let form = Request::patch(format!("{}/api/threads/t", threads.url))
        .header("cookie", alice.cookie())
        .header("origin", ORIGIN)
        .header("content-type", "text/plain");
    ensure_refused(
        form.body(Bytes::from_static(b"{}"))?,
        415,
        "unsupported_media_type",
    )
    .await?;
    for (origin, allowed) in [(ORIGIN, ORIGIN), ("https://evil.example", "")] {
        let preflight = Request::options(format!("{}/api/threads/t", threads.url))
            .header("origin", origin)
            .header("access-control-request-method", "DELETE");
        let answer = fetch(preflight.body(Bytes::new())?).await?;
        ensure!(
            answer.header("access-control-allow-origin") == allowed,
            "{origin}: {:?}",
            answer.headers
        );
        ensure!(
            answer
                .header("access-control-allow-methods")
                .contains("DELETE"),
            "{:?}",
            answer.headers
        );
    }
    threads.stop().await
}
