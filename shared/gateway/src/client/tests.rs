use testing::gateway::{Call, Ended, Gateway as Simulated, Step};

use super::*;
use message::StreamPart;

const KEY: &str = "sk-very-secret";
const ANSWER: &str = "data: {\"type\":\"finish\",\"finishReason\":\"stop\"}\n\n";
const HOUR: Duration = Duration::from_secs(3600);

fn config(base_url: Url) -> GatewayConfig {
    GatewayConfig {
        protocol: Protocol::Native,
        base_url,
        api_key: SecretString::from(KEY),
        first_part_timeout: HOUR,
        idle_timeout: HOUR,
        max_output_tokens: None,
    }
}

fn model(config: GatewayConfig) -> Model {
    let registry = registry::Registry::new(None, None).unwrap();
    Gateway::new(config)
        .unwrap()
        .model(registry.default_model())
}

fn prompt() -> RawJson {
    serde_json::from_str(r#"[{"role":"user","content":[{"type":"text","text":"hello"}]}]"#).unwrap()
}

async fn call(model: &Model, deadline: Option<Instant>) -> Result<Vec<StreamPart>, GatewayError> {
    let mut stream = model.stream_json(&prompt(), deadline).await?;
    let mut parts = Vec::new();
    while let Some(more) = stream.next().await? {
        parts.extend(more);
    }
    Ok(parts)
}

/// Returns the deadline of a test that wants no second call.
fn too_soon_for_a_retry() -> Option<Instant> {
    Some(Instant::now() + Duration::from_secs(2))
}

/// The head of an answer that streams.
const STREAM: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
/// The end of one.
const LAST: &str = "0\r\n\r\n";

/// Returns `data` as one chunk of a chunked answer.
fn chunk(data: &str) -> String {
    format!("{:x}\r\n{data}\r\n", data.len())
}

/// Returns a refusal with `headers`, each of which ends its line.
fn refusal(status: u16, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} No\r\n{headers}connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Starts a gateway that sends each of the answers unchanged, closes the connection after it, and
/// answers nothing beyond.
async fn answering(answers: impl IntoIterator<Item = String>) -> Simulated {
    let gateway = Simulated::start(vec![Step::Cut]).await.unwrap();
    for answer in answers {
        gateway.next(vec![Step::Raw(answer.into()), Step::Cut]);
    }
    gateway
}

fn base(gateway: &Simulated) -> Url {
    Url::parse(&gateway.base_url()).unwrap()
}

/// Returns the requests so far, as sent.
fn requests(gateway: &Simulated) -> Vec<String> {
    let text = |call: &Call| call.head.text.clone() + str::from_utf8(&call.raw_body).unwrap();
    gateway.calls().iter().map(text).collect()
}

/// Waits for the client to leave the first call, whose answer hangs.
async fn departure(gateway: &Simulated) {
    let call = gateway.call(0).await.unwrap();
    assert_eq!(call.ended().await.unwrap(), Ended::Left);
}

fn good_answer() -> String {
    [STREAM, &chunk(ANSWER), LAST].concat()
}

#[tokio::test]
async fn a_model_can_be_held_to_less_than_the_gateway_is_and_never_to_more() {
    for (configured, limit, expected) in [
        (None, 100, 100),
        (Some(4096), 100, 100),
        (Some(50), 100, 50),
    ] {
        let gateway = answering([good_answer()]).await;
        let config = GatewayConfig {
            max_output_tokens: configured,
            ..config(base(&gateway))
        };
        call(&model(config).with_max_output_tokens(limit), None)
            .await
            .unwrap();
        let request = requests(&gateway).remove(0);
        let expected = format!(r#""maxOutputTokens":{expected},"#);
        assert!(request.contains(&expected), "{configured:?}: {request}");
    }
}

#[tokio::test]
async fn the_request_is_the_original_s() {
    let gateway = answering([good_answer()]).await;
    let config = GatewayConfig {
        max_output_tokens: Some(4096),
        ..config(base(&gateway))
    };
    assert_eq!(call(&model(config), None).await.unwrap().len(), 1);

    let request = requests(&gateway).remove(0);
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let mut lines: Vec<&str> = head
        .lines()
        .filter(|line| !line.starts_with("host: "))
        .collect();
    assert_eq!(lines.remove(0), "POST /v4/ai/language-model HTTP/1.1");
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "accept-encoding: identity",
            "accept: */*",
            "ai-gateway-auth-method: api-key",
            "ai-gateway-protocol-version: 0.0.1",
            "ai-language-model-id: anthropic/claude-sonnet-4-20250514",
            "ai-language-model-specification-version: 4",
            "ai-language-model-streaming: true",
            "authorization: Bearer sk-very-secret",
            "content-length: 148",
            "content-type: application/json",
            concat!("user-agent: sidekiq-chat/", env!("CARGO_PKG_VERSION")),
        ]
    );
    assert_eq!(
        body,
        r#"{"maxOutputTokens":4096,"toolChoice":{"type":"auto"},"prompt":[{"role":"user","content":[{"type":"text","text":"hello"}]}],"includeRawChunks":false}"#
    );
}

