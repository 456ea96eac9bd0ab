//! A page with forms that work with scripts off. What was wrong stands before the heading, with links to the fields.

use serde::Serialize;

use crate::page::Link;

/// What stands in `main` of a page with forms.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Form {
    /// What was wrong with what was sent.
    pub problems: Vec<FormProblem>,
    /// Paragraphs before the forms.
    pub introduction: Vec<String>,
    /// What is known already, each with its name.
    pub facts: Vec<Named>,
    /// A picture, such as a QR code.
    pub picture: Option<Picture>,
    /// The forms.
    pub parts: Vec<FormPart>,
    /// Other ways to go on.
    pub links: Vec<Link>,
}

/// Something to correct.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FormProblem {
    /// The name of the field, if it is one's.
    pub field: Option<String>,
    /// What to do.
    pub text: String,
}

/// A text with its name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Named {
    /// The name.
    pub title: String,
    /// The text.
    pub text: String,
}

/// A picture that stands in the page itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Picture {
    /// A `data:` address.
    pub source: String,
    /// What it shows, in words.
    pub text: String,
}

/// A form: it posts its fields to `action`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FormPart {
    /// Where it is sent.
    pub action: String,
    /// What goes with it, by name.
    pub hidden: Vec<Named>,
    /// What the reader fills in.
    pub fields: Vec<FormField>,
    /// What stands on the button.
    pub submit: String,
}

/// A field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FormField {
    /// Its name and id.
    pub name: String,
    /// What stands above it.
    pub label: String,
    /// A sentence of help.
    pub hint: Option<String>,
    /// `text`, `email` or `password`.
    pub kind: &'static str,
    /// What browsers may fill in (HTML, autofill).
    pub autocomplete: &'static str,
    /// What stands in it.
    pub value: String,
    /// Whether it has to be corrected.
    pub wrong: bool,
    /// Whether it may stay empty.
    pub optional: bool,
    /// What can be chosen, each with what it stands for; nothing where the reader writes.
    pub options: Vec<Named>,
}
