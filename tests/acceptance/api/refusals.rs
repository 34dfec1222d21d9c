//! Refusals: each happens before any write or cost, and has a reason.

use std::time::{Duration, SystemTime};

use acceptance::aws::{Function, RunMode};
use acceptance::client::requests::{post_request, turn_body, turn_request};
use acceptance::database::Operation;
use acceptance::http_client::{Response, fetch};
use acceptance::session::{ORIGIN, SignedIn};
use acceptance::world::World;
use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{Method, Request};
use serde_json::{Value, json};

/// A request, the expected status and code, and words that the message must have.
struct Case {
    name: &'static str,
    request: Request<Bytes>,
    status: u16,
    code: &'static str,
    says: &'static str,
}

async fn ensure_all_refused(world: &World, function: &Function, cases: Vec<Case>) -> Result<()> {
    let mut wrong = Vec::new();
    for case in cases {
        let name = case.name;
        if let Err(error) = ensure_case_refused(world, case).await {
            wrong.push(format!("{name}: {error:#}"));
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    ensure!(
        function
            .process
            .logs
            .lines()
            .iter()
            .all(|line| !line.contains("ERROR")),
        "a refusal is logged as an error"
    );
    Ok(())
}

async fn ensure_case_refused(world: &World, case: Case) -> Result<()> {
    let before = world.engine.items()?;
    let answer = fetch(case.request).await?;
    let (status, headers) = (answer.status.as_u16(), header_lines(&answer));
    let body = answer.json().await?;
    ensure!(status == case.status, "status {status}: {body}");
    ensure!(
        headers == ["application/json; charset=utf-8", "no-store", "nosniff"],
        "{headers:?}"
    );
    ensure!(body["error"]["code"] == case.code, "{body}");
    let message = body["error"]["message"].as_str().unwrap_or_default();
    ensure!(
        !message.is_empty() && message.contains(case.says),
        "says {message:?}, not {:?}",
        case.says
    );
    ensure!(world.engine.items()? == before, "the table has changed");
    let writes = |operation: &Operation| !["GetItem", "Query"].contains(&operation.name.as_str());
    ensure!(
        !world.engine.operations().iter().any(writes),
        "something tried to write"
    );
    ensure!(world.gateway.calls().is_empty(), "the gateway was called");
    Ok(())
}

fn header_lines(answer: &Response) -> Vec<String> {
    ["content-type", "cache-control", "x-content-type-options"]
        .map(|name| answer.header(name).to_owned())
        .into()
}

#[tokio::test]
async fn a_request_without_a_valid_session_is_refused_over_plain_http() -> Result<()> {
    a_request_without_a_valid_session_is_refused(RunMode::Plain).await
}

#[tokio::test]
async fn a_request_without_a_valid_session_is_refused_in_an_environment_that_freezes() -> Result<()>
{
    a_request_without_a_valid_session_is_refused(RunMode::RuntimeApi).await
}

async fn a_request_without_a_valid_session_is_refused(mode: RunMode) -> Result<()> {
    let world = World::new().await?;
    let Some(function) = Function::start(mode, &world.variables()).await? else {
        return Ok(());
    };
    let alice = world.sign_in("alice").await?;
    let (expired, deleted) = (SignedIn::new("expired"), SignedIn::new("deleted"));
    world
        .store_session(&expired, SystemTime::now() - Duration::from_secs(1))
        .await?;
    let with = |name: &str, value: String| {
        let request = Request::post(function.chat_url()).header("content-type", "application/json");
        let request = request.header("origin", ORIGIN).header(name, value);
        request.body(Bytes::from(turn_body("t1", "m1").to_string()))
    };
    let secure = format!("__Secure-{}", alice.cookie());
    let requests = [
        ("no session", with("x-nothing", String::new())?),
        (
            "forged cookie",
            with("cookie", SignedIn::forged("alice").cookie())?,
        ),
        (
            "forged bearer",
            with("authorization", SignedIn::forged("alice").bearer())?,
        ),
        (
            "unsigned bearer",
            with("authorization", format!("Bearer {}", alice.token))?,
        ),
        (
            "unsigned cookie",
            with(
                "cookie",
                format!("better-auth.session_token={}", alice.token),
            )?,
        ),
        ("cookie of another name", with("cookie", secure)?),
        (
            "basic authorization",
            with("authorization", "Basic YTpi".to_owned())?,
        ),
        ("expired", with("cookie", expired.cookie())?),
        ("signed out", with("cookie", deleted.cookie())?),
    ];
    let mut cases: Vec<_> = requests
        .into_iter()
        .map(|(name, request)| Case {
            name,
            request,
            status: 401,
            code: "unauthorized",
            says: "sign in",
        })
        .collect();
    let url = format!("{}?token={}", function.chat_url(), alice.token);
    let in_query = Request::post(url)
        .header("content-type", "application/json")
        .body(Bytes::from("{}"))?;
    cases.push(Case {
        name: "token in the query",
        request: in_query,
        status: 401,
        code: "unauthorized",
        says: "sign in",
    });
    ensure_all_refused(&world, &function, cases).await?;
    function.stop().await
}

#[tokio::test]
async fn a_page_of_another_site_is_refused() -> Result<()> {
    let world = World::new().await?;
    let function = Function::start_plain(&world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    let from = |headers: &[(&'static str, &str)]| -> Result<_> {
        let mut request =
            Request::post(function.chat_url()).header("content-type", "application/json");
        request = request.header("cookie", alice.cookie());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Ok(request.body(Bytes::from(turn_body("t1", "m1").to_string()))?)
    };
    let requests = [
        (
            "another origin",
            from(&[("origin", "https://evil.example")])?,
        ),
        (
            "a longer name",
            from(&[("origin", "http://app.example.com.evil.example")])?,
        ),
        (
            "another scheme",
            from(&[("origin", "https://app.example.com")])?,
        ),
        (
            "another port",
            from(&[("origin", "http://app.example.com:8080")])?,
        ),
        ("null", from(&[("origin", "null")])?),
        ("no origin", from(&[])?),
        (
            "another referer",
            from(&[("referer", "https://evil.example/app.example.com")])?,
        ),
        (
            "cross-site by the browser",
            from(&[("origin", ORIGIN), ("sec-fetch-site", "cross-site")])?,
        ),
    ];
    let refused = |(name, request)| Case {
        name,
        request,
        status: 403,
        code: "bad_origin",
        says: "page",
    };
    ensure_all_refused(
        &world,
        &function,
        requests.into_iter().map(refused).collect(),
    )
    .await?;
    let same = fetch(from(&[("referer", &format!("{ORIGIN}/chat"))])?).await?;
    ensure!(
        same.status == 200,
        "the referer replaces a missing origin: {}",
        same.status
    );
    same.transcript().await?;
    let by_bearer = Request::post(function.chat_url()).header("authorization", alice.bearer());
    let by_bearer = by_bearer
        .header("content-type", "application/json")
        .header("origin", "https://evil.example");
    let by_bearer = fetch(by_bearer.body(turn_body("t2", "m1").to_string().into())?).await?;
    ensure!(
        by_bearer.status == 200,
        "a bearer is not sent by accident: {}",
        by_bearer.status
    );
    by_bearer.transcript().await?;
    function.stop().await
}

#[tokio::test]
async fn unknown_paths_methods_and_content_types_are_refused() -> Result<()> {
    let world = World::new().await?;
    let function = Function::start_plain(&world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    let signed = |method: Method, url: String, headers: &[(&'static str, &str)]| -> Result<_> {
        let mut request = Request::builder().method(method).uri(url);
        request = request
            .header("cookie", alice.cookie())
            .header("origin", ORIGIN);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Ok(request.body(Bytes::from(turn_body("t1", "m1").to_string()))?)
    };
    let json = [("content-type", "application/json")];
    let mut cases = Vec::new();
    for (name, path) in [
        ("root", "/"),
        ("below", "/api/chat/x/y"),
        ("another", "/api/other"),
        ("doubled", "//api//chat"),
    ] {
        let request = signed(Method::POST, format!("{}{path}", function.url), &json)?;
        cases.push(Case {
            name,
            request,
            status: 404,
            code: "not_found",
            says: "",
        });
    }
    for (name, method) in [
        ("GET", Method::GET),
        ("PUT", Method::PUT),
        ("DELETE", Method::DELETE),
        ("PATCH", Method::PATCH),
    ] {
        let request = signed(method, function.chat_url(), &json)?;
        cases.push(Case {
            name,
            request,
            status: 405,
            code: "method_not_allowed",
            says: "method",
        });
    }
    for (name, headers) in [
        ("no content type", &[][..]),
        ("text", &[("content-type", "text/plain")]),
        (
            "form",
            &[("content-type", "application/x-www-form-urlencoded")],
        ),
        (
            "multipart",
            &[("content-type", "multipart/form-data; boundary=x")],
        ),
        (
            "JSON in a parameter",
            &[("content-type", "text/plain; a=application/json")],
        ),
        (
            "compressed",
            &[
                ("content-type", "application/json"),
                ("content-encoding", "gzip"),
            ],
        ),
    ] {
        let request = signed(Method::POST, function.chat_url(), headers)?;
        cases.push(Case {
            name,
            request,
            status: 415,
            code: "unsupported_media_type",
            says: "application/json",
        });
    }
    ensure_all_refused(&world, &function, cases).await?;
    let allow = fetch(signed(Method::GET, function.chat_url(), &[])?).await?;
    ensure!(allow.header("allow") == "POST", "{:?}", allow.headers);
    function.stop().await
}

#[tokio::test]
async fn a_browser_may_send_from_allowed_origins_only() -> Result<()> {
    let world = World::new().await?;
    let function = Function::start_plain(&world.variables()).await?;
    for (origin, allowed) in [(ORIGIN, ORIGIN), ("https://evil.example", "")] {
        let preflight = Request::options(function.chat_url())
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header(
                "access-control-request-headers",
                "content-type,authorization",
            );
        let answer = fetch(preflight.body(Bytes::new())?).await?;
        let names = answer.header("access-control-allow-headers").to_lowercase();
        ensure!(
            answer.header("access-control-allow-origin") == allowed,
            "{origin}: {:?}",
            answer.headers
        );
        ensure!(
            answer.header("vary").to_lowercase().contains("origin"),
            "{origin}: {:?}",
            answer.headers
        );
        ensure!(
            names.contains("content-type") && names.contains("authorization"),
            "{origin}: {:?}",
            answer.headers
        );
    }
    function.stop().await
}

#[tokio::test]
async fn invalid_bodies_are_refused_with_their_reason_over_plain_http() -> Result<()> {
    invalid_bodies_are_refused_with_their_reason(RunMode::Plain).await
}

#[tokio::test]
async fn invalid_bodies_are_refused_with_their_reason_in_an_environment_that_freezes() -> Result<()>
{
    invalid_bodies_are_refused_with_their_reason(RunMode::RuntimeApi).await
}

async fn invalid_bodies_are_refused_with_their_reason(mode: RunMode) -> Result<()> {
    let world = World::new().await?;
    let Some(function) =
        Function::start(mode, &world.variables_with(&[("MAX_BODY_BYTES", "100000")])).await?
    else {
        return Ok(());
    };
    let alice = world.sign_in("alice").await?;
    let mut cases = Vec::new();
    for (name, status, code, says, body) in invalid_bodies() {
        cases.push(Case {
            name,
            request: post_request(&function, &alice, body)?,
            status,
            code,
            says,
        });
    }
    ensure_all_refused(&world, &function, cases).await?;
    let good = fetch(turn_request(&function, &alice, "t1", "m1")?).await?;
    ensure!(good.status == 200, "{}", good.status);
    good.transcript().await.context("a good turn")?;
    function.stop().await
}

type Body = (&'static str, u16, &'static str, &'static str, Vec<u8>);

fn invalid_bodies() -> Vec<Body> {
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut body = turn_body("t1", "m1");
        change(&mut body);
        body.to_string().into_bytes()
    };
    let field = |name, says, change: &dyn Fn(&mut Value)| {
        (name, 400, "invalid_request", says, changed(change))
    };
    let unread = |name, body: &[u8]| (name, 400, "invalid_json", "", body.to_vec());
    let deep = format!(
        r#"{{"ignored":{}{}}}"#,
        "[".repeat(40_000),
        "]".repeat(40_000)
    );
    let message = |index: usize| json!({"id": format!("m{index}"), "role": "user", "parts": [{"type": "text", "text": "x"}]});
    vec![
        unread("empty", b""),
        unread("cut", br#"{"threadId":"t1""#),
        unread("two documents", b"{}{}"),
        unread("not a number", br#"{"threadId":NaN}"#),
        unread("not UTF-8", b"{\"threadId\":\"\xff\"}"),
        ("null", 400, "invalid_request", "", b"null".to_vec()),
        ("a list", 400, "invalid_request", "", b"[]".to_vec()),
        ("a text", 400, "invalid_request", "", b"\"x\"".to_vec()),
        (
            "deep in an ignored field",
            400,
            "too_deep",
            "32",
            deep.into_bytes(),
        ),
        (
            "a poisoned key",
            400,
            "invalid_request",
            "__proto__",
            br#"{"__proto__":{}}"#.to_vec(),
        ),
        field("no thread", "threadId", &|body| {
            body["threadId"] = Value::Null;
            body["id"] = Value::Null;
        }),
        field("thread is a number", "threadId", &|body| {
            body["threadId"] = 1.into();
        }),
        field("thread with a separator", "threadId", &|body| {
            body["threadId"] = "a#b".into();
        }),
        field("thread too long", "threadId", &|body| {
            body["threadId"] = "a".repeat(65).into();
        }),
        field("no messages", "messages", &|body| {
            body["messages"] = Value::Null;
        }),
        field("empty messages", "messages", &|body| {
            body["messages"] = json!([]);
        }),
        field("too many messages", "messages", &|body| {
            body["messages"] = (0..201).map(message).collect();
        }),
        field("system message", "messages[0].role", &|body| {
            body["messages"][0]["role"] = "system".into();
        }),
        field("message without id", "messages[0].id", &|body| {
            body["messages"][0]["id"] = Value::Null;
        }),
        field("message with a bad id", "messages[0].id", &|body| {
            body["messages"][0]["id"] = "a/b".into();
        }),
        field("message without parts", "messages[0].parts", &|body| {
            body["messages"][0]["parts"] = Value::Null;
        }),
        field("text is no text", "messages[0].parts[0].text", &|body| {
            body["messages"][0]["parts"][0]["text"] = 1.into();
        }),
        field(
            "file from another scheme",
            "messages[0].parts[0].url",
            &|body| {
                body["messages"][0]["parts"] = json!([{"type": "file", "mediaType": "image/png", "url": "file:///etc/passwd"}]);
            },
        ),
        field("model is no text", "model", &|body| {
            body["model"] = json!(["openai/gpt-4o"]);
        }),
        (
            "unknown model",
            400,
            "unknown_model",
            "model",
            changed(&|body| body["model"] = "openai/gpt-9".into()),
        ),
        (
            "model in other letters",
            400,
            "unknown_model",
            "model",
            changed(&|body| body["model"] = "OpenAI/gpt-4o".into()),
        ),
        (
            "too large",
            413,
            "payload_too_large",
            "100000",
            vec![b' '; 100_001],
        ),
    ]
}
