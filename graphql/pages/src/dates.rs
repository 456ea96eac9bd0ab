//! Dates as readers write them.

/// Year, month and day of an ISO date (`2026-11-22`) or of a local time stamp (`2026-11-22T09:30:00+08:00`, offset optional).
/// `None` for anything else; a time stamp of another offset is refused because its day in China may be another one.
pub(crate) fn parse(text: &str) -> Option<(u16, u8, u8)> {
    let (date, time) = text.split_once('T').map_or((text, None), |(date, time)| (date, Some(time)));
    if time.is_some_and(|time| !is_chinese_time(time)) || date.len() != 10 {
        return None;
    }
    let mut parts = date.split('-');
    let (year, month, day) = (digits(parts.next()?, 4)?, digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let (month, day) = (u8::try_from(month).ok()?, u8::try_from(day).ok()?);
    (parts.next().is_none() && (1..=12).contains(&month) && (1..=days(year, month)).contains(&day))
        .then_some((year, month, day))
}

/// `2026年11月22日` in Chinese, `22 November 2026` in English; text that is no date stays as it is.
pub(crate) fn written(text: &str, locale: &str) -> String {
    let Some((year, month, day)) = parse(text) else { return text.to_owned() };
    if locale.starts_with("zh") {
        format!("{year}年{month}月{day}日")
    } else {
        format!("{day} {} {year}", MONTHS[usize::from(month) - 1])
    }
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

fn is_chinese_time(time: &str) -> bool {
    let clock = time.strip_suffix("+08:00").unwrap_or(time);
    !clock.is_empty() && clock.chars().all(|c| c.is_ascii_digit() || matches!(c, ':' | '.'))
}

fn digits(text: &str, length: usize) -> Option<u16> {
    (text.len() == length && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

fn days(year: u16, month: u8) -> u8 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::written;

    #[test]
    fn dates_are_written_the_readers_way() {
        for (iso, zh, en) in [
            ("2026-11-22", "2026年11月22日", "22 November 2026"),
            ("2024-02-29", "2024年2月29日", "29 February 2024"),
            ("2026-11-22T09:30:00+08:00", "2026年11月22日", "22 November 2026"),
            ("2026-02-29", "2026-02-29", "2026-02-29"),
            ("2026-11-22T23:30:00Z", "2026-11-22T23:30:00Z", "2026-11-22T23:30:00Z"),
            ("即日起", "即日起", "即日起"),
        ] {
            assert_eq!(written(iso, "zh-CN"), zh);
            assert_eq!(written(iso, "en"), en);
        }
    }
}