#[tokio::test]
async fn the_request_of_the_other_protocol_is_the_original_s_too() {
    let answer =
        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let gateway = answering([[STREAM, &chunk(answer), LAST].concat()]).await;
    let config = GatewayConfig {
        protocol: Protocol::OpenAi,
        max_output_tokens: Some(4096),
        ..config(base(&gateway))
    };
    let parts = call(&model(config), None).await.unwrap();
    assert!(
        matches!(parts[..], [StreamPart::Finish { .. }]),
        "{parts:?}"
    );

    let request = requests(&gateway).remove(0);
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let mut lines: Vec<&str> = head
        .lines()
        .filter(|line| !line.starts_with("host: "))
        .collect();
    assert_eq!(lines.remove(0), "POST /v4/ai/chat/completions HTTP/1.1");
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "accept-encoding: identity",
            "accept: */*",
            "authorization: Bearer sk-very-secret",
            "content-length: 190",
            "content-type: application/json",
            concat!("user-agent: sidekiq-chat/", env!("CARGO_PKG_VERSION")),
        ]
    );
    assert_eq!(
        body,
        r#"{"model":"anthropic/claude-sonnet-4-20250514","max_tokens":4096,"messages":[{"role":"user","content":[{"type":"text","text":"hello"}]}],"stream":true,"stream_options":{"include_usage":true}}"#
    );
}

