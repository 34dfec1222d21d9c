//! A real browser, driven by Playwright in `tests/browser/browser.mjs`. It finds elements as a
//! person would, by role and name (`web/README.md` lists them), and waits for them.

mod locator;
pub mod site;

use std::process::Stdio;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Mutex;

pub use self::locator::{File, Locator, alert, answer, button, conversation, textbox};
use crate::session::SignedIn;
use crate::tools;
use crate::wait::within;

/// A running browser with the cookies of one user. It ends when it and all its tabs are dropped.
#[derive(Debug)]
pub struct Browser {
    line: Arc<Mutex<Line>>,
    site: String,
    tabs: u32,
}

/// A tab of the browser.
#[derive(Debug)]
pub struct Tab {
    line: Arc<Mutex<Line>>,
    site: String,
    number: u32,
}

/// The pipe to the Node process. The process is not killed: it ends when its stdin closes, and ends
/// the browser with it.
#[derive(Debug)]
struct Line {
    _process: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Browser {
    /// Starts a browser for the site at `site`; returns `None` if no browser is installed.
    /// Screenshots carry the test's name.
    pub async fn start(site: &str, test: &str) -> Result<Option<Self>> {
        let folder = tools::workspace().join("tests/browser");
        let (Some(chromium), true) = (
            tools::chromium(),
            folder.join("node_modules/playwright-core").exists(),
        ) else {
            tools::report_skipped("tests in a browser", "Chromium with Playwright");
            return Ok(None);
        };
        let mut process = Command::new(tools::node())
            .arg(folder.join("browser.mjs"))
            .arg(chromium)
            .arg(tools::screenshots())
            .arg(test)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("node does not start")?;
        let input = process.stdin.take().context("stdin is piped")?;
        let output = BufReader::new(process.stdout.take().context("stdout is piped")?).lines();
        let line = Arc::new(Mutex::new(Line {
            _process: process,
            input,
            output,
        }));
        Ok(Some(Self {
            line,
            site: site.to_owned(),
            tabs: 0,
        }))
    }

    /// Sets the session cookie of a user, as a sign-in would.
    pub async fn sign_in(&self, who: &SignedIn) -> Result<()> {
        let cookie = who.cookie();
        let (name, value) = cookie.split_once('=').context("a cookie has a name")?;
        let cookie = json!({"name": name, "value": value, "url": self.site, "httpOnly": true, "sameSite": "Lax"});
        self.line
            .lock()
            .await
            .ask(&json!({"act": "cookie", "cookie": cookie}))
            .await
            .map(drop)
    }

    /// Removes all cookies, as a sign-out would.
    pub async fn sign_out(&self) -> Result<()> {
        self.line
            .lock()
            .await
            .ask(&json!({"act": "forget"}))
            .await
            .map(drop)
    }

    /// Opens another tab at the site's address with `fragment`, which is empty or begins with `#`.
    pub async fn open(&mut self, fragment: &str) -> Result<Tab> {
        self.tabs += 1;
        let tab = Tab {
            line: Arc::clone(&self.line),
            site: self.site.clone(),
            number: self.tabs,
        };
        tab.go_to(fragment).await?;
        Ok(tab)
    }

    /// Fails if a script failed or the page's Content-Security-Policy was violated.
    pub async fn ensure_no_faults(&self) -> Result<()> {
        let faults = self
            .line
            .lock()
            .await
            .ask(&json!({"act": "faults"}))
            .await?;
        ensure!(
            faults.as_array().is_some_and(Vec::is_empty),
            "the page is at fault: {faults:#}"
        );
        Ok(())
    }
}

impl Tab {
    /// Loads the site with this fragment.
    pub async fn go_to(&self, fragment: &str) -> Result<()> {
        self.act("open", json!({"url": format!("{}/{fragment}", self.site)}))
            .await
            .map(drop)
    }

    /// Reloads the page.
    pub async fn reload(&self) -> Result<()> {
        self.act("reload", json!({})).await.map(drop)
    }

    /// Brings the tab to the front, as a click on it would.
    pub async fn bring_to_front(&self) -> Result<()> {
        self.act("front", json!({})).await.map(drop)
    }

    /// Moves the pointer over an element, which may reveal more of it.
    pub async fn hover(&self, place: &Locator) -> Result<()> {
        self.act("hover", json!({"place": place})).await.map(drop)
    }

    /// Clicks an element as soon as it is clickable.
    pub async fn click(&self, place: &Locator) -> Result<()> {
        self.act("click", json!({"place": place})).await.map(drop)
    }

    /// Replaces the content of a text box.
    pub async fn write(&self, place: &Locator, text: &str) -> Result<()> {
        self.act("fill", json!({"place": place, "text": text}))
            .await
            .map(drop)
    }

    /// Chooses a file in a file field.
    pub async fn attach(&self, place: &Locator, file: &File<'_>) -> Result<()> {
        self.act("attach", json!({"place": place, "file": file}))
            .await
            .map(drop)
    }

    /// Chooses an option of a list by its value.
    pub async fn choose(&self, place: &Locator, option: &str) -> Result<()> {
        self.act("choose", json!({"place": place, "option": option}))
            .await
            .map(drop)
    }

