//! Two processes of the function on one table, as two Lambda environments are. Knows nothing of what they do.

use anyhow::Result;

use crate::function::Function;
use crate::process::Variables;
use crate::world::World;

/// Two functions.
#[derive(Debug)]
pub struct Pair {
    /// The one where turns begin, unless a test says otherwise.
    pub first: Function,
    /// The other one.
    pub second: Function,
}

impl Pair {
    /// Starts both over plain HTTP, with the journal kept ten times as often as usual: tests wait for it.
    pub async fn start(world: &World, changes: &[(&str, &str)]) -> Result<Self> {
        let variables = variables(world, changes);
        Ok(Self {
            first: Function::start_plain(&variables).await?,
            second: Function::start_plain(&variables).await?,
        })
    }

    /// The same, and turns that begin here count as dead two seconds later.
    pub async fn start_with_short_turns(world: &World, changes: &[(&str, &str)]) -> Result<Self> {
        let second = variables(world, changes);
        let mut first = second.clone();
        first.insert("MAX_TURN_MS".to_owned(), "1500".to_owned());
        Ok(Self {
            first: Function::start_plain(&first).await?,
            second: Function::start_plain(&second).await?,
        })
    }

    /// Both.
    pub fn both(&self) -> [&Function; 2] {
        [&self.first, &self.second]
    }

    /// Ends both and looks through their logs.
    pub async fn stop(self) -> Result<()> {
        self.first.stop().await?;
        self.second.stop().await
    }
}

fn variables(world: &World, changes: &[(&str, &str)]) -> Variables {
    world.variables_with(&[&[("JOURNAL_INTERVAL_MS", "100")], changes].concat())
}
