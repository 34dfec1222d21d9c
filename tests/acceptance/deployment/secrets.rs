//! Secrets that are kept in the SSM Parameter Store.

use std::sync::{Arc, Mutex};

use acceptance::aws::Function;
use acceptance::client::requests::turn_request;
use acceptance::http_client::fetch;
use acceptance::process::binary::chat_binary;
use acceptance::process::{Process, Variables};
use acceptance::session;
use acceptance::wire::Connection;
use acceptance::world::{API_KEY, World};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A fake SSM with fixed parameters. It answers `GetParameters` and records the requests.
struct ParameterStore {
    url: String,
    requests: Arc<Mutex<Vec<Value>>>,
}

impl ParameterStore {
    async fn start(parameters: &[(&'static str, &'static str)]) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (parameters, log) = (parameters.to_vec(), Arc::clone(&requests));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if let Ok(connection) = Connection::new(stream) {
                    // A client that disconnects ends only its own connection.
                    let _ = serve(connection, &parameters, &log).await;
                }
            }
        });
        Ok(Self { url, requests })
    }

    fn requests(&self) -> Vec<Value> {
        self.requests
            .lock()
            .map(|requests| requests.clone())
            .unwrap_or_default()
    }

    fn variables(&self, world: &World) -> Variables {
        let mut variables = world.variables_with(&[
            ("AWS_ENDPOINT_URL_SSM", &self.url),
            ("AI_GATEWAY_API_KEY_SSM", "/sidekiq/ai-gateway-api-key"),
            ("BETTER_AUTH_SECRET_SSM", "/sidekiq/better-auth-secret"),
            ("PORT", "0"),
        ]);
        variables.remove("AI_GATEWAY_API_KEY");
        variables.remove("BETTER_AUTH_SECRET");
        variables
    }
}

async fn serve(
    mut connection: Connection,
    parameters: &[(&str, &str)],
    requests: &Mutex<Vec<Value>>,
) -> Result<()> {
    while let Some(head) = connection.read_head().await? {
        let request: Value = serde_json::from_slice(&connection.read_body(&head).await?)?;
        let wanted: Vec<&str> = request["Names"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let known = parameters.iter().filter(|(name, _)| wanted.contains(name));
        let found: Vec<Value> = known
            .map(|(name, value)| json!({"Name": name, "Type": "SecureString", "Value": value}))
            .collect();
        requests
            .lock()
            .map_err(|_| anyhow::anyhow!("poisoned"))?
            .push(request.clone());
        let body = json!({"Parameters": found, "InvalidParameters": []}).to_string();
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.1\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        connection.write(answer.as_bytes()).await?;
    }
    Ok(())
}

#[tokio::test]
async fn both_secrets_are_fetched_and_decrypted_in_one_call() -> Result<()> {
    let world = World::new().await?;
    let kept = [
        ("/sidekiq/ai-gateway-api-key", API_KEY),
        ("/sidekiq/better-auth-secret", session::SECRET),
    ];
    let parameters = ParameterStore::start(&kept).await?;
    let function = Function::start_plain(&parameters.variables(&world)).await?;
    let alice = world.sign_in("alice").await?;

    let answer = fetch(turn_request(&function, &alice, "t1", "m1")?).await?;
    ensure!(
        answer.status == 200,
        "the session's signature counts: {}",
        answer.status
    );
    ensure!(answer.bytes().await?.ends_with(b"data: [DONE]\n\n"));
    let call = world.gateway.call(0).await?;
    ensure!(call.head.header("authorization") == Some(format!("Bearer {API_KEY}").as_str()));

    let requests = parameters.requests();
    ensure!(requests.len() == 1, "{requests:?}");
    ensure!(requests[0]["WithDecryption"] == true, "{requests:?}");
    function.stop().await
}

#[tokio::test]
async fn a_missing_secret_is_named() -> Result<()> {
    let world = World::new().await?;
    let parameters = ParameterStore::start(&[("/sidekiq/ai-gateway-api-key", API_KEY)]).await?;
    let binary = chat_binary().await?;
    let mut process = Process::start::<&str>(&binary, &[], &parameters.variables(&world))?;
    ensure!(!process.exit().await?.success());
    let lines = process.logs.complete().await?;
    let last = lines.last().context("the log is empty")?;
    ensure!(
        last.contains("BETTER_AUTH_SECRET_SSM names")
            && last.contains("/sidekiq/better-auth-secret"),
        "{last}"
    );
    process.logs.ensure_clean(&[API_KEY.to_owned()])
}
