//! What the words of a search admit: the one place where lists learn of them.

use sunlit_domain::filter::{Filter, Test};
use sunlit_domain::manifest::{Attribute, Collection, Slot};
use sunlit_domain::value::{Kind, Value};

use crate::AppError;

/// How many words a search may have, and how many characters.
const MAX_WORDS: usize = 8;
const MAX_CHARS: usize = 200;

/// The records that hold every word of `text` in one of the fields that the manifest declares with `search = true`.
///
/// # Errors
/// [`AppError::Limit`] for too long a text, [`AppError::Argument`] for one that no record can hold.
pub fn admits(collection: &Collection, text: &str) -> Result<Filter, AppError> {
    Value::from_json(Kind::Text, &text.into()).map_err(|error| AppError::Argument(error.to_string()))?;
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.len() > MAX_WORDS || text.chars().count() > MAX_CHARS {
        let message = format!("a search has at most {MAX_WORDS} words and {MAX_CHARS} characters: search for less");
        return Err(AppError::Limit(message));
    }
    let searched = collection.fields.iter().enumerate().filter(|(_, field)| field.search);
    let attributes: Vec<Attribute> =
        searched.map(|(index, field)| Attribute { slot: Slot::Field(index), kind: field.kind() }).collect();
    let holds = |word: &&str| {
        let test = |attribute: &Attribute| Filter::Test(*attribute, Test::Contains((*word).to_owned()));
        Filter::Or(attributes.iter().map(test).collect())
    };
    Ok(Filter::And(words.iter().map(holds).collect()))
}
