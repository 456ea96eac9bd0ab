//! The files that the records of a page refer to, as people read them: a name, a size, and where they are.

use std::collections::HashMap;

use sunlit_app::query::file_get::{self, File};
use sunlit_app::{AppError, Reading};
use sunlit_domain::manifest::{Collection, Slot, Spelling};
use sunlit_domain::record::Record;
use sunlit_domain::value::Value;
use sunlit_pages::view::{Scalar, ValueType};
use uuid::Uuid;

use super::show::Shown;

/// Files by their ids.
#[derive(Debug, Default)]
pub(super) struct Files(HashMap<Uuid, File>);

impl Files {
    /// The files of these records, which are shown to the reader.
    pub(super) async fn of<'r>(
        reading: &Reading,
        records: impl Iterator<Item = (&'r Collection, &'r Record)>,
    ) -> Result<Self, AppError> {
        let mut wanted: Vec<Uuid> = records.flat_map(|(collection, record)| held(collection, record)).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let found = file_get::by_ids(reading, &wanted).await?;
        Ok(Self(found.into_iter().map(|file| (file.id, file)).collect()))
    }

    /// What a record's field shows, a link for each file; none where the field holds no files.
    pub(super) fn links(&self, collection: &Collection, record: &Record, name: &str) -> Option<Vec<Shown>> {
        let (index, _) = collection.field(name, Spelling::Manifest).filter(|(_, field)| field.holds_files())?;
        let files = ids(record.get(Slot::Field(index))).filter_map(|id| self.0.get(&id));
        Some(files.map(link).collect())
    }

    /// The names of a field's files as plain text; none where the field holds none.
    pub(super) fn names(&self, collection: &Collection, record: &Record, name: &str) -> Option<String> {
        joined(&self.links(collection, record, name)?)
    }

    /// A record's field in one cell: one file is a link, several are their names.
    pub(super) fn cell(&self, collection: &Collection, record: &Record, name: &str) -> Option<Shown> {
        let mut links = self.links(collection, record, name)?;
        if links.len() == 1 {
            return links.pop();
        }
        let value = joined(&links).map_or(Scalar::Null, Scalar::Text);
        Some(Shown { value, value_type: ValueType::Text, href: None })
    }
}

fn held<'r>(collection: &'r Collection, record: &'r Record) -> impl Iterator<Item = Uuid> + 'r {
    let fields = collection.fields.iter().enumerate().filter(|(_, field)| field.holds_files());
    fields.flat_map(|(index, _)| ids(record.get(Slot::Field(index))))
}

fn ids(value: &Value) -> impl Iterator<Item = Uuid> {
    let items = if let Value::List(items) = value { items.as_slice() } else { std::slice::from_ref(value) };
    items.iter().filter_map(|item| if let Value::Id(id) = item { Some(*id) } else { None })
}

fn link(file: &File) -> Shown {
    let text = format!("{}（{}）", file.name, size(file.bytes()));
    Shown { value: Scalar::Text(text), value_type: ValueType::Text, href: Some(file_get::path(file)) }
}

fn joined(links: &[Shown]) -> Option<String> {
    let texts =
        links.iter().filter_map(|link| if let Scalar::Text(text) = &link.value { Some(text.as_str()) } else { None });
    Some(texts.collect::<Vec<_>>().join("、")).filter(|text| !text.is_empty())
}

/// A number of bytes with its unit, in steps of 1,024, to a tenth.
fn size(bytes: u64) -> String {
    let units = [("MB", 1024 * 1024), ("KB", 1024)];
    match units.into_iter().find(|(_, unit)| bytes >= *unit) {
        Some((name, unit)) => format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit),
        None => format!("{bytes} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn a_size_is_told_to_a_tenth_of_its_unit() {
        for (bytes, expect) in [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KB"), (1_572_864, "1.5 MB")] {
            assert_eq!(size(bytes), expect);
        }
    }
}
