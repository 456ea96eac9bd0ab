//! Records that stand in the way of a move to another version.

use std::fmt;

use sunlit_domain::Locale;
use sunlit_domain::id::RecordId;
use sunlit_domain::record::Problem;

/// How many of them are told.
pub const MAX_TOLD: usize = 100;

/// One value of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnfitRecord {
    /// The collection of the version that serves.
    pub collection: String,
    /// The record.
    pub id: RecordId,
    /// The field of the version that is wanted.
    pub field: String,
    /// Why its value is not accepted.
    pub reason: String,
}

/// Values that a version does not accept: the first of them, and how many there are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UnfitRecords {
    /// At most [`MAX_TOLD`].
    pub first: Vec<UnfitRecord>,
    /// All of them.
    pub total: usize,
}

impl UnfitRecords {
    /// Adds one; beyond the first it is only counted.
    pub fn add(&mut self, unfit: UnfitRecord) {
        self.total += 1;
        if self.first.len() < MAX_TOLD {
            self.first.push(unfit);
        }
    }

    /// Adds what is wrong with one record.
    pub(crate) fn extend(&mut self, collection: &str, id: RecordId, problems: &[Problem]) {
        for problem in problems {
            let reason = problem.message(Locale::En);
            self.add(UnfitRecord { collection: collection.to_owned(), id, field: problem.path.clone(), reason });
        }
    }
}

impl fmt::Display for UnfitRecords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} value(s) are not accepted by the other version: mend these records first", self.total)?;
        for UnfitRecord { collection, id, field, reason } in &self.first {
            write!(f, "\n  {collection} {id}  {field}: {reason}")?;
        }
        let more = self.total - self.first.len();
        if more > 0 { write!(f, "\n  and {more} more") } else { Ok(()) }
    }
}

impl std::error::Error for UnfitRecords {}
