//! A gateway for tests, on a real socket: each connection goes as its script says.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use url::Url;

/// The head of an answer that streams.
pub(crate) const STREAM: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
/// The end of one.
pub(crate) const LAST: &str = "0\r\n\r\n";

/// The steps of a connection, which is closed after the last one.
pub(crate) enum Step {
    /// A request is read.
    Read,
    /// These bytes are sent.
    Send(String),
    /// Silence, until the client leaves.
    Hang,
}

/// The gateway. It ends when it is dropped.
pub(crate) struct Scripted {
    pub(crate) base: Url,
    requests: UnboundedReceiver<String>,
    departures: UnboundedReceiver<()>,
    _task: JoinSet<()>,
}

impl Scripted {
    /// Serves one connection after the other; there is none beyond the scripts.
    pub(crate) async fn start(scripts: Vec<Vec<Step>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = Url::parse(&format!("http://{}/v4/ai", listener.local_addr().unwrap())).unwrap();
        let (request_sender, requests) = unbounded_channel();
        let (departure_sender, departures) = unbounded_channel();
        let mut task = JoinSet::new();
        task.spawn(async move {
            for script in scripts {
                let (connection, _) = listener.accept().await.unwrap();
                play(connection, script, &request_sender, &departure_sender).await;
            }
        });
        Self {
            base,
            requests,
            departures,
            _task: task,
        }
    }

    /// Starts a server that sends one of `answers`, unchanged, on each connection.
    pub(crate) async fn answering(answers: impl IntoIterator<Item = String>) -> Self {
        let script = |answer| vec![Step::Read, Step::Send(answer)];
        Self::start(answers.into_iter().map(script).collect()).await
    }

    /// Returns the requests so far.
    pub(crate) fn requests(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.requests.try_recv().ok()).collect()
    }

    /// Waits for the client to leave a connection that hangs.
    pub(crate) async fn departure(&mut self) {
        self.departures.recv().await.unwrap();
    }
}

/// Returns `data` as one chunk of a chunked answer.
pub(crate) fn chunk(data: &str) -> String {
    format!("{:x}\r\n{data}\r\n", data.len())
}

/// Returns a refusal with `headers`, each of which ends its line.
pub(crate) fn refusal(status: u16, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} No\r\n{headers}connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

async fn play(
    mut connection: TcpStream,
    script: Vec<Step>,
    requests: &UnboundedSender<String>,
    departures: &UnboundedSender<()>,
) {
    for step in script {
        match step {
            Step::Read => requests.send(read_request(&mut connection).await).unwrap(),
            // The client may have left already.
            Step::Send(bytes) => drop(connection.write_all(bytes.as_bytes()).await),
            Step::Hang => {
                let mut rest = [0; 1024];
                while connection.read(&mut rest).await.is_ok_and(|read| read > 0) {}
                departures.send(()).unwrap();
            }
        }
    }
}

async fn read_request(connection: &mut TcpStream) -> String {
    let mut request = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&request);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .unwrap();
            if body.len() == length.parse::<usize>().unwrap() {
                return text.into_owned();
            }
        }
        let mut piece = [0; 4096];
        let read = connection.read(&mut piece).await.unwrap();
        assert!(read > 0, "the client left in the middle of its request");
        request.extend_from_slice(&piece[..read]);
    }
}
