//! Numbers of official documents and of published information.

use std::sync::LazyLock;

use regex::Regex;

use super::{FormatError, identity, refuse};

const NUMERAL: &str = "[0-9]{1,5}|[〇零一二三四五六七八九十百千]{1,9}";

/// 机关代字, year in brackets of any shape, serial number.
static LETTERED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^([\p{Han}A-Za-z·]{1,40})[〔\[(【﹝]((?:19|20)[0-9]{2})年?[〕\])】﹞]第?0*([1-9][0-9]{0,5})号$").ok()
});
/// Orders and announcements, which are numbered with 第.
static NUMBERED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(&format!(r"^([\p{{Han}}A-Za-z·]{{0,40}}(?:令|公告))((?:19|20)[0-9]{{2}}年)?第({NUMERAL})号$")).ok()
});

/// GB/T 9704-2012 §7.2.5: 机关代字, year in full in six-angle brackets 〔〕, serial number without 第 and without leading
/// zeros, 号. Brackets of another shape and full-width digits are mended. Orders (令) and announcements (公告) are numbered
/// with 第, and those of the head of state in Chinese numerals.
pub(super) fn document_number(text: &str) -> Result<String, FormatError> {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    if let Some(found) = LETTERED.as_ref().and_then(|lettered| lettered.captures(&text)) {
        return Ok(format!("{}〔{}〕{}号", &found[1], &found[2], &found[3]));
    }
    let is_numbered = NUMBERED.as_ref().is_some_and(|numbered| numbered.is_match(&text));
    if is_numbered { Ok(text) } else { refuse("format.document_number") }
}

/// 索引号 as gov.cn and most portals write it: the unified social credit code, or the older code of the organisation without
/// hyphen, then `/`, year or year and month, `-`, and the serial number: `<code>/2021-00050`.
pub(super) fn index_number(text: &str) -> Result<String, FormatError> {
    let wrong = FormatError { key: "format.index_number.form" };
    let (who, rest) = text.split_once('/').ok_or(wrong)?;
    let (when, serial) = rest.split_once('-').ok_or(wrong)?;
    let are_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let month = when.get(4..).unwrap_or_default();
    let is_time = are_digits(when)
        && (when.starts_with("19") || when.starts_with("20"))
        && (when.len() == 4 || (when.len() == 6 && ("01"..="12").contains(&month)));
    if !is_time || !are_digits(serial) || serial.len() > 8 {
        return Err(wrong);
    }
    let who = match who.len() {
        18 => identity::uscc(who),
        9 => identity::organization_code(who).map(|code| code.replace('-', "")),
        _ => Err(wrong),
    };
    let who =
        who.map_err(|error| if error == wrong { wrong } else { FormatError { key: "format.index_number.code" } })?;
    Ok(format!("{who}/{when}-{serial}"))
}
