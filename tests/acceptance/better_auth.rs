//! Users signed in at the real better-auth: they may chat with a cookie, a bearer token or an
//! access token while it is valid, and a credential that is complete in itself costs no read of the
//! table.

use std::collections::BTreeSet;

use acceptance::aws::{Function, RunMode};
use acceptance::client::better_auth::{AuthSite, Credentials, WebApp, package_script};
use acceptance::client::requests::turn_body;
use acceptance::database::Operation;
use acceptance::http_client::fetch;
use acceptance::process::Variables;
use acceptance::process::logs::field;
use acceptance::session::SignedIn;
use acceptance::wait::poll_until_some;
use acceptance::world::World;
use anyhow::{Context, Result, ensure};
use http::Request;
use serde_json::{Value, json};

/// A function configured for one site.
struct Backend<'a> {
    world: &'a World,
    function: Function,
    site: AuthSite<'a>,
}

/// The outcome of a request, with the number of reads of the session.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Answered { reads: usize },
    Refused { reads: usize },
}

use Outcome::{Answered, Refused};

impl<'a> Backend<'a> {
    async fn start_default(world: &'a World, site: AuthSite<'a>, jwks: &Value) -> Result<Self> {
        Ok(Self {
            world,
            function: Function::start_plain(&variables_for(world, &site, jwks)).await?,
            site,
        })
    }

    async fn start_with_revocation_check(
        world: &'a World,
        site: AuthSite<'a>,
        jwks: &Value,
    ) -> Result<Self> {
        let mut variables = variables_for(world, &site, jwks);
        variables.insert("BETTER_AUTH_CHECK_REVOCATION".to_owned(), "true".to_owned());
        Ok(Self {
            world,
            function: Function::start_plain(&variables).await?,
            site,
        })
    }

    async fn chat_by_cookie(&self, credentials: &Credentials) -> Result<Outcome> {
        self.chat_with(credentials, &[("cookie", &credentials.cookie)])
            .await
            .context("by cookie")
    }

    async fn chat_by_bearer(&self, credentials: &Credentials) -> Result<Outcome> {
        self.chat_with(
            credentials,
            &[("authorization", &format!("Bearer {}", credentials.bearer))],
        )
        .await
        .context("by bearer")
    }

    async fn chat_by_access_token(&self, credentials: &Credentials) -> Result<Outcome> {
        let authorization = format!("Bearer {}", credentials.access_token);
        self.chat_with(credentials, &[("authorization", &authorization)])
            .await
            .context("by access token")
    }

