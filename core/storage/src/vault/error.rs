//! Why a vault cannot be had, or a value not be sealed or opened. No message holds a key or a value.

/// A failure of the vault. Messages for an operator name the mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// No master key was given to an installation that has sealed something, or to nodes that share a database.
    #[error(
        "there is no master key: {0}. Give it in SUNLIT_MASTER_KEY, or in the file that `master_key_file` names; without it \
         nobody reads what is sealed (infra/keys/README.md)"
    )]
    Missing(String),
    /// What was given is no master key.
    #[error(
        "{place} holds no master key: {why}. A master key is 32 random bytes in base64; `sunlit key new` prints a fresh one"
    )]
    Malformed {
        /// Where it was found.
        place: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// What is sealed was sealed under another master key than those that were given.
    #[error(
        "this is sealed under the master key {needed}, and given are {given}: give the right one too, in SUNLIT_MASTER_KEY or \
         the file that `master_key_file` names, separated from the others by a comma or a line"
    )]
    Wrong {
        /// The id of the master key that is needed.
        needed: String,
        /// The ids of those that are there.
        given: String,
    },
    /// The text was not written by a vault.
    #[error("a sealed value is not readable: restore it from a backup")]
    NotSealed,
    /// The text names a data key that is not there.
    #[error("a value is sealed under the data key {0}, which is not there: restore the table `data_key` from a backup")]
    NoDataKey(i64),
    /// The key does not fit the text: it was changed, or belongs to another tenant, record or field.
    #[error("a sealed value does not open: it was changed, or carried here from elsewhere; restore it from a backup")]
    NotOpened,
}
