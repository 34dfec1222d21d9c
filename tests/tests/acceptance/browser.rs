//! The page in a real browser, before both functions: what a person sees, clicks on, and finds again.

mod access;
mod answers;
mod conversations;
mod kinds;
mod trouble;

use acceptance::browser::{Browser, Tab};
use acceptance::session::SignedIn;
use acceptance::site::Site;
use acceptance::world::World;
use anyhow::Result;

/// Alice before her browser.
struct Desk {
    world: World,
    site: Site,
    browser: Browser,
    alice: SignedIn,
}

impl Desk {
    /// Everything that she needs, signed in; nothing where there is no browser.
    async fn ready(test: &str) -> Result<Option<Self>> {
        let desk = Self::signed_out(test).await?;
        if let Some(desk) = &desk {
            desk.browser.sign_in(&desk.alice).await?;
        }
        Ok(desk)
    }

    /// The same, but her browser knows nothing of her.
    async fn signed_out(test: &str) -> Result<Option<Self>> {
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

    /// Opens the page as a person does who comes for the first time.
    async fn open(&mut self) -> Result<Tab> {
        self.browser.open("").await
    }

    /// Makes sure that nothing went wrong out of sight, and ends everything.
    async fn tidy(self) -> Result<()> {
        self.browser.ensure_no_faults().await?;
        self.site.stop().await
    }
}
