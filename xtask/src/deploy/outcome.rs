//! The text after a deployment: the next steps, or advice on a failure.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::sam::sam;
use super::settings::Settings;
use crate::command;

/// The first failures of a new account, and what to do about each.
pub(crate) const ADVICE: &str = "
The deployment failed; SAM and CloudFormation give the reason above. Most often at first:
  ROLLBACK_COMPLETE             A failed first deployment leaves a stack that can only be deleted, and a table that stays:
                                docs/operations.md, \"A table left by a failed first deployment\".
  ReservedConcurrentExecutions  The account's quota is too small to reserve any of it: leave ReservedConcurrency and
                                ThreadsReservedConcurrency at 0, or ask for more (README's Deploy).";

/// The outputs of the stack, by name.
#[derive(Debug, Default)]
pub(crate) struct Outputs(BTreeMap<String, String>);

#[derive(Deserialize)]
struct Output {
    #[serde(rename = "OutputKey")]
    key: String,
    #[serde(rename = "OutputValue")]
    value: String,
}

impl Outputs {
    /// Reads the outputs of the deployed stack. None are known if that fails, since the stack is
    /// deployed all the same.
    pub(crate) fn read(tools: &Path, settings: &Settings, region: &str) -> Self {
        let mut list = sam(tools);
        list.args([
            "list",
            "stack-outputs",
            "--output",
            "json",
            "--region",
            region,
        ]);
        let listed = command::output(list.args(["--stack-name", &settings.stack_name]));
        listed.map(|json| Self::parse(&json)).unwrap_or_default()
    }

    fn parse(json: &str) -> Self {
        let outputs: Vec<Output> = serde_json::from_str(json).unwrap_or_default();
        Self(
            outputs
                .into_iter()
                .map(|output| (output.key, output.value))
                .collect(),
        )
    }

    fn get(&self, name: &str) -> String {
        self.0
            .get(name)
            .cloned()
            .unwrap_or_else(|| format!("(the output {name} above)"))
    }
}

/// Returns what remains to be done once the stack is deployed.
pub(crate) fn next_steps(outputs: &Outputs) -> String {
    let (chat, threads, table) = (
        outputs.get("ChatUrl"),
        outputs.get("ThreadsUrl"),
        outputs.get("ChatTableName"),
    );
    let chat_base = chat.trim_end_matches('/');
    format!(
        "
Deployed.
  chat      {chat}
  threads   {threads}
  table     {table}

Next, as README's Deploy says:
  sessions  give the web application docs/better-auth/dynamodb-storage.ts, with TABLE_NAME={table}
  page      call the two URLs with a bearer, or serve both under the page's own host
  check     curl -i -X POST {chat_base}/api/chat     answers 401 with {{\"error\":{{\"code\":\"unauthorized\", …"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_steps_name_what_was_deployed() {
        let outputs = Outputs::parse(
            r#"[{"OutputKey":"ChatUrl","OutputValue":"https://c.example/","Description":"x"},
                {"OutputKey":"ChatTableName","OutputValue":"table-1"}]"#,
        );
        let text = next_steps(&outputs);
        assert!(
            text.contains("TABLE_NAME=table-1")
                && text.contains("POST https://c.example/api/chat "),
            "{text}"
        );
        assert!(text.contains("(the output ThreadsUrl above)"), "{text}");
    }

    #[test]
    fn a_deployment_whose_outputs_cannot_be_read_is_deployed_all_the_same() {
        assert!(next_steps(&Outputs::parse("no JSON")).contains("(the output ChatUrl above)"));
    }
}
