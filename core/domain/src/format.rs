//! Named formats of text: codes, numbers and addresses that a standard defines, checked and brought into one spelling.
//!
//! A format looks at the text alone: whether the organisation, person or place exists is not known here. What people type
//! in passing is mended (spaces around it, full-width letters and digits, brackets of another shape); anything else that
//! does not fit is refused with a message that names the mend.

mod contact;
mod document;
mod identity;
mod industry;
mod place;

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use industry::industry_name;

use crate::error_code::message;
use crate::locale::Locale;

/// A named format of a text field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// 统一社会信用代码, GB 32100-2015: 18 characters, the last a check character.
    Uscc,
    /// 组织机构代码, GB 11714-1997: eight characters, a hyphen, a check character.
    OrganizationCode,
    /// 公民身份号码, GB 11643-1999: 17 digits with the day of birth, and a check character.
    ResidentId,
    /// 行政区划代码, GB/T 2260-2007: six digits. Its form only, since codes change each year.
    Division,
    /// 统计用区划代码 to the street (乡级): nine digits. Its form only.
    #[serde(rename = "division_9")]
    Division9,
    /// 统计用区划代码 to the village (村级): twelve digits. Its form only.
    #[serde(rename = "division_12")]
    Division12,
    /// 国民经济行业分类, GB/T 4754-2017: a code that the classification has.
    Industry,
    /// 发文字号, GB/T 9704-2012 §7.2.5: `国办发〔2019〕54号`; also orders and announcements.
    DocumentNumber,
    /// 邮政编码: six digits.
    Postcode,
    /// A telephone number in China: mobile, landline with its area code, 400 and 800, service numbers.
    Phone,
    /// An address of electronic mail, as the HTML standard's `input type=email` takes it.
    Email,
    /// An address on the web: `http` or `https`, no user name or password in it.
    Url,
    /// 索引号 of published information: code of the organisation, slash, year (and month), hyphen, serial number.
    IndexNumber,
}

/// All formats, for tables and tests.
pub const ALL: [Format; 13] = [
    Format::Uscc,
    Format::OrganizationCode,
    Format::ResidentId,
    Format::Division,
    Format::Division9,
    Format::Division12,
    Format::Industry,
    Format::DocumentNumber,
    Format::Postcode,
    Format::Phone,
    Format::Email,
    Format::Url,
    Format::IndexNumber,
];

/// Characters that a text in any format may have.
const MAX_CHARS: usize = 2_000;

/// Why a text is not in its format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", message(&format!("problem.{}", .key), Locale::En).replace("{field}", "the value"))]
pub struct FormatError {
    /// Names the message `problem.<key>` in the translation files, which names the mend; it has the place `{field}`.
    pub key: &'static str,
}

impl FormatError {
    /// What people read; `label` is the field's.
    #[must_use]
    pub fn message(&self, label: &str, locale: Locale) -> String {
        message(&format!("problem.{}", self.key), locale).replace("{field}", label)
    }
}

impl Format {
    /// Its name in manifests.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Uscc => "uscc",
            Self::OrganizationCode => "organization_code",
            Self::ResidentId => "resident_id",
            Self::Division => "division",
            Self::Division9 => "division_9",
            Self::Division12 => "division_12",
            Self::Industry => "industry",
            Self::DocumentNumber => "document_number",
            Self::Postcode => "postcode",
            Self::Phone => "phone",
            Self::Email => "email",
            Self::Url => "url",
            Self::IndexNumber => "index_number",
        }
    }

    /// The text in the one spelling of this format; what is stored. Checking that again gives it unchanged.
    ///
    /// # Errors
    /// What does not fit, as the key of its message.
    pub fn check(self, text: &str) -> Result<Cow<'_, str>, FormatError> {
        if text.chars().nth(MAX_CHARS).is_some() {
            return refuse("format.too_long");
        }
        let half = half_width(text.trim());
        let plain = half.trim();
        let normal = match self {
            Self::Uscc => identity::uscc(plain),
            Self::OrganizationCode => identity::organization_code(plain),
            Self::ResidentId => identity::resident_id(plain),
            Self::Division => place::division(plain, 6),
            Self::Division9 => place::division(plain, 9),
            Self::Division12 => place::division(plain, 12),
            Self::Industry => industry::code(plain),
            Self::DocumentNumber => document::document_number(plain),
            Self::Postcode => place::postcode(plain),
            Self::Phone => contact::phone(plain),
            Self::Email => contact::email(plain),
            Self::Url => contact::url(plain),
            Self::IndexNumber => document::index_number(plain),
        }?;
        Ok(if normal == text { Cow::Borrowed(text) } else { Cow::Owned(normal) })
    }
}

fn refuse<T>(key: &'static str) -> Result<T, FormatError> {
    Err(FormatError { key })
}

/// Full-width letters, digits and signs (U+FF01 to U+FF5E) and the ideographic space as their ASCII counterparts.
fn half_width(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let half = |c: char| match c {
        '\u{3000}' => ' ',
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        other => other,
    };
    Cow::Owned(text.chars().map(half).collect())
}

/// Whether it is exactly `count` ASCII digits.
fn is_digits(text: &str, count: usize) -> bool {
    text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests;
