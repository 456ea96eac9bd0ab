//! The rows that are measured with: made up, the same in every run.

use serde_json::{Value as Json, json};

/// What stands in the first line of a file of rows.
const HEADER: &str = "code,name,kind,amount,day,note";
const KINDS: [&str; 4] = ["open", "waiting", "closed", "archived"];

/// One row's values, as SQL holds them.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) code: String,
    pub(super) name: String,
    pub(super) kind: &'static str,
    /// The amount, in hundredths.
    pub(super) cents: i64,
    pub(super) day: String,
    pub(super) note: String,
}

/// The row with this number, from 0.
pub(super) fn row(number: usize) -> Row {
    // Multiplied by a prime, so that neighbours by code are no neighbours by kind, amount and day.
    let mixed = number.wrapping_mul(7_919);
    let (year, month, day) = (2_020 + mixed / 336 % 6, 1 + mixed / 28 % 12, 1 + mixed % 28);
    Row {
        code: code(number),
        name: format!("第 {number} 件事项的名称"),
        kind: KINDS[mixed / 64 % KINDS.len()],
        cents: i64::try_from(mixed % 1_000_000).unwrap_or(0),
        day: format!("{year}-{month:02}-{day:02}"),
        note: "示例数据：只为测量而有，长度与真实的说明相当。".to_owned(),
    }
}

/// The code of the row with this number.
pub(super) fn code(number: usize) -> String {
    format!("R{number:07}")
}

impl Row {
    /// The amount as the API says it.
    pub(super) fn amount(&self) -> String {
        amount(self.cents)
    }

    /// The values as the input of a mutation.
    pub(super) fn input(&self) -> Json {
        json!({
            "code": self.code, "name": self.name, "kind": self.kind.to_ascii_uppercase(), "amount": self.amount(),
            "day": self.day, "note": self.note,
        })
    }
}

/// Hundredths as the API says them.
pub(super) fn amount(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// A file of these rows.
pub(super) fn csv(rows: &[Row]) -> String {
    let mut text = format!("{HEADER}\n");
    for row in rows {
        let cells = [&row.code, &row.name, row.kind, &row.amount(), &row.day, &row.note];
        text.push_str(&cells.join(","));
        text.push('\n');
    }
    text
}

/// The row in a line of such a file, read the quickest way: no quotes, no checks. None for the header.
pub(super) fn read_line(line: &str) -> Option<Row> {
    let cells: Vec<&str> = line.split(',').collect();
    let [code, name, kind, amount, day, note] = cells[..] else { return None };
    Some(Row {
        code: code.to_owned(),
        name: name.to_owned(),
        kind: KINDS.into_iter().find(|known| *known == kind)?,
        cents: amount.replacen('.', "", 1).parse().ok()?,
        day: day.to_owned(),
        note: note.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gives_its_rows_back() {
        let rows: Vec<Row> = (0..5_000).map(row).collect();
        let text = csv(&rows);
        let read: Vec<Row> = text.lines().filter_map(read_line).collect();
        assert_eq!(csv(&read), text);
        assert_eq!(read.len(), rows.len());
        for kind in KINDS {
            assert!(rows.iter().filter(|row| row.kind == kind).count() > 1_000, "{kind}");
        }
    }
}
