use std::path::Path;

use http::Request;
use serde_json::json;

use super::*;
use crate::http_client;
use crate::wait::poll_until_some;

fn process_state(pid: Pid) -> String {
    let status = std::fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).unwrap();
    status
        .lines()
        .find_map(|line| line.strip_prefix("State:"))
        .unwrap()
        .trim()
        .chars()
        .take(1)
        .collect()
}

async fn poll(api: &RuntimeApi) -> Result<http_client::Response> {
    let uri = format!(
        "http://{}/2018-06-01/runtime/invocation/next",
        api.address()
    );
    http_client::fetch(Request::get(uri).body(Bytes::new())?).await
}

#[tokio::test]
async fn the_process_is_stopped_once_all_workers_wait_and_goes_on_with_the_next_event() {
    let api = RuntimeApi::start(2).await.unwrap();
    let process = Process::start(Path::new("/bin/sleep"), &["100"], &Variables::new()).unwrap();
    api.attach(process.pid());
    let state = |wanted: &'static str| {
        let pid = process.pid();
        poll_until_some("the process's state", move || {
            (process_state(pid) == wanted).then_some(())
        })
    };

    let uri = format!(
        "http://{}/2018-06-01/runtime/invocation/next",
        api.address()
    );
    let first = http_client::send(Request::get(uri).body(Bytes::new()).unwrap())
        .await
        .unwrap();
    poll_until_some("one worker", || {
        (api.shared.state().waiting == 1).then_some(())
    })
    .await
    .unwrap();
    assert!(!*api.shared.frozen.borrow());
    let (second, ()) = tokio::join!(poll(&api), async {
        api.wait_until_frozen().await.unwrap();
        state("T").await.unwrap();
        drop(api.invoke(&json!({"a": 1})));
        state("S").await.unwrap();
        assert!(!*api.shared.frozen.borrow());
        drop(api.invoke(&json!({"a": 2})));
    });
    let answers = [first.head().await.unwrap(), second.unwrap()];
    let ids: Vec<_> = answers
        .iter()
        .map(|answer| answer.header("lambda-runtime-aws-request-id").to_owned())
        .collect();
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn a_response_is_read_as_planned() {
    for (name, reading, expected) in [
        ("complete", Reading::Complete, Outcome::Complete),
        ("early 202", Reading::Answer(202, 1), Outcome::Complete),
        (
            "early 413",
            Reading::AnswerAndClose(413, 1),
            Outcome::GivenUp,
        ),
        ("closed", Reading::Close(1), Outcome::GivenUp),
        ("reset", Reading::Reset(1), Outcome::GivenUp),
    ] {
        let api = RuntimeApi::start(1).await.unwrap();
        api.next_reading(reading);
        let mut invocation = api.invoke(&json!({}));
        let id = poll(&api)
            .await
            .unwrap()
            .header("lambda-runtime-aws-request-id")
            .to_owned();
        let uri = format!(
            "http://{}/2018-06-01/runtime/invocation/{id}/response",
            api.address()
        );
        let body =
            Bytes::from_static(b"{\"statusCode\":200}\0\0\0\0\0\0\0\0data: 1\n\ndata: 2\n\n");
        let request = Request::post(uri)
            .header("transfer-encoding", "chunked")
            .header("lambda-runtime-function-response-mode", "streaming")
            .body(body)
            .unwrap();
        let answered = http_client::fetch(request).await;
        assert_eq!(
            answered.is_ok(),
            !matches!(reading, Reading::Close(_) | Reading::Reset(_)),
            "{name}"
        );
        assert_eq!(
            within("prelude", invocation.prelude())
                .await
                .unwrap()
                .unwrap()["statusCode"],
            200,
            "{name}"
        );
        assert_eq!(
            invocation.next_piece().await.unwrap(),
            "data: 1\n\ndata: 2\n\n",
            "{name}"
        );
        assert_eq!(invocation.outcome().await.unwrap(), expected, "{name}");
    }
}
