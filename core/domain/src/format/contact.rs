//! How to reach somebody: telephone, mail, web.

use super::{FormatError, is_digits, refuse};

/// Bytes of a mail address (RFC 5321 §4.5.3.1.3, without the angle brackets) and of the part before the `@`.
const MAX_EMAIL: usize = 254;
const MAX_LOCAL: usize = 64;
/// Bytes of a host name (RFC 1035 §2.3.4) and of one of its labels.
const MAX_HOST: usize = 253;
const MAX_LABEL: usize = 63;

/// 工信部《电信网编号计划》(2017): mobile numbers of eleven digits; landlines with the area code of three or four digits and a
/// number of seven or eight; 400 and 800 with seven more digits; service numbers of three to six digits. One number:
/// `029-00000000`, `029-00000000-123` with an extension. The country's code is left out.
pub(super) fn phone(text: &str) -> Result<String, FormatError> {
    let text = text.replace('转', "-");
    let text = text.strip_prefix("+86").or_else(|| text.strip_prefix("0086")).unwrap_or(&text);
    let is_between = |c: char| c.is_whitespace() || matches!(c, '-' | '–' | '—' | '(' | ')');
    let parts: Vec<&str> = text.split(is_between).filter(|part| !part.is_empty()).collect();
    if parts.is_empty() || parts.iter().any(|part| !part.bytes().all(|byte| byte.is_ascii_digit())) {
        return refuse("format.phone");
    }
    let whole = parts.concat();
    let found = short(&whole).or_else(|| mobile(&whole)).or_else(|| free(&whole)).or_else(|| landline(&parts));
    found.ok_or(FormatError { key: "format.phone" })
}

/// 110, 12345, 95 and 96 with three or four more digits, 100 and 12 with two or three.
fn short(digits: &str) -> Option<String> {
    let is_short = match digits.len() {
        3 => digits.starts_with("11") || digits.starts_with("12"),
        5 => ["10", "11", "12", "95", "96"].iter().any(|start| digits.starts_with(start)),
        6 => ["95", "96"].iter().any(|start| digits.starts_with(start)),
        _ => false,
    };
    is_short.then(|| digits.to_owned())
}

fn mobile(digits: &str) -> Option<String> {
    (is_digits(digits, 11) && digits.starts_with('1') && digits[1..].starts_with(|c: char| c >= '3'))
        .then(|| digits.to_owned())
}

fn free(digits: &str) -> Option<String> {
    let is_free = is_digits(digits, 10) && (digits.starts_with("400") || digits.starts_with("800"));
    is_free.then(|| format!("{}-{}-{}", &digits[..3], &digits[3..6], &digits[6..]))
}

/// An extension is known by standing apart, after a number of seven or eight digits.
fn landline(parts: &[&str]) -> Option<String> {
    let whole = parts.concat();
    if let Some(found) = area_and_number(&whole) {
        return Some(found);
    }
    let (extension, number) = parts.split_last()?;
    let number = area_and_number(&number.concat())?;
    (1..=6).contains(&extension.len()).then(|| format!("{number}-{extension}"))
}

fn area_and_number(digits: &str) -> Option<String> {
    let area = match digits.as_bytes() {
        [b'0', b'1', b'0', ..] | [b'0', b'2', ..] => 3,
        [b'0', b'3'..=b'9', ..] => 4,
        _ => return None,
    };
    let number = digits.get(area..)?;
    (7..=8).contains(&number.len()).then(|| format!("{}-{number}", &digits[..area]))
}

/// The HTML standard's valid e-mail address, with a host of at least two labels and RFC 5321's lengths. The host is
/// written in small letters.
pub(super) fn email(text: &str) -> Result<String, FormatError> {
    let wrong = FormatError { key: "format.email" };
    let (local, host) = text.rsplit_once('@').ok_or(wrong)?;
    let is_local_byte = |byte: u8| byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&byte);
    let is_local = (1..=MAX_LOCAL).contains(&local.len())
        && local.bytes().all(is_local_byte)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..");
    let is_address = is_local && host.is_ascii() && host.contains('.') && is_host(host) && text.len() <= MAX_EMAIL;
    if is_address { Ok(format!("{local}@{}", host.to_ascii_lowercase())) } else { Err(wrong) }
}

/// RFC 3986 with the scheme `http` or `https`; without user information, which phishing hides behind. Scheme and host are
/// written in small letters; the rest stays as it is.
pub(super) fn url(text: &str) -> Result<String, FormatError> {
    let (scheme, rest) = text.split_once("://").ok_or(FormatError { key: "format.url.scheme" })?;
    let scheme = scheme.to_ascii_lowercase();
    if scheme != "http" && scheme != "https" {
        return refuse("format.url.scheme");
    }
    let is_odd = |c: char| c.is_whitespace() || c.is_control() || "<>\"{}|\\^`".contains(c);
    if rest.contains(is_odd) {
        return refuse("format.url.character");
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if authority.contains('@') {
        return refuse("format.url.credentials");
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let is_port = port.is_none_or(|port| port.len() <= 5 && port.parse::<u16>().is_ok_and(|port| port > 0));
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_known = match address {
        Some(address) => address.parse::<core::net::Ipv6Addr>().is_ok(),
        None => is_host(host),
    };
    if is_known && is_port {
        Ok(format!("{scheme}://{}{path}", authority.to_lowercase()))
    } else {
        refuse("format.url.host")
    }
}

/// Labels of letters (of any script), digits and inner hyphens, parted by points.
fn is_host(host: &str) -> bool {
    let is_label = |label: &str| {
        (1..=MAX_LABEL).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    host.len() <= MAX_HOST && host.split('.').all(is_label)
}
