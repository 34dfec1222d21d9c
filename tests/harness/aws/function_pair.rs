//! Two processes of the function on one table, like two Lambda environments. Knows nothing of what
//! they do.

use anyhow::Result;

use crate::aws::Function;
use crate::process::Variables;
use crate::world::World;

/// Two functions.
#[derive(Debug)]
pub struct FunctionPair {
    /// The function where turns begin, unless a test does it differently.
    pub first: Function,
    /// The other function.
    pub second: Function,
}

impl FunctionPair {
    /// Starts both over plain HTTP, with a journal interval of a tenth of the default: tests wait
    /// for the journal.
    pub async fn start(world: &World, changes: &[(&str, &str)]) -> Result<Self> {
        let variables = variables(world, changes);
        Ok(Self {
            first: Function::start_plain(&variables).await?,
            second: Function::start_plain(&variables).await?,
        })
    }

    /// Starts both as [`FunctionPair::start`] does, with turns that expire on the first one: they
    /// count as dead two seconds after their start.
    pub async fn start_with_short_turns(world: &World, changes: &[(&str, &str)]) -> Result<Self> {
        let second = variables(world, changes);
        let mut first = second.clone();
        first.insert("MAX_TURN_MS".to_owned(), "1500".to_owned());
        Ok(Self {
            first: Function::start_plain(&first).await?,
            second: Function::start_plain(&second).await?,
        })
    }

    /// Returns both.
    pub fn both(&self) -> [&Function; 2] {
        [&self.first, &self.second]
    }

    /// Ends both and checks their logs.
    pub async fn stop(self) -> Result<()> {
        self.first.stop().await?;
        self.second.stop().await
    }
}

fn variables(world: &World, changes: &[(&str, &str)]) -> Variables {
    world.variables_with(&[&[("JOURNAL_INTERVAL_MS", "100")], changes].concat())
}