    /// Presses a key on whatever element has the focus.
    pub async fn press_key(&self, key: &str) -> Result<()> {
        self.act("strike", json!({"key": key})).await.map(drop)
    }

    /// Types a text into whatever element has the focus.
    pub async fn type_text(&self, text: &str) -> Result<()> {
        self.act("type", json!({"text": text})).await.map(drop)
    }

    /// Waits until an element has the focus.
    pub async fn wait_for_focus(&self, place: &Locator) -> Result<()> {
        self.act("focused", json!({"place": place})).await.map(drop)
    }

    /// Presses Tab until an element has the focus.
    ///
    /// # Errors
    ///
    /// Fails if the keyboard does not lead to the element.
    pub async fn tab_to(&self, place: &Locator) -> Result<()> {
        self.act("tab to", json!({"place": place})).await.map(drop)
    }

    /// Presses a key on `place`, which receives the focus first.
    pub async fn press(&self, place: &Locator, key: &str) -> Result<()> {
        self.act("press", json!({"place": place, "key": key}))
            .await
            .map(drop)
    }

    /// Writes a message and sends it.
    pub async fn send(&self, text: &str) -> Result<()> {
        self.write(&textbox("Message"), text).await?;
        self.click(&button("Send")).await
    }

    /// Waits until an element is visible.
    pub async fn wait_for(&self, place: &Locator) -> Result<()> {
        self.act("sees", json!({"place": place})).await.map(drop)
    }

    /// Waits until an element is gone.
    pub async fn wait_until_gone(&self, place: &Locator) -> Result<()> {
        self.act("misses", json!({"place": place})).await.map(drop)
    }

    /// Waits until the conversation consists of exactly these lines: alternately the first line of
    /// a question and the first line of its answer.
    pub async fn wait_for_conversation(&self, lines: &[&str]) -> Result<()> {
        let who = ["You", "Assistant"].into_iter().cycle();
        let messages: Vec<_> = who
            .zip(lines)
            .map(|(who, line)| [who, line.trim()])
            .collect();
        self.act("reads", json!({"messages": messages}))
            .await
            .map(drop)
    }

    /// Returns the content of a text box or the chosen option of a list.
    pub async fn value(&self, place: &Locator) -> Result<String> {
        let value = self.act("value", json!({"place": place})).await?;
        Ok(value.as_str().context("a value is text")?.to_owned())
    }

    /// Returns the id of the conversation in the address.
    pub async fn thread(&self) -> Result<String> {
        let address = self.act("address", Value::Null).await?;
        let thread = address
            .as_str()
            .and_then(|address| address.split_once("#/t/"));
        Ok(thread
            .with_context(|| format!("{address} names no conversation"))?
            .1
            .to_owned())
    }

    /// Saves a screenshot in the folder for screenshots.
    pub async fn take_screenshot(&self, name: &str) -> Result<()> {
        self.act("picture", json!({"name": name})).await.map(drop)
    }

    /// Resizes the window, in pixels.
    pub async fn resize(&self, width: u32, height: u32) -> Result<()> {
        self.act("size", json!({"width": width, "height": height}))
            .await
            .map(drop)
    }

    /// Emulates a system preference for the `light` or `dark` color scheme.
    pub async fn set_color_scheme(&self, scheme: &str) -> Result<()> {
        self.act("colours", json!({"scheme": scheme}))
            .await
            .map(drop)
    }

    /// Emulates a system preference for reduced motion, which is the initial state, or for none.
    pub async fn set_reduced_motion(&self, less: bool) -> Result<()> {
        self.act(
            "motion",
            json!({"motion": if less { "reduce" } else { "no-preference" }}),
        )
        .await
        .map(drop)
    }

    /// Returns `true` if anything on the page is in motion.
    pub async fn is_moving(&self) -> Result<bool> {
        self.act("moves", Value::Null)
            .await?
            .as_bool()
            .context("yes or no")
    }

    /// Fails if the accessibility engine finds a violation of WCAG's rules, in the dark or in the
    /// light color scheme.
    pub async fn ensure_accessible(&self, what: &str) -> Result<()> {
        for scheme in ["dark", "light"] {
            self.set_color_scheme(scheme).await?;
            let found = self.act("audit", Value::Null).await?;
            ensure!(
                found.as_array().is_some_and(Vec::is_empty),
                "{what}, {scheme}: {found:#}"
            );
        }
        Ok(())
    }

    async fn act(&self, act: &str, with: Value) -> Result<Value> {
        let mut command = json!({"tab": self.number, "act": act});
        for (name, value) in with.as_object().into_iter().flatten() {
            command[name] = value.clone();
        }
        self.line.lock().await.ask(&command).await
    }
}

impl Line {
    async fn ask(&mut self, command: &Value) -> Result<Value> {
        self.input
            .write_all(format!("{command}\n").as_bytes())
            .await?;
        self.input.flush().await?;
        let line = within("the browser", self.output.next_line())
            .await??
            .context("the browser has ended")?;
        let answer: Value =
            serde_json::from_str(&line).with_context(|| format!("not from the browser: {line}"))?;
        match answer["failed"].as_str() {
            Some(failed) => bail!("{failed}"),
            None => Ok(answer["done"].clone()),
        }
    }
}
