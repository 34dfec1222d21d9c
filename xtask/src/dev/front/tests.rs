use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::time::Duration;

use axum::body::Bytes;
use futures_util::{StreamExt, stream};
use tokio::sync::mpsc;

use super::*;

/// Returns a front before a scripted function, and the URL it is reached at.
async fn front_before(function: Router) -> String {
    let function = serve(function).await;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let front = Front {
        client: http_client(),
        upstreams: Upstreams {
            chat: format!("{function}/lambda-url/chat"),
            threads: format!("{function}/lambda-url/threads"),
        },
        engine: Engine::in_memory().await,
        guide: "how to use it".to_owned(),
        page: None,
        cookie: HeaderValue::from_static("better-auth.session_token=x; Path=/"),
        hosts: [
            url.replace("http://127.0.0.1", "localhost"),
            url.trim_start_matches("http://").to_owned(),
        ],
    };
    tokio::spawn(front.serve(listener));
    url
}

async fn serve(router: Router) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, router).await });
    url
}

async fn send(
    request: axum::http::request::Builder,
    body: &'static str,
) -> axum::http::Response<Body> {
    http_client()
        .request(request.body(Body::from(body)).unwrap())
        .await
        .unwrap()
        .map(Body::new)
}

async fn text(response: axum::http::Response<Body>) -> String {
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX)
        .await
        .unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Returns a body that gives what is sent to the other end, when it is sent.
fn channel() -> (mpsc::UnboundedSender<&'static str>, Body) {
    let (sender, receiver) = mpsc::unbounded_channel::<&'static str>();
    let chunks = stream::unfold(receiver, |mut receiver| async {
        receiver
            .recv()
            .await
            .map(|chunk| (Ok::<_, Infallible>(Bytes::from(chunk)), receiver))
    });
    (sender, Body::from_stream(chunks))
}

#[tokio::test]
async fn a_request_reaches_the_function_as_it_was_sent() {
    let echo = any(|request: Request| async {
        let (parts, body) = request.into_parts();
        let body = String::from_utf8(
            axum::body::to_bytes(body, usize::MAX)
                .await
                .unwrap()
                .to_vec(),
        )
        .unwrap();
        let header = |name: &str| {
            parts
                .headers
                .get(name)
                .map_or("", |value| value.to_str().unwrap())
                .to_owned()
        };
        let status = StatusCode::from_u16(418).unwrap();
        let seen = format!(
            "{} {} {} {} {body}",
            parts.method,
            parts.uri,
            header("authorization"),
            header("te")
        );
        (status, [("x-seen", HeaderValue::from_static("yes"))], seen)
    });
    let url = front_before(Router::new().fallback(echo)).await;
    let request = Request::put(format!("{url}/api/chat/a%20b/stop?x=1"))
        .header("authorization", "Bearer t")
        .header("te", "trailers");
    let response = send(request, "the body").await;
    assert_eq!(response.status().as_u16(), 418);
    assert_eq!(response.headers()["x-seen"], "yes");
    assert_eq!(
        text(response).await,
        "PUT /lambda-url/chat/api/chat/a%20b/stop?x=1 Bearer t  the body"
    );
}

#[tokio::test]
async fn each_chunk_arrives_before_the_next_is_made() {
    let (sender, body) = channel();
    let body = std::sync::Mutex::new(Some(body));
    let body = Arc::new(body);
    let answer = any(move || async move { Response::new(body.lock().unwrap().take().unwrap()) });
    let url = front_before(Router::new().fallback(answer)).await;
    let mut chunks = send(Request::get(format!("{url}/api/chat")), "")
        .await
        .into_body()
        .into_data_stream();
    for chunk in ["one", "two", "three"] {
        sender.send(chunk).unwrap();
        assert_eq!(chunks.next().await.unwrap().unwrap(), chunk);
    }
    drop(sender);
    assert!(chunks.next().await.is_none(), "the end arrives too");
}

#[tokio::test]
async fn a_client_that_leaves_takes_the_request_to_the_function_with_it() {
    let (sender, body) = channel();
    let body = Arc::new(std::sync::Mutex::new(Some(body)));
    let answer = any(move || async move { Response::new(body.lock().unwrap().take().unwrap()) });
    let url = front_before(Router::new().fallback(answer)).await;
    let mut chunks = send(Request::get(format!("{url}/api/chat")), "")
        .await
        .into_body()
        .into_data_stream();
    sender.send("one").unwrap();
    chunks.next().await.unwrap().unwrap();
    drop(chunks);
    let gone = tokio::time::timeout(Duration::from_secs(20), sender.closed()).await;
    assert!(gone.is_ok(), "the function's body is still held");
}

#[tokio::test]
async fn a_dead_function_is_answered_with_502() {
    let url = front_before(Router::new()).await;
    let nowhere = format!("http://127.0.0.1:{}", crate::net::free_port().unwrap());
    let signed_out = Front {
        client: http_client(),
        upstreams: Upstreams {
            chat: nowhere.clone(),
            threads: nowhere,
        },
        engine: Engine::in_memory().await,
        guide: String::new(),
        page: None,
        cookie: HeaderValue::from_static("a=b"),
        hosts: [url.clone(), "front".to_owned()],
    };
    let url = serve(router(Arc::new(signed_out))).await;
    let response = send(
        Request::get(format!("{url}/api/chat")).header("host", "front"),
        "",
    )
    .await;
    assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
    assert!(text(response).await.contains("function_unreachable"));
}

#[tokio::test]
async fn only_this_machine_is_served() {
    let url = front_before(Router::new()).await;
    let table = || Request::get(format!("{url}/dev/table"));
    assert_eq!(
        send(table().header("host", "evil.example"), "")
            .await
            .status(),
        StatusCode::MISDIRECTED_REQUEST
    );
    let local = url.replace("http://127.0.0.1", "localhost");
    let response = send(table().header("host", local), "").await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(text(response).await, "[]");
}

#[tokio::test]
async fn what_says_how_to_use_it_signs_the_browser_in() {
    let url = front_before(Router::new()).await;
    for path in ["/", "/dev"] {
        let response = send(Request::get(format!("{url}{path}")), "").await;
        let cookie = response.headers()["set-cookie"].to_str().unwrap();
        assert!(
            cookie.starts_with("better-auth.session_token="),
            "{path}: {cookie}"
        );
        assert_eq!(
            text(response).await,
            "how to use it",
            "{path}, without the page"
        );
    }
}
