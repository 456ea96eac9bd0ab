//! Words between the nodes of one installation: what one has committed, the others hear.

use sea_orm::sqlx::postgres::PgListener;

use super::{Postgres, failed};
use crate::StorageError;

/// The channel of all nodes.
pub(crate) const CHANNEL: &str = "sunlit";
/// Bytes of one word: PostgreSQL takes fewer than 8,000.
pub const MAX_WORD_BYTES: usize = 7_900;

/// Hears what other nodes say.
#[derive(Debug)]
pub struct Listener(PgListener);

impl Postgres {
    /// Begins to listen.
    ///
    /// # Errors
    /// The database's.
    pub async fn listen(&self) -> Result<Listener, StorageError> {
        let mut listener = PgListener::connect(&self.config.url).await.map_err(failed)?;
        listener.listen(CHANNEL).await.map_err(failed)?;
        Ok(Listener(listener))
    }
}

impl Listener {
    /// The next word; none when the connection was lost meanwhile, and with it what was said: it is made anew by the next
    /// call.
    ///
    /// # Errors
    /// The database's, while it cannot be reached.
    pub async fn next(&mut self) -> Result<Option<String>, StorageError> {
        let heard = self.0.try_recv().await.map_err(failed)?;
        Ok(heard.map(|word| word.payload().to_owned()))
    }
}
