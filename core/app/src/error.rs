//! What a use case answers when it cannot do what was asked, and which [`ErrorCode`] a caller sees.

use std::sync::Arc;
use std::time::Duration;

use sunlit_domain::error_code::message;
use sunlit_domain::filter::FilterError;
use sunlit_domain::identity::password::PasswordFlaw;
use sunlit_domain::manifest::Capability;
use sunlit_domain::page::PageError;
use sunlit_domain::plan::{Feature, Quota};
use sunlit_domain::record::Problem;
use sunlit_domain::toml_source::SourceErrors;
use sunlit_domain::value::Timestamp;
use sunlit_domain::workflow::WhyNot;
use sunlit_domain::{ErrorCode, Locale, Role};
use sunlit_plugin_host::{GuestError, Outcome, PluginError};
use sunlit_sheet::{Fault, SheetError, column_letters};
use sunlit_storage::StorageError;

use crate::mail::MailError;
use crate::unfit::UnfitRecords;

/// A failed use case.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// There is no such thing for this caller.
    #[error("not found")]
    NotFound,
    /// A credential is needed.
    #[error("sign in first")]
    Unauthenticated,
    /// The actor may not.
    #[error("not allowed")]
    Denied,
    /// The tenant is read-only for now.
    #[error("the tenant is read-only")]
    ReadOnly,
    /// The tenant is suspended.
    #[error("the tenant is suspended")]
    Suspended,
    /// The address or the password is not right.
    #[error("the address or the password is not right")]
    InvalidCredentials,
    /// A code of the authenticator is missing or not right.
    #[error("a code of the authenticator is needed")]
    SecondFactorRequired,
    /// Too many wrong answers: nobody gets in until then.
    #[error("the account is locked until {0}")]
    Locked(Timestamp),
    /// Two roles that nobody holds together.
    #[error("nobody is {} and {} at once", .0.name(), .1.name())]
    SeparatedDuties(Role, Role),
    /// A password that is not taken.
    #[error("{}", .0.message(Locale::En))]
    Password(PasswordFlaw),
    /// An address that has an account.
    #[error("the address has an account")]
    Taken,
    /// A link that is not good, or no longer.
    #[error("the link is not good any more: ask for another")]
    SpentTicket,
    /// The record is at another version.
    #[error("the record is at version {found}, not {expected}: read it again")]
    Conflict {
        /// What the caller read.
        expected: i64,
        /// What is there.
        found: i64,
    },
    /// Values that are not acceptable.
    #[error("{} value(s) are not acceptable", .0.len())]
    Problems(Vec<Problem>),
    /// A transition that is not made, and why.
    #[error("{0}")]
    Refused(WhyNot),
    /// A record that others refer to, or a reference to none.
    #[error("a reference would be broken: remove what refers to the record first")]
    BrokenReference,
    /// A filter that is not acceptable.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// An order or cursor that is not acceptable.
    #[error(transparent)]
    Page(#[from] PageError),
    /// An argument that is not acceptable.
    #[error("{0}")]
    Argument(String),
    /// A spreadsheet that cannot be read or written.
    #[error(transparent)]
    Sheet(#[from] SheetError),
    /// More than may be asked for at once.
    #[error("{0}")]
    Limit(String),
    /// More at once than can be served now.
    #[error("{0}")]
    Overloaded(String),
    /// More in a short time than a tenant or caller is given; answered again after so long.
    #[error("more was asked for than is given: wait {} ms", .0.as_millis())]
    RateLimited(Duration),
    /// The tenant has used up what its plan gives.
    #[error("the plan gives no more {}", .0.name())]
    QuotaExceeded(Quota),
    /// The tenant has more than the plan gives that it is to have.
    #[error("the plan gives {most} of {}, and {used} are used", .quota.name())]
    PlanTooSmall {
        /// Of what.
        quota: Quota,
        /// How much the tenant has.
        used: u64,
        /// How much the plan gives.
        most: u64,
    },
    /// The tenant's plan does not have it.
    #[error("the plan does not have {}", .0.name())]
    NotInPlan(Feature),
    /// No registered document has the hash.
    #[error("no document with this hash is registered")]
    DocumentUnknown,
    /// The caller may send registered documents only.
    #[error("only registered documents are answered: register the document, or sign in")]
    DocumentNotTrusted,
    /// An address with a token that this installation has not made for what is asked.
    #[error("the address is not one that was given out for this file: ask for a new one")]
    Address,
    /// An address whose time is over.
    #[error("the address has expired: ask for a new one")]
    Expired,
    /// An upload has more bytes than any field takes.
    #[error("the file has more than {0} bytes")]
    TooLarge(u64),
    /// A form of input that is not taken.
    #[error("{0}")]
    Unsupported(String),
    /// The plugin declined.
    #[error("the plugin declined: {0}")]
    PluginDeclined(String),
    /// The plugin failed.
    #[error("plugin {package}, field {field}: {outcome}: {detail}")]
    PluginFailed {
        /// The package.
        package: String,
        /// What it was asked for.
        field: String,
        /// How the call ended, as in metrics.
        outcome: &'static str,
        /// More for the operator.
        detail: String,
    },
    /// A manifest that is not acceptable.
    #[error(transparent)]
    Manifest(#[from] SourceErrors),
    /// A component that is not acceptable.
    #[error(transparent)]
    Component(#[from] PluginError),
    /// A package that is not acceptable as a whole.
    #[error("{0}")]
    Package(String),
    /// Records that a version does not accept.
    #[error(transparent)]
    Unfit(#[from] UnfitRecords),
    /// What is to be written is meant for another version of the package than the tenant has by now.
    #[error("{0} was moved to another version meanwhile: try again")]
    Moved(String),
    /// What cannot be done with a tenant as a whole: exported, imported, erased.
    #[error("{0}")]
    Life(String),
    /// A published version has other content.
    #[error("{0} is published with other content: raise its version")]
    VersionTaken(String),
    /// The component uses what its manifest does not ask for.
    #[error("the component imports `{}`, which the manifest does not ask for: add it under [capabilities] with its reason", .0.name())]
    UndeclaredCapability(Capability),
    /// Mail could not be handed in.
    #[error(transparent)]
    Mail(#[from] MailError),
    /// The store failed.
    #[error(transparent)]
    Storage(StorageError),
    /// What several callers waited for failed.
    #[error(transparent)]
    Shared(Arc<AppError>),
    /// The packages of a tenant do not fit together. A fault of whoever enabled them.
    #[error("the tenant's packages do not fit together: {0}")]
    Unsound(String),
}

impl From<StorageError> for AppError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::NotFound => Self::NotFound,
            StorageError::Conflict { expected, found } => Self::Conflict { expected, found },
            StorageError::BrokenReference => Self::BrokenReference,
            StorageError::Page(error) => Self::Page(error),
            StorageError::TooLarge(bytes) => Self::TooLarge(bytes),
            other => Self::Storage(other),
        }
    }
}

impl AppError {
    /// What a caller is told.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NotFound | Self::Address => ErrorCode::NotFound,
            Self::Unauthenticated => ErrorCode::Unauthenticated,
            Self::Denied | Self::Expired => ErrorCode::Denied,
            Self::ReadOnly => ErrorCode::ReadOnly,
            Self::Suspended => ErrorCode::Suspended,
            Self::InvalidCredentials => ErrorCode::InvalidCredentials,
            Self::SecondFactorRequired => ErrorCode::SecondFactorRequired,
            Self::Locked(_) => ErrorCode::Locked,
            Self::SeparatedDuties(..) => ErrorCode::SeparatedDuties,
            Self::Taken => ErrorCode::NotUnique,
            Self::SpentTicket => ErrorCode::NotFound,
            Self::Conflict { .. } => ErrorCode::Conflict,
            Self::Problems(problems) => problems.first().map_or(ErrorCode::InvalidInput, |problem| problem.code),
            Self::Filter(_)
            | Self::Page(_)
            | Self::Argument(_)
            | Self::BrokenReference
            | Self::Password(_)
            | Self::Manifest(_)
            | Self::Component(_)
            | Self::Package(_)
            | Self::Unfit(_)
            | Self::VersionTaken(_)
            | Self::Life(_)
            | Self::UndeclaredCapability(_) => ErrorCode::InvalidInput,
            Self::Refused(WhyNot::SamePerson | WhyNot::Denied) => ErrorCode::Denied,
            Self::Refused(WhyNot::CommentRequired) => ErrorCode::Required,
            Self::Refused(_) => ErrorCode::InvalidInput,
            Self::Limit(_) => ErrorCode::LimitExceeded,
            Self::Overloaded(_) => ErrorCode::Unavailable,
            Self::RateLimited(_) => ErrorCode::RateLimited,
            Self::QuotaExceeded(_) | Self::PlanTooSmall { .. } | Self::NotInPlan(_) => ErrorCode::QuotaExceeded,
            Self::DocumentUnknown => ErrorCode::DocumentUnknown,
            Self::DocumentNotTrusted => ErrorCode::DocumentNotTrusted,
            Self::Sheet(error) => match error.fault {
                Fault::TooManyBytes => ErrorCode::TooLarge,
                Fault::Write(_) => ErrorCode::Internal,
                _ => ErrorCode::InvalidInput,
            },
            Self::TooLarge(_) => ErrorCode::TooLarge,
            Self::Unsupported(_) => ErrorCode::Unsupported,
            Self::PluginDeclined(_) => ErrorCode::PluginDeclined,
            Self::PluginFailed { .. } => ErrorCode::PluginUnavailable,
            Self::Moved(_) | Self::Mail(_) => ErrorCode::Unavailable,
            Self::Storage(StorageError::Claimed) => ErrorCode::Unavailable,
            Self::Storage(error) if error.is_overload() => ErrorCode::Unavailable,
            Self::Storage(_) | Self::Unsound(_) => ErrorCode::Internal,
            Self::Shared(error) => error.code(),
        }
    }

    /// When the caller is answered, if they ask again.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited(wait) => Some(*wait),
            Self::Shared(error) => error.retry_after(),
            _ => None,
        }
    }

    /// Whether a package itself is at fault, whoever asks.
    pub(crate) fn is_of_package(&self) -> bool {
        match self {
            Self::Manifest(_) | Self::Component(_) | Self::Package(_) | Self::UndeclaredCapability(_) => true,
            Self::Shared(error) => error.is_of_package(),
            _ => false,
        }
    }

    /// More on it that a caller may read, beside the code's own message; none where it could tell of our inside.
    #[must_use]
    pub fn detail(&self, locale: Locale) -> Option<String> {
        match self {
            Self::Problems(problems) => {
                Some(problems.iter().map(|problem| problem.message(locale)).collect::<Vec<_>>().join("；"))
            }
            Self::Filter(_)
            | Self::Page(_)
            | Self::Argument(_)
            | Self::Limit(_)
            | Self::Overloaded(_)
            | Self::TooLarge(_)
            | Self::Life(_)
            | Self::Unsupported(_) => Some(self.to_string()),
            Self::Sheet(error) => Some(of_sheet(error, locale)),
            Self::QuotaExceeded(quota) => Some(message(quota.key(), locale).to_owned()),
            Self::PlanTooSmall { quota, used, most } => Some(
                message("plan.too_small", locale)
                    .replace("{quota}", message(quota.title_key(), locale))
                    .replace("{used}", &used.to_string())
                    .replace("{most}", &most.to_string()),
            ),
            Self::NotInPlan(feature) => {
                Some(message("plan.no_feature", locale).replace("{feature}", message(feature.key(), locale)))
            }
            Self::BrokenReference => Some(message("problem.referred", locale).to_owned()),
            Self::Refused(why) => Some(message(why.key(), locale).to_owned()),
            Self::Storage(StorageError::Full) => Some(message("problem.full", locale).to_owned()),
            Self::Storage(StorageError::Bucket { .. }) => Some(message("problem.bucket", locale).to_owned()),
            Self::Address => Some(message("problem.address", locale).to_owned()),
            Self::Expired => Some(message("problem.expired", locale).to_owned()),
            Self::Suspended => Some(message("problem.suspended", locale).to_owned()),
            Self::Password(flaw) => Some(flaw.message(locale).to_owned()),
            Self::Taken => Some(message("problem.taken", locale).to_owned()),
            Self::SpentTicket => Some(message("problem.ticket", locale).to_owned()),
            Self::PluginDeclined(reason) => Some(reason.clone()),
            Self::Shared(error) => error.detail(locale),
            _ => None,
        }
    }

    /// The failure of a plugin's call; none for an answer.
    #[must_use]
    pub(crate) fn of_outcome<T>(package: &str, field: &str, outcome: &Outcome<T>) -> Option<Self> {
        let detail = match outcome {
            Outcome::Ok(_) => return None,
            Outcome::Declined(error) => return Some(Self::PluginDeclined(said(error))),
            Outcome::TimedOut | Outcome::OutOfMemory => String::new(),
            Outcome::LimitExceeded(budget) => budget.to_string(),
            Outcome::Trapped(text)
            | Outcome::NotGranted(text)
            | Outcome::Unavailable(text)
            | Outcome::BadOutput(text) => text.clone(),
        };
        Some(Self::PluginFailed {
            package: package.to_owned(),
            field: field.to_owned(),
            outcome: outcome.name(),
            detail,
        })
    }
}

/// What is wrong with a spreadsheet, and where.
fn of_sheet(error: &SheetError, locale: Locale) -> String {
    let place = match (error.row, error.column) {
        (Some(row), Some(column)) => format!("{}{row}", column_letters(column)),
        (Some(row), None) => message("sheet.row", locale).replace("{row}", &row.to_string()),
        _ => message("sheet.file", locale).to_owned(),
    };
    let key = format!("sheet.{}", error.fault.key());
    message(&key, locale).replace("{place}", &place).replace("{detail}", &error.fault.detail())
}

/// What the plugin said.
fn said(error: &GuestError) -> String {
    match error {
        GuestError::Denied(text)
        | GuestError::NotFound(text)
        | GuestError::Invalid(text)
        | GuestError::Limit(text)
        | GuestError::Unavailable(text)
        | GuestError::Other((_, text)) => text.chars().take(500).collect(),
    }
}