    /// Sends a question with these headers and reads the complete answer. If it is not refused, the
    /// turn has to belong to this user.
    async fn chat_with(
        &self,
        credentials: &Credentials,
        headers: &[(&str, &str)],
    ) -> Result<Outcome> {
        let thread = format!("t{}", self.world.gateway.calls().len());
        let mut request = Request::post(self.function.chat_url())
            .header("content-type", "application/json")
            .header("origin", self.site.url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let before = self.world.engine.operations().len();
        let answer = fetch(request.body(turn_body(&thread, "m1").to_string().into())?).await?;
        if answer.status != 200 {
            ensure!(answer.status == 401, "status {}", answer.status);
            let body = answer.json().await?;
            ensure!(body["error"]["code"] == "unauthorized", "{body}");
            return Ok(Refused {
                reads: self.reads_since(before)?,
            });
        }
        answer.transcript().await?;
        self.world
            .ensure_complete_answer(&SignedIn::new(&credentials.user_id), &thread)
            .await?;
        Ok(Answered {
            reads: self.reads_since(before)?,
        })
    }

    fn reads_since(&self, before: usize) -> Result<usize> {
        let operations = self.world.engine.operations();
        let about_sessions: Vec<&Operation> = operations[before..]
            .iter()
            .filter(|one| one.body.contains("BA#"))
            .collect();
        ensure!(
            about_sessions.iter().all(|one| one.name == "GetItem"),
            "more than read: {about_sessions:?}"
        );
        Ok(about_sessions.len())
    }

    /// Returns the logged reasons of all refusals so far, in order.
    async fn wait_for_refusals(&self, count: usize) -> Result<Vec<String>> {
        let refusal = |line: &String| {
            field(line, "message").filter(|message| message == "a request was refused")?;
            field(line, "error")
        };
        let refusals = || {
            Some(
                self.function
                    .process
                    .logs
                    .lines()
                    .iter()
                    .filter_map(refusal)
                    .collect(),
            )
        };
        let enough = || refusals().filter(|all: &Vec<String>| all.len() >= count);
        poll_until_some("the refusals in the log", enough).await
    }

    async fn stop(self) -> Result<()> {
        self.function.stop().await
    }
}

fn variables_for(world: &World, site: &AuthSite<'_>, jwks: &Value) -> Variables {
    let mut variables = world.variables();
    variables.extend(
        site.variables(jwks)
            .map(|(name, value)| (name.to_owned(), value)),
    );
    variables
}

async fn start_web_app() -> Result<Option<(World, WebApp)>> {
    let world = World::new().await?;
    let web_app = WebApp::start(&world.engine).await?;
    Ok(web_app.map(|web_app| (world, web_app)))
}

const MINUTE: u64 = 60;
const DAY: u64 = 24 * 60 * MINUTE;

const CACHES: [&str; 4] = ["compact", "jwt", "jwe", "jwt-plugin"];

fn site_with_cache(cookie_cache: &'static str) -> AuthSite<'static> {
    AuthSite {
        cookie_cache,
        ..AuthSite::PLAIN
    }
}

#[tokio::test]
async fn a_user_of_the_real_better_auth_can_chat_by_cookie_bearer_and_access_token() -> Result<()> {
    let Some((world, mut web_app)) = start_web_app().await? else {
        return Ok(());
    };
    for (cookie_cache, algorithm, url, reads) in [
        ("off", "EdDSA", "http://localhost:3000", 1),
        ("compact", "ES256", "https://app.example.com", 0),
        ("jwt", "ES512", "https://app.example.com", 0),
        ("jwe", "RS256", "http://localhost:3000", 0),
        ("jwt-plugin", "PS256", "https://app.example.com", 0),
    ] {
        let site = AuthSite {
            cookie_cache,
            algorithm,
            url,
            ..AuthSite::PLAIN
        };
        let ann = web_app.sign_up(&site, "ann@example.test").await?;
        let backend = Backend::start_default(&world, site, &ann.jwks).await?;
        ensure!(
            ann.cookie.contains("__Secure-") == url.starts_with("https:"),
            "{site:?}: {}",
            ann.cookie
        );
        ensure!(
            ann.cookie.contains("session_data=") == (reads == 0),
            "{site:?}: {}",
            ann.cookie
        );
        let outcomes = [
            ("cookie", backend.chat_by_cookie(&ann).await?, reads),
            ("bearer", backend.chat_by_bearer(&ann).await?, 1),
            ("access token", backend.chat_by_access_token(&ann).await?, 0),
        ];
        for (by, outcome, reads) in outcomes {
            ensure!(outcome == Answered { reads }, "{site:?}, {by}: {outcome:?}");
        }
        backend.stop().await.with_context(|| format!("{site:?}"))?;
    }
    Ok(())
}

#[tokio::test]
async fn the_session_is_found_among_all_cookies_of_a_browser() -> Result<()> {
    let Some((world, mut web_app)) = start_web_app().await? else {
        return Ok(());
    };
    for (cookie_cache, mode) in [
        ("compact", RunMode::Plain),
        ("jwt", RunMode::RuntimeApi),
        ("jwe", RunMode::RuntimeApi),
        ("jwt-plugin", RunMode::Plain),
    ] {
        let site = site_with_cache(cookie_cache);
        // Too long for one cookie, so better-auth splits it.
        let ann = web_app
            .sign_up_as(&site, "ann@example.test", &"Zoë ".repeat(1000))
            .await?;
        let crumbs: Vec<&str> = ann.cookie.split("; ").collect();
        let pieces = crumbs
            .iter()
            .filter(|crumb| crumb.contains(".session_data."))
            .count();
        ensure!(
            pieces >= 2,
            "{cookie_cache}: {pieces} pieces in {} cookies",
            crumbs.len()
        );

        let among = format!(
            r#"theme=dark; _ga=GA1.1.7.8; {}; prefs="a=b"; better-auth.session_token=x"#,
            ann.cookie
        );
        let last_first: Vec<_> = crumbs
            .iter()
            .rev()
            .map(|crumb| ("cookie", *crumb))
            .collect();
        let torn: Vec<_> = crumbs
            .iter()
            .filter(|crumb| !crumb.contains(".session_data.1="))
            .map(|crumb| ("cookie", *crumb))
            .collect();
        let function = Function::start(mode, &variables_for(&world, &site, &ann.jwks)).await?;
        let backend = Backend {
            world: &world,
            function: function.context("it needs nothing")?,
            site,
        };
        for (name, headers, reads) in [
            ("among others", [("cookie", among.as_str())].as_slice(), 0),
            ("a header each, the last first", &last_first, 0),
            ("with a piece missing", &torn, 1),
        ] {
            let outcome = backend.chat_with(&ann, headers).await?;
            ensure!(
                outcome == Answered { reads },
                "{cookie_cache}, {mode:?}, {name}: {outcome:?}"
            );
        }
        backend.stop().await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_expired_cookie_cache_leads_to_one_session_read() -> Result<()> {
    let Some((world, mut web_app)) = start_web_app().await? else {
        return Ok(());
    };
    for cookie_cache in CACHES {
        let site = site_with_cache(cookie_cache);
        let ann = web_app.sign_up(&site, "ann@example.test").await?;
        let backend = Backend::start_default(&world, site, &ann.jwks).await?;
        // The cache is valid for 5 minutes.
        for (seconds_ago, reads) in [(2 * MINUTE, 0), (6 * MINUTE, 1)] {
            let then = AuthSite {
                seconds_ago,
                ..site
            };
            let ann = web_app.sign_in(&then, "ann@example.test").await?;
            let outcome = backend.chat_by_cookie(&ann).await?;
            ensure!(outcome == Answered { reads }, "{then:?}: {outcome:?}");
        }
        backend.stop().await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_expired_session_or_access_token_is_refused() -> Result<()> {
    let Some((world, mut web_app)) = start_web_app().await? else {
        return Ok(());
    };
    let site = site_with_cache("compact");
    let ann = web_app.sign_up(&site, "ann@example.test").await?;
    let backend = Backend::start_default(&world, site, &ann.jwks).await?;
    // A session is valid for 7 days, an access token for 15 minutes.
    for (seconds_ago, session, access_token) in [
        (10 * MINUTE, Answered { reads: 1 }, Answered { reads: 0 }),
        (16 * MINUTE, Answered { reads: 1 }, Refused { reads: 0 }),
        (6 * DAY, Answered { reads: 1 }, Refused { reads: 0 }),
        // A session that was not found is read once more, consistently.
        (8 * DAY, Refused { reads: 2 }, Refused { reads: 0 }),
    ] {
        let ann = web_app
            .sign_in(
                &AuthSite {
                    seconds_ago,
                    ..site
                },
                "ann@example.test",
            )
            .await?;
        let says = web_app.authenticate(&site, &ann.cookie).await?.is_some();
        ensure!(
            says == matches!(session, Answered { .. }),
            "{seconds_ago} s ago: better-auth says {says}"
        );
        for (by, outcome, expected) in [
            ("cookie", backend.chat_by_cookie(&ann).await?, &session),
            ("bearer", backend.chat_by_bearer(&ann).await?, &session),
            (
                "access token",
                backend.chat_by_access_token(&ann).await?,
                &access_token,
            ),
        ] {
            ensure!(
                outcome == *expected,
                "{seconds_ago} s ago, by {by}: {outcome:?}"
            );
        }
    }
    backend.stop().await
}

#[tokio::test]
async fn a_signed_out_user_is_refused_once_no_self_contained_credential_is_valid() -> Result<()> {
    let Some((world, mut web_app)) = start_web_app().await? else {
        return Ok(());
    };
    for (cookie_cache, by_cookie) in [
        ("off", Refused { reads: 2 }),
        ("compact", Answered { reads: 0 }),
    ] {
        let site = site_with_cache(cookie_cache);
        let ann = web_app.sign_up(&site, "ann@example.test").await?;
        let elsewhere = web_app.sign_in(&site, "ann@example.test").await?;
        let backend = Backend::start_default(&world, site, &ann.jwks).await?;
        web_app.sign_out(&site, &ann).await?;

        let says = web_app.authenticate(&site, &ann.cookie).await?;
        ensure!(
            says.is_some() == matches!(by_cookie, Answered { .. }),
            "{site:?}: better-auth says {says:?}"
        );
        let token = ann
            .cookie
            .split("; ")
            .find(|crumb| crumb.contains("session_token="))
            .context("a token")?;
        for (by, outcome, expected) in [
            ("cookies", backend.chat_by_cookie(&ann).await?, by_cookie),
            (
                "the token's cookie",
                backend.chat_with(&ann, &[("cookie", token)]).await?,
                Refused { reads: 2 },
            ),
            (
                "bearer",
                backend.chat_by_bearer(&ann).await?,
                Refused { reads: 2 },
            ),
            (
                "access token",
                backend.chat_by_access_token(&ann).await?,
                Answered { reads: 0 },
            ),
            (
                "another session",
                backend.chat_by_bearer(&elsewhere).await?,
                Answered { reads: 1 },
            ),
        ] {
            ensure!(outcome == expected, "{site:?}, {by}: {outcome:?}");
        }
        backend.stop().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_user_with_revoked_sessions_is_refused_by_a_function_that_checks_revocation() -> Result<()>
{
    let Some((world, mut web_app)) = start_web_app().await? else {
        return Ok(());
    };
    let site = site_with_cache("compact");
    let (begun, revoked) = (
        AuthSite {
            seconds_ago: 120,
            ..site
        },
        AuthSite {
            seconds_ago: 60,
            ..site
        },
    );
    let ann = web_app.sign_up(&begun, "ann@example.test").await?;
    let elsewhere = web_app.sign_in(&begun, "ann@example.test").await?;
    let lax = Backend::start_default(&world, site, &ann.jwks).await?;
    let strict = Backend::start_with_revocation_check(&world, site, &ann.jwks).await?;
    // Each time the one or two reads of the session, and two that look for a revocation and find
    // none.
    ensure!(
        strict.chat_by_cookie(&ann).await? == Answered { reads: 2 },
        "before, by cookie"
    );
    ensure!(
        strict.chat_by_bearer(&ann).await? == Answered { reads: 3 },
        "before, by bearer"
    );
    ensure!(
        strict.chat_by_access_token(&ann).await? == Answered { reads: 2 },
        "before, by access token"
    );

    web_app.revoke_all(&revoked, &ann).await?;
    for credentials in [&ann, &elsewhere] {
        ensure!(
            strict.chat_by_cookie(credentials).await? == Refused { reads: 1 },
            "by cookie"
        );
        ensure!(
            strict.chat_by_bearer(credentials).await? == Refused { reads: 2 },
            "by bearer"
        );
        ensure!(
            strict.chat_by_access_token(credentials).await? == Refused { reads: 1 },
            "by access token"
        );
        ensure!(
            lax.chat_by_cookie(credentials).await? == Answered { reads: 0 },
            "unchecked, by cookie"
        );
        ensure!(
            lax.chat_by_bearer(credentials).await? == Refused { reads: 2 },
            "unchecked, by bearer"
        );
        ensure!(
            lax.chat_by_access_token(credentials).await? == Answered { reads: 0 },
            "unchecked, by access token"
        );
    }
    let again = web_app.sign_in(&site, "ann@example.test").await?;
    ensure!(
        strict.chat_by_cookie(&again).await? == Answered { reads: 1 },
        "signed in again, by cookie"
    );
    ensure!(
        strict.chat_by_bearer(&again).await? == Answered { reads: 2 },
        "signed in again, by bearer"
    );
    ensure!(
        strict.chat_by_access_token(&again).await? == Answered { reads: 1 },
        "signed in again, by access token"
    );
    strict.stop().await?;
    lax.stop().await
}

#[tokio::test]
async fn credentials_signed_by_another_web_app_are_refused_without_a_table_read() -> Result<()> {
    let Some((world, mut web_app)) = start_web_app().await? else {
        return Ok(());
    };
    let ours = site_with_cache("jwe");
    let theirs = AuthSite {
        secret: "another-secret-of-more-than-32-characters",
        ..ours
    };
    let elsewhere = AuthSite {
        url: "https://other.example.com",
        ..ours
    };
    let ann = web_app.sign_up(&ours, "ann@example.test").await?;
    let eve = web_app.sign_up(&theirs, "eve@example.test").await?;
    let bob = web_app.sign_up(&elsewhere, "bob@example.test").await?;
    // Bob's key is known, but his token is meant for another audience.
    let keys: Vec<&Value> = [&ann, &bob]
        .iter()
        .filter_map(|credentials| credentials.jwks["keys"].as_array())
        .flatten()
        .collect();
    let backend = Backend::start_default(&world, ours, &json!({"keys": keys})).await?;

    ensure!(
        backend.chat_by_cookie(&eve).await? == Refused { reads: 0 },
        "another secret, by cookie"
    );
    ensure!(
        backend.chat_by_bearer(&eve).await? == Refused { reads: 0 },
        "another secret, by bearer"
    );
    ensure!(
        backend.chat_by_access_token(&eve).await? == Refused { reads: 0 },
        "an unknown key"
    );
    ensure!(
        backend.chat_by_access_token(&bob).await? == Refused { reads: 0 },
        "another issuer"
    );
    let reasons = [
        "signature of the session token is wrong",
        "signature of the session token is wrong",
        "access token is refused: it names an unknown key",
        "access token is refused: it is of another issuer",
    ];
    let refusals = backend.wait_for_refusals(reasons.len()).await?;
    let found: Vec<_> = refusals
        .iter()
        .filter_map(|refusal| Some(refusal.split_once(": ")?.1))
        .collect();
    ensure!(found == reasons, "{found:?}");

    // Another user's cache next to one's own token has no effect, and a bad access token does not
    // hide a good cookie.
    let own = ann
        .cookie
        .split("; ")
        .find(|crumb| crumb.contains("session_token="))
        .context("a token")?;
    let data = bob
        .cookie
        .split("; ")
        .find(|crumb| crumb.contains("session_data="))
        .context("a cache")?;
    let mixed = backend
        .chat_with(&ann, &[("cookie", &format!("{own}; {data}"))])
        .await?;
    ensure!(mixed == Answered { reads: 1 }, "{mixed:?}");
    let authorization = format!("Bearer {}", bob.access_token);
    let both = backend
        .chat_with(
            &ann,
            &[("cookie", &ann.cookie), ("authorization", &authorization)],
        )
        .await?;
    ensure!(both == Answered { reads: 0 }, "{both:?}");
    backend.stop().await
}

#[tokio::test]
async fn the_storage_adapter_passes_its_tests_and_has_the_types_that_better_auth_requires()
-> Result<()> {
    let world = World::new().await?;
    let (Some(tests), Some(_)) = (
        package_script("test", &world.engine).await?,
        package_script("check", &world.engine).await?,
    ) else {
        return Ok(());
    };
    let passed = tests
        .lines()
        .filter_map(|line| line.split_once("pass ")?.1.trim().parse::<u32>().ok())
        .max();
    ensure!(passed >= Some(5), "{tests}");
    let names: BTreeSet<_> = world
        .engine
        .operations()
        .into_iter()
        .map(|operation| operation.name)
        .collect();
    ensure!(
        names
            == ["DeleteItem", "GetItem", "PutItem", "UpdateItem"]
                .map(str::to_owned)
                .into(),
        "{names:?}"
    );
    Ok(())
}
