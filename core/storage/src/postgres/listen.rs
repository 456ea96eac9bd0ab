//! Words between the nodes of one installation: what one has committed, the others hear.

use sea_orm::sqlx::postgres::PgListener;
use sea_orm::{ConnectionTrait, Statement};

use super::{Postgres, failed};
use crate::{Engine, StorageError};

/// The channel of all nodes.
const CHANNEL: &str = "sunlit";
/// Bytes of one word: PostgreSQL takes fewer than 8,000.
pub const MAX_WORD_BYTES: usize = 7_900;

/// Says a word to all nodes: of a transaction, when it is committed.
pub(crate) async fn notify(connection: &impl ConnectionTrait, word: &str) -> Result<(), StorageError> {
    if word.len() > MAX_WORD_BYTES {
        return Err(StorageError::PayloadTooLarge(word.len()));
    }
    let values = [CHANNEL.into(), word.into()];
    let say = Statement::from_sql_and_values(Engine::Postgres.backend(), "SELECT pg_notify($1, $2)", values);
    connection.query_one_raw(say).await?;
    Ok(())
}

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
