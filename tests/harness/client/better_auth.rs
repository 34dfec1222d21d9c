//! The web app that users sign in to: the real better-auth in a Node process (`tests/better-auth`),
//! with its sessions in the function's table.
//!
//! Knows what a browser receives from it, not how the
//! function uses that.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::database::{Engine, TABLE};
use crate::process::node::Node;
use crate::session::SECRET;
use crate::tools;
use crate::wait::within;

/// The configuration of a web app, as far as sessions depend on it. Sites whose configuration
/// differs in more than the clock have users of their own; all share one table.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthSite<'a> {
    /// The public URL; with https the cookies are named `__Secure-…`.
    pub url: &'a str,
    /// The signing secret.
    pub secret: &'a str,
    /// The cookie cache: `off`, `compact`, `jwt`, `jwe`, or `jwt-plugin` (a JWT signed by the
    /// plugin's own key).
    pub cookie_cache: &'a str,
    /// The algorithm of the JWT plugin's key.
    pub algorithm: &'a str,
    /// The number of seconds by which the site's clock is late.
    pub seconds_ago: u64,
}

impl AuthSite<'_> {
    /// A site without cookie cache that shares the function's secret.
    pub const PLAIN: Self = Self {
        url: "https://app.example.com",
        secret: SECRET,
        cookie_cache: "off",
        algorithm: "EdDSA",
        seconds_ago: 0,
    };

    /// Returns the function's environment variables for this site. `jwks` is the response of
    /// `/api/auth/jwks`.
    pub fn variables(&self, jwks: &Value) -> [(&'static str, String); 4] {
        let strategy = if self.cookie_cache == "jwt-plugin" {
            "jwt"
        } else {
            self.cookie_cache
        };
        [
            ("BETTER_AUTH_URL", self.url.to_owned()),
            ("BETTER_AUTH_SECRET", self.secret.to_owned()),
            ("BETTER_AUTH_COOKIE_CACHE", strategy.to_owned()),
            ("BETTER_AUTH_JWKS", jwks.to_string()),
        ]
    }
}

/// The credentials of a user who has signed up or signed in.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Credentials {
    /// The user's id.
    pub user_id: String,
    /// The value of a `Cookie` header with all cookies that the site has set.
    pub cookie: String,
    /// The signed token in `set-auth-token`.
    pub bearer: String,
    /// The JWT plugin's token.
    pub access_token: String,
    /// The public keys of the site.
    pub jwks: Value,
}

/// The process that runs all sites of one table. It ends when dropped.
#[derive(Debug)]
pub struct WebApp(Node);

impl WebApp {
    /// Starts the process; returns `None` if better-auth is not installed.
    pub async fn start(engine: &Engine) -> Result<Option<Self>> {
        let Some(script) = script() else {
            tools::report_skipped("sessions of the real better-auth", "better-auth");
            return Ok(None);
        };
        let mut command = Node::command(script);
        command.env_clear().envs(table(engine)).envs([
            ("BETTER_AUTH_SECRET", AuthSite::PLAIN.secret),
            ("BETTER_AUTH_URL", AuthSite::PLAIN.url),
        ]);
        Ok(Some(Self(Node::start(&mut command)?)))
    }

    /// Signs a new user up.
    pub async fn sign_up(&mut self, site: &AuthSite<'_>, email: &str) -> Result<Credentials> {
        self.ask(site, "sign-up", json!({"email": email})).await
    }

    /// Signs a new user up with this name, which every cookie cache and access token contains.
    pub async fn sign_up_as(
        &mut self,
        site: &AuthSite<'_>,
        email: &str,
        name: &str,
    ) -> Result<Credentials> {
        self.ask(site, "sign-up", json!({"email": email, "name": name}))
            .await
    }

    /// Starts another session of a user.
    pub async fn sign_in(&mut self, site: &AuthSite<'_>, email: &str) -> Result<Credentials> {
        self.ask(site, "sign-in", json!({"email": email})).await
    }

    /// Returns the user whose session better-auth itself finds in these cookies.
    pub async fn authenticate(
        &mut self,
        site: &AuthSite<'_>,
        cookie: &str,
    ) -> Result<Option<String>> {
        let session: Value = self
            .ask(site, "get-session", json!({"cookie": cookie}))
            .await?;
        Ok(session["userId"].as_str().map(str::to_owned))
    }

    /// Ends a session.
    pub async fn sign_out(&mut self, site: &AuthSite<'_>, credentials: &Credentials) -> Result<()> {
        self.ask::<Value>(site, "sign-out", json!({"cookie": credentials.cookie}))
            .await
            .map(drop)
    }

    /// Ends all sessions of a user.
    pub async fn revoke_all(
        &mut self,
        site: &AuthSite<'_>,
        credentials: &Credentials,
    ) -> Result<()> {
        self.ask::<Value>(site, "revoke-all", json!({"cookie": credentials.cookie}))
            .await
            .map(drop)
    }

    async fn ask<A: DeserializeOwned>(
        &mut self,
        site: &AuthSite<'_>,
        what: &str,
        with: Value,
    ) -> Result<A> {
        #[derive(Serialize)]
        struct Request<'a> {
            r#do: &'a str,
            #[serde(flatten)]
            site: &'a AuthSite<'a>,
            #[serde(flatten)]
            with: Value,
        }

        let answer: Value = self
            .0
            .ask(&Request {
                r#do: what,
                site,
                with,
            })
            .await?;
        if let Some(error) = answer["error"].as_str() {
            bail!("{what} on {site:?}: {error}");
        }
        Ok(serde_json::from_value(answer)?)
    }
}

/// Runs a script of `tests/better-auth/package.json` and returns its output; returns `None` if
/// better-auth is not installed.
pub async fn package_script(name: &str, engine: &Engine) -> Result<Option<String>> {
    let Some(script) = script() else {
        tools::report_skipped("the storage adapter for better-auth", "better-auth");
        return Ok(None);
    };
    let run = Command::new(tools::node())
        .args(["--run", name])
        .current_dir(script.parent().context("the script lies in a folder")?)
        .env_clear()
        .env("PATH", path_with(&tools::node())?)
        .envs(table(engine))
        .kill_on_drop(true)
        .output();
    let output = within(name, run).await?.context("node does not start")?;
    let printed = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    ensure!(
        output.status.success(),
        "{name} ended with {}:\n{printed}",
        output.status
    );
    Ok(Some(printed))
}

fn table(engine: &Engine) -> [(&'static str, String); 2] {
    [
        ("DYNAMODB_ENDPOINT", engine.url()),
        ("TABLE_NAME", TABLE.to_owned()),
    ]
}

/// Returns the tester's `PATH`, preceded by the folder of the Node that these tests use.
fn path_with(node: &Path) -> Result<OsString> {
    let own = env::var_os("PATH").unwrap_or_default();
    let folder = node
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .map(Path::to_owned);
    Ok(env::join_paths(
        folder.into_iter().chain(env::split_paths(&own)),
    )?)
}

/// Returns the script of the web app: `SIDEKIQ_BETTER_AUTH`, or the one in `tests/better-auth` if
/// its npm packages are installed.
fn script() -> Option<PathBuf> {
    let named = env::var_os("SIDEKIQ_BETTER_AUTH").filter(|value| !value.is_empty());
    let folder = tools::workspace().join("tests/better-auth");
    let installed = folder.join("node_modules/better-auth").exists();
    named
        .map(PathBuf::from)
        .or_else(|| installed.then(|| folder.join("web-app.mjs")))
}