#[test]
fn a_prompt_is_built_for_the_gateway_that_gets_it() {
    let json: Box<serde_json::value::RawValue> =
        serde_json::from_str(r#"{"id":"m","role":"user","parts":[{"type":"text","text":"hi"}]}"#)
            .unwrap();
    let messages = [UiMessage::parse(&json, "messages[0]").unwrap()];
    for (protocol, expected) in [
        (
            Protocol::Native,
            r#"[{"role":"user","content":[{"type":"text","text":"hi"}]}]"#,
        ),
        (Protocol::OpenAi, r#"[{"role":"user","content":"hi"}]"#),
    ] {
        let config = GatewayConfig {
            protocol,
            ..config(Url::parse("https://example.com").unwrap())
        };
        let prompt = Gateway::new(config)
            .unwrap()
            .prompt(None, &messages)
            .unwrap();
        assert_eq!(prompt.json().get(), expected, "{protocol:?}");
    }
}

#[tokio::test]
async fn a_refusal_keeps_its_status_and_the_name_of_its_kind_only() {
    let error_of =
        |kind: &str| format!(r#"{{"error":{{"message":"no, {KEY}","type":{kind},"param":null}}}}"#);
    let plain = |kind: &str| error_of(&format!("\"{kind}\""));
    let huge = format!("{}{}", plain("x"), " ".repeat(MAX_ERROR_BODY_BYTES));
    for (status, body, expected) in [
        (
            400,
            plain("invalid_request_error"),
            Some("invalid_request_error"),
        ),
        (
            401,
            plain("authentication_error"),
            Some("authentication_error"),
        ),
        (402, plain("insufficient_funds"), Some("insufficient_funds")),
        (403, plain("forbidden"), Some("forbidden")),
        (404, plain("model_not_found"), Some("model_not_found")),
        (
            429,
            plain("rate_limit_exceeded"),
            Some("rate_limit_exceeded"),
        ),
        (
            500,
            plain("internal_server_error"),
            Some("internal_server_error"),
        ),
        (502, "<html>Bad gateway</html>".to_owned(), None),
        (503, String::new(), None),
        (400, error_of("null"), None),
        (
            404,
            r#"{"error":{"type":null,"code":"model_not_found"}}"#.to_owned(),
            Some("model_not_found"),
        ),
        (
            429,
            r#"{"error":{"message":"slow down","code":429}}"#.to_owned(),
            None,
        ),
        (400, r#"{"error":"no"}"#.to_owned(), None),
        (400, r#"{"detail":"no"}"#.to_owned(), None),
        (400, plain(""), None),
        (400, plain("two words\\nof log"), None),
        (400, plain(&"x".repeat(65)), None),
        (400, huge, None),
        (302, String::new(), None),
    ] {
        let headers = "location: /v4/ai/elsewhere\r\nretry-after: 7\r\n";
        let gateway = answering([refusal(status, headers, &body)]).await;
        let model = model(config(base(&gateway)));

        let error = call(&model, too_soon_for_a_retry()).await.unwrap_err();
        assert!(!format!("{error:?} {error}").contains(KEY));
        let GatewayError::Refused {
            status: refused,
            kind,
            retry_after,
        } = error
        else {
            panic!("{error:?}")
        };
        assert_eq!(
            (refused, kind.as_deref(), retry_after),
            (status, expected, Some(Duration::from_secs(7))),
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_call_is_retried_while_the_error_may_be_temporary() {
    let busy = |status| refusal(status, "retry-after-ms: 1\r\n", "");
    for (case, answers, calls, status) in [
        (
            "then good",
            vec![busy(503), busy(429), good_answer()],
            3,
            None,
        ),
        (
            "never good",
            vec![busy(500), busy(408), busy(409)],
            3,
            Some(409),
        ),
        ("then for good", vec![busy(500), busy(403)], 2, Some(403)),
        ("at once", vec![busy(401)], 1, Some(401)),
    ] {
        let gateway = answering(answers).await;
        let result = call(&model(config(base(&gateway))), None).await;
        let refused = result.err().map(|error| match error {
            GatewayError::Refused { status, .. } => status,
            error => panic!("{case}: {error:?}"),
        });
        assert_eq!(
            (refused, requests(&gateway).len()),
            (status, calls),
            "{case}"
        );
    }
}

#[tokio::test]
async fn no_connection_is_unreachable_and_names_no_address() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed_port =
        Url::parse(&format!("http://{}/v4/ai", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    let error = call(&model(config(closed_port)), too_soon_for_a_retry())
        .await
        .unwrap_err();
    assert!(matches!(error, GatewayError::Unreachable(_)), "{error:?}");
    assert!(
        !format!("{error:?}").contains("language-model"),
        "{error:?}"
    );

    let closes = Simulated::start(vec![Step::Cut]).await.unwrap();
    let error = call(&model(config(base(&closes))), too_soon_for_a_retry())
        .await
        .unwrap_err();
    assert!(matches!(error, GatewayError::Unreachable(_)), "{error:?}");
}

#[tokio::test]
async fn a_gateway_that_never_answers_is_disconnected_after_its_timeout() {
    let tick = Duration::from_millis(50);
    for (case, first_part_timeout, deadline) in [("timeout", tick, HOUR), ("deadline", HOUR, tick)]
    {
        let gateway = Simulated::start(vec![Step::Hold]).await.unwrap();
        let model = model(GatewayConfig {
            first_part_timeout,
            ..config(base(&gateway))
        });
        let error = call(&model, Some(Instant::now() + deadline))
            .await
            .unwrap_err();
        match case {
            "timeout" => assert!(matches!(error, GatewayError::FirstPartTimeout), "{error:?}"),
            _ => assert!(matches!(error, GatewayError::DeadlinePassed), "{error:?}"),
        }
        departure(&gateway).await;
    }
}

#[tokio::test]
async fn an_error_body_that_never_ends_is_not_waited_for() {
    let head = "HTTP/1.1 403 No\r\ncontent-length: 100\r\n\r\n{".to_owned();
    let gateway = Simulated::start(vec![Step::Raw(head.into()), Step::Hold])
        .await
        .unwrap();
    let deadline = Instant::now() + Duration::from_millis(200);
    let error = call(&model(config(base(&gateway))), Some(deadline))
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            GatewayError::Refused {
                status: 403,
                kind: None,
                ..
            }
        ),
        "{error:?}"
    );
    departure(&gateway).await;
}

#[tokio::test]
async fn no_call_is_made_after_the_deadline() {
    let gateway = answering([good_answer()]).await;
    let error = call(&model(config(base(&gateway))), Some(Instant::now()))
        .await
        .unwrap_err();
    assert!(matches!(error, GatewayError::DeadlinePassed), "{error:?}");
    assert!(requests(&gateway).is_empty());
}

#[tokio::test]
async fn a_dropped_stream_closes_its_connection() {
    let begun = [
        STREAM,
        &chunk("data: {\"type\":\"text-start\",\"id\":\"0\"}\n\n"),
    ]
    .concat();
    let gateway = Simulated::start(vec![Step::Raw(begun.into()), Step::Hold])
        .await
        .unwrap();
    let mut stream = model(config(base(&gateway)))
        .stream_json(&prompt(), None)
        .await
        .unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap().len(), 1);
    drop(stream);
    departure(&gateway).await;
}

#[tokio::test]
async fn a_connection_that_breaks_in_mid_stream_is_a_cut_and_one_that_ends_is_truncated() {
    let begun = [
        STREAM,
        &chunk("data: {\"type\":\"text-start\",\"id\":\"0\"}\n\n"),
    ]
    .concat();
    let ended = [&begun, LAST].concat();
    let gateway = answering([begun, ended]).await;
    let model = model(config(base(&gateway)));
    for (case, is_cut) in [("cut", true), ("ended", false)] {
        let mut stream = model.stream_json(&prompt(), None).await.unwrap();
        assert_eq!(stream.next().await.unwrap().unwrap().len(), 1, "{case}");
        match stream.next().await.unwrap_err() {
            GatewayError::ConnectionLost(_) => assert!(is_cut, "{case}"),
            GatewayError::Truncated => assert!(!is_cut, "{case}"),
            error => panic!("{case}: {error:?}"),
        }
        assert!(stream.next().await.unwrap().is_none(), "{case}");
    }
}

#[tokio::test]
async fn a_complete_answer_leaves_its_connection_to_the_next_call() {
    let gateway = Simulated::start(vec![Step::Raw(good_answer().into())])
        .await
        .unwrap();
    let model = model(config(base(&gateway)));
    for _ in 0..2 {
        call(&model, None).await.unwrap();
    }
    let connections: Vec<_> = gateway.calls().iter().map(|call| call.connection).collect();
    assert_eq!(connections, [0, 0]);
}

#[tokio::test]
async fn https_begins_with_a_handshake() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = Url::parse(&format!("https://{}/v4/ai", listener.local_addr().unwrap())).unwrap();
    let model = model(config(base));
    let server = async {
        let (mut connection, _) = listener.accept().await.unwrap();
        tokio::io::AsyncReadExt::read_u8(&mut connection)
            .await
            .unwrap()
    };
    let (result, first_byte) = tokio::join!(call(&model, too_soon_for_a_retry()), server);
    assert_eq!(first_byte, 22, "a TLS handshake record");
    assert!(
        matches!(result, Err(GatewayError::Unreachable(_))),
        "{result:?}"
    );
}

#[test]
fn an_invalid_configuration_is_refused_at_start() {
    let good = || config(Url::parse("https://example.com/v4/ai").unwrap());
    for (case, config) in [
        (
            "key",
            GatewayConfig {
                api_key: SecretString::from("a\nb"),
                ..good()
            },
        ),
        (
            "tokens",
            GatewayConfig {
                max_output_tokens: Some(0),
                ..good()
            },
        ),
        (
            "base",
            GatewayConfig {
                base_url: Url::parse("ftp://example.com").unwrap(),
                ..good()
            },
        ),
    ] {
        assert!(
            matches!(Gateway::new(config), Err(GatewayError::Misconfigured(_))),
            "{case}"
        );
    }
    let endless = GatewayConfig {
        first_part_timeout: Duration::MAX,
        idle_timeout: Duration::MAX,
        ..good()
    };
    assert!(Gateway::new(endless).is_ok());
}

#[test]
fn the_key_is_never_printed() {
    let config = config(Url::parse("https://example.com").unwrap());
    let shown = format!(
        "{config:?} {:?} {:?}",
        Gateway::new(config.clone()).unwrap(),
        model(config.clone())
    );
    assert!(!shown.contains(KEY), "{shown}");
}

#[test]
fn a_call_may_move_between_threads() {
    fn sendable(_: &impl Send) {}
    let model = model(config(Url::parse("https://example.com").unwrap()));
    sendable(&call(&model, None));
}
