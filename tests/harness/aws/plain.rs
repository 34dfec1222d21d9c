//! The function as a plain HTTP server. Reads its address from its log.

use std::path::Path;

use anyhow::Result;

use super::function::{Function, RunMode};
use crate::process::logs::field;
use crate::process::{Process, Variables};

pub(super) async fn start(binary: &Path, variables: &Variables) -> Result<Function> {
    let mut variables = variables.clone();
    variables.insert("PORT".to_owned(), "0".to_owned());
    let process = Process::start::<&str>(binary, &[], &variables)?;
    let address = process.logs.find("the address in the log", |line| {
        field(line, "message").filter(|message| message == "listening")?;
        field(line, "address")
    });
    let url = format!("http://{}", address.await?);
    Ok(Function::new(RunMode::Plain, url, process, &variables))
}
