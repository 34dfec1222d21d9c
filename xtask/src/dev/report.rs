//! The report of `cargo xtask dev` for people and programs, once everything runs.

use std::path::Path;

use anyhow::Result;
use serde_json::json;

use super::demo_user::{DemoUser, USER_ID};
use super::engine::{Engine, TABLE_NAME};
use super::function::Plan;
use super::gateway::Gateway;

/// Everything there is to tell.
pub(crate) struct Report<'run> {
    pub(crate) url: &'run str,
    pub(crate) has_page: bool,
    /// It was wanted, and could not be had.
    pub(crate) misses_page: bool,
    pub(crate) engine: &'run Engine,
    pub(crate) gateway: &'run Gateway,
    pub(crate) user: &'run DemoUser,
    pub(crate) plan: &'run Plan,
    pub(crate) logs: &'run Path,
}

impl Report<'_> {
    /// Prints instructions, or with `as_json` one line that a program reads.
    ///
    /// # Errors
    /// JSON cannot be written.
    pub(crate) fn print(&self, as_json: bool) -> Result<()> {
        if as_json {
            println!("{}", serde_json::to_string(&self.json())?);
        } else {
            println!("{}", self.text());
        }
        Ok(())
    }

    fn json(&self) -> serde_json::Value {
        json!({
            "url": self.url,
            "page": self.has_page.then_some(self.url),
            "chat": format!("{}/api/chat", self.url),
            "table": format!("{}/dev/table", self.url),
            "cookie": self.user.cookie(),
            "bearer": self.user.bearer(),
            "userId": USER_ID,
            "curl": curl(self.url, self.user),
            "simulated": self.gateway.is_simulated(),
            "emulated": matches!(self.plan, Plan::Emulated { .. }),
            "tableName": TABLE_NAME,
            "dynamodb": self.engine.endpoint(),
            "functionLogs": self.logs,
        })
    }

    fn text(&self) -> String {
        let page = match (self.has_page, self.misses_page) {
            (true, _) => format!("Open {} and chat.\n\n", self.url),
            (false, true) => {
                "There is no page this time; the warning above says why.\n\n".to_owned()
            }
            (false, false) => String::new(),
        };
        format!(
            "\n{page}The chat backend runs at {url}\n\n  functions {plan}, logs in {logs}\n  gateway   {gateway}\n  database  \
             {endpoint}, table {TABLE_NAME}\n  signed in {USER_ID}\n\nTry it:\n\n{curl}\n\nThen look at what was stored: \
             curl -s {url}/dev/table\n\nCtrl-C ends everything.\n",
            url = self.url,
            plan = self.plan.describe(),
            logs = self.logs.display(),
            gateway = self.gateway.describe(),
            endpoint = self.engine.endpoint(),
            curl = curl(self.url, self.user),
        )
    }
}

/// Returns the page at `/dev`, and at `/` where there is no chat page.
pub(crate) fn guide(url: &str, gateway: &Gateway, user: &DemoUser) -> String {
    format!(
        "The chat backend on this machine.\n\nGateway: {gateway}\n\nA page with useChat takes {url}/api/chat as its \
         `api`; this visit has signed your browser in as {USER_ID}.\n\nFrom a terminal:\n\n{curl}\n\nWhat is stored: \
         {url}/dev/table\n",
        gateway = gateway.describe(),
        curl = curl(url, user),
    )
}

/// Returns a line for any shell that holds one turn. The shell makes a new message id each time:
/// the same id again would be a retry, and the question would not be stored again.
fn curl(url: &str, user: &DemoUser) -> String {
    format!(
        "curl -N {url}/api/chat -H 'content-type: application/json' -H 'authorization: Bearer {bearer}' -d \
         '{{\"threadId\":\"demo\",\"messages\":[{{\"id\":\"m-'$(date +%s)'\",\"role\":\"user\",\"parts\":[{{\"type\":\"text\",\
         \"text\":\"Hello, who is there?\"}}]}}]}}'",
        bearer = user.bearer(),
    )
}
