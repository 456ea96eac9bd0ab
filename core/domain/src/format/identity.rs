//! Codes of organisations and persons, each with its check character.

use super::{FormatError, place, refuse};

/// The characters of GB 32100-2015 in the order of their values: no I, O, S, V, Z.
const USCC_ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
/// The registering departments of GB 32100-2015, table 1.
const REGISTRARS: &str = "123456789ANY";

/// GB 32100-2015: registrar, category, six digits of place, nine characters of the organisation, check character with
/// weights 3^(i−1) mod 31. The place stays unchecked beyond being digits: codes keep that of the year of registration.
pub(super) fn uscc(text: &str) -> Result<String, FormatError> {
    let code = text.to_ascii_uppercase();
    if code.len() != 18 {
        return refuse("format.uscc.length");
    }
    let Some(values) = code.bytes().map(uscc_value).collect::<Option<Vec<usize>>>() else {
        return refuse("format.uscc.character");
    };
    if !code.starts_with(|first| REGISTRARS.contains(first))
        || !code.bytes().skip(2).take(6).all(|b| b.is_ascii_digit())
    {
        return refuse("format.uscc.parts");
    }
    let weights = std::iter::successors(Some(1), |weight| Some(weight * 3 % 31));
    let sum: usize = values.iter().take(17).zip(weights).map(|(value, weight)| value * weight).sum();
    if values.last() == Some(&((31 - sum % 31) % 31)) { Ok(code) } else { refuse("format.uscc.check") }
}

fn uscc_value(byte: u8) -> Option<usize> {
    USCC_ALPHABET.iter().position(|known| *known == byte)
}

/// GB 11714-1997: eight characters, weights 3 7 9 10 5 8 4 2, check character 11 − Σ mod 11 (10 is X, 11 is 0). Written with
/// a hyphen before the check character; taken without it too. Letters whose values differ by 11 weigh the same, so this
/// check sees less than others do.
pub(super) fn organization_code(text: &str) -> Result<String, FormatError> {
    let code = text.to_ascii_uppercase();
    let code = match code.split_once('-') {
        Some((body, check)) if body.len() == 8 && check.len() == 1 => format!("{body}{check}"),
        Some(_) => return refuse("format.organization_code.form"),
        None => code,
    };
    if !is_organization_code_form(&code) {
        return refuse("format.organization_code.form");
    }
    if organization_check(&code) != code.as_bytes().last().copied() {
        return refuse("format.organization_code.check");
    }
    let (body, check) = code.split_at(8);
    Ok(format!("{body}-{check}"))
}

fn is_organization_code_form(code: &str) -> bool {
    code.len() == 9 && code.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
}

fn organization_check(code: &str) -> Option<u8> {
    let value = |byte: u8| usize::from(if byte.is_ascii_digit() { byte - b'0' } else { byte - b'A' + 10 });
    let weights = [3, 7, 9, 10, 5, 8, 4, 2];
    let sum: usize = code.bytes().zip(weights).map(|(byte, weight)| value(byte) * weight).sum();
    b"0X987654321".get(sum % 11).copied()
}

/// GB 11643-1999: six digits of place, eight of the day of birth, three of sequence, and the check character of
/// ISO 7064 MOD 11-2. Places begin with a province of GB/T 2260, or with 83 on residence permits.
pub(super) fn resident_id(text: &str) -> Result<String, FormatError> {
    let code = text.to_ascii_uppercase();
    let is_form = code.len() == 18
        && code.bytes().enumerate().all(|(at, byte)| byte.is_ascii_digit() || (at == 17 && byte == b'X'));
    if !is_form {
        return refuse("format.resident_id.form");
    }
    if !(place::is_province(&code[..2]) || code.starts_with("83")) {
        return refuse("format.resident_id.place");
    }
    let born = format!("{}-{}-{}", &code[6..10], &code[10..12], &code[12..14]);
    if &code[6..10] < "1900" || born.parse::<crate::value::Date>().is_err() {
        return refuse("format.resident_id.born");
    }
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: usize = code.bytes().zip(weights).map(|(byte, weight)| usize::from(byte - b'0') * weight).sum();
    let check = b"10X98765432"[sum % 11];
    if code.as_bytes()[17] == check { Ok(code) } else { refuse("format.resident_id.check") }
}
