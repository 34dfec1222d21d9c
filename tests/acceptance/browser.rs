//! The page in a real browser, in front of both functions: what a person sees, clicks on, and finds
//! again.

mod accessibility;
mod answers;
mod content;
mod conversations;
mod failures;

use acceptance::browser::site::Site;
use acceptance::browser::{Browser, Tab};
use acceptance::session::SignedIn;
use acceptance::world::World;
use anyhow::Result;

/// Alice's browser with the functions and the gateway of her test.
struct BrowserSetup {
    world: World,
    site: Site,
    browser: Browser,
    alice: SignedIn,
}

impl BrowserSetup {
    /// Starts everything with Alice signed in. Returns `None` where no browser is installed.
    async fn start_signed_in(test: &str) -> Result<Option<Self>> {
        let setup = Self::start_signed_out(test).await?;
        if let Some(setup) = &setup {
            setup.browser.sign_in(&setup.alice).await?;
        }
        Ok(setup)
    }

    /// Starts everything with Alice signed out in her browser. Returns `None` where no browser is
    /// installed.
    async fn start_signed_out(test: &str) -> Result<Option<Self>> {
        let world = World::new().await?;
        let Some(site) = Site::start(&world, &[]).await? else {
            return Ok(None);
        };
        let Some(browser) = Browser::start(&site.url, test).await? else {
            return Ok(None);
        };
        let alice = world.sign_in("alice").await?;
        Ok(Some(Self {
            world,
            site,
            browser,
            alice,
        }))
    }

    /// Opens the page as a first-time visitor does.
    async fn open(&mut self) -> Result<Tab> {
        self.browser.open("").await
    }

    /// Checks that the browser reported no error, and stops everything.
    async fn finish(self) -> Result<()> {
        self.browser.ensure_no_faults().await?;
        self.site.stop().await
    }
}
