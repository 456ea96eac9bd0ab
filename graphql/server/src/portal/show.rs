//! Values as people read them.

use serde_json::Number;
use sunlit_domain::Locale;
use sunlit_domain::error_code::message;
use sunlit_domain::manifest::{Collection, Field, FieldType, Spelling};
use sunlit_domain::record::Record;
use sunlit_domain::value::Value;
use sunlit_pages::view::{Scalar, ValueType};

/// A value with how it is to be set.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    pub(super) value: Scalar,
    pub(super) value_type: ValueType,
    /// Where it leads.
    pub(super) href: Option<String>,
}

/// The value of a record's field, declared or standard.
pub(super) fn field(collection: &Collection, record: &Record, name: &str, locale: Locale) -> Shown {
    let Some(attribute) = collection.attribute(name, Spelling::Manifest) else {
        return Shown { value: Scalar::Null, value_type: ValueType::Text, href: None };
    };
    let value = record.get(attribute.slot);
    let declared = collection.field(name, Spelling::Manifest).map(|(_, field)| field);
    let unit = declared.and_then(|field| field.unit.as_deref());
    show(value, declared, unit, locale)
}

/// A value of a declared field, or of a computed one with its unit.
pub(super) fn show(value: &Value, field: Option<&Field>, unit: Option<&str>, locale: Locale) -> Shown {
    let with_unit = |text: String| Scalar::Text(unit.map_or_else(|| text.clone(), |unit| format!("{text} {unit}")));
    let (value, value_type) = match value {
        Value::Null => (Scalar::Null, ValueType::Text),
        Value::Text(text) => (Scalar::Text(titled(text, field, locale)), ValueType::Text),
        Value::Bool(yes) => (Scalar::Text(yes_or_no(*yes, locale).to_owned()), ValueType::Text),
        Value::Int(number) if unit.is_none() => (Scalar::Number(Number::from(*number)), ValueType::Number),
        Value::Int(number) => (with_unit(number.to_string()), ValueType::Text),
        Value::Decimal(decimal) => (with_unit(decimal.to_string()), ValueType::Text),
        Value::Date(date) => (Scalar::Text(date.to_string()), ValueType::Date),
        Value::DateTime(instant) => (Scalar::Text(instant.date_in_china().to_string()), ValueType::Date),
        Value::Point(point) => (Scalar::Text(format!("{:.6}, {:.6}", point.lat(), point.lng())), ValueType::Text),
        // What a file is called is asked of `Files`.
        Value::Id(_) if field.is_some_and(Field::holds_files) => (Scalar::Null, ValueType::Text),
        Value::Id(id) => (Scalar::Text(id.to_string()), ValueType::Text),
        Value::Area(_) | Value::Json(_) => (Scalar::Null, ValueType::Text),
        Value::List(items) => {
            let texts = items.iter().filter_map(|item| match show(item, field, unit, locale).value {
                Scalar::Text(text) => Some(text),
                Scalar::Number(number) => Some(number.to_string()),
                _ => None,
            });
            (Scalar::Text(texts.collect::<Vec<_>>().join("、")), ValueType::Text)
        }
    };
    Shown { value, value_type, href: None }
}

/// A field's value as plain text; nothing where there is none.
pub(super) fn plain(collection: &Collection, record: &Record, name: &str, locale: Locale) -> Option<String> {
    match field(collection, record, name, locale).value {
        Scalar::Null => None,
        Scalar::Bool(yes) => Some(yes_or_no(yes, locale).to_owned()),
        Scalar::Number(number) => Some(number.to_string()),
        Scalar::Text(text) => Some(text),
    }
}

/// A field as a tag: a true yes-no field by its label, a false one not at all.
pub(super) fn tag(collection: &Collection, record: &Record, name: &str, locale: Locale) -> Option<String> {
    let (index, declared) = collection.field(name, Spelling::Manifest)?;
    match (declared.field_type, record.values.get(index)?) {
        (FieldType::Bool, Value::Bool(true)) => Some(declared.label().get(locale).to_owned()),
        (FieldType::Bool, _) => None,
        _ => plain(collection, record, name, locale),
    }
}

fn titled(text: &str, field: Option<&Field>, locale: Locale) -> String {
    let title = field.and_then(|field| field.enum_title(text));
    title.map_or_else(|| text.to_owned(), |title| title.get(locale).to_owned())
}

fn yes_or_no(yes: bool, locale: Locale) -> &'static str {
    message(if yes { "portal.yes" } else { "portal.no" }, locale)
}
