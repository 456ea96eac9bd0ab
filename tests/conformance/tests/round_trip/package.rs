//! A package of thirty collections, written by a program: every type of field, every option, every format, references among
//! them, and one workflow. Which field goes where is drawn from a fixed seed, so that the text is always the same.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use sunlit_domain::format;

use crate::draw::Draw;

pub(crate) const ID: &str = "round-trip";
const COLLECTIONS: usize = 30;
/// Fields of a collection beside its code, its name and its references.
const FIELDS: usize = 9;

/// Fields that any collection may have: name, type, options. `TO` stands for a collection that comes earlier.
const FIELDS_OF_ALL_KINDS: &[(&str, &str, &str)] = &[
    ("plain", "string", ""),
    ("needed", "string", "required = true, min = 1, max = 40"),
    ("looked_up", "string", "filter = true, sort = true, max = 500"),
    ("alone", "string", "unique = true, max = 60"),
    ("bounded", "string", "min = 2, max = 5"),
    ("shaped", "string", "pattern = '[A-Z]{2}-[0-9]{3}', filter = true"),
    ("preset", "string", "default = '=SUM(A1)'"),
    ("searched", "string", "search = true"),
    ("in_two_tongues", "string", "search = true, translated = true, max = 120"),
    ("for_staff", "string", "readers = ['administrator', 'reviewer']"),
    ("for_owner", "string", "owner_reads = true"),
    ("secret", "string", "sensitive = true, mask = 'all', readers = ['administrator'], owner_reads = true"),
    ("old", "string", "deprecated = 'say \"plain\" \\ instead'"),
    ("story", "text", "description = { zh = '说明', en = 'With \"\"\" in it' }"),
    ("long_story", "text", "max = 30000, search = true"),
    ("told_twice", "text", "translated = true, required = true"),
    ("count", "int", ""),
    ("floors", "int", "min = -2, max = 120, unit = '层', filter = true, sort = true"),
    ("number", "int", "unique = true, sort = true"),
    ("least", "int", "min = 0, default = 7"),
    ("most", "int", "max = 0, required = true"),
    ("whole", "decimal", "scale = 0"),
    ("fine", "decimal", "scale = 9, filter = true"),
    ("area_size", "decimal", "scale = 2, min = '-0.01', max = '999999.99', unit = '平方米', sort = true"),
    ("share", "decimal", "scale = 4, default = '0.5000', required = true"),
    ("price", "money", "filter = true, sort = true"),
    ("unit_price", "money", "scale = 4, min = 0"),
    ("budget", "money", "max = '1000000.00', default = '0.01', unit = '元'"),
    ("is_open", "bool", "filter = true, sort = true"),
    ("is_free", "bool", "default = true"),
    ("is_checked", "bool", "required = true"),
    ("opened_on", "date", "filter = true, sort = true"),
    ("due_on", "date", "min = '2020-02-29', max = '2099-12-31'"),
    ("only_day", "date", "unique = true"),
    ("first_day", "date", "default = '0001-01-01'"),
    ("seen_at", "datetime", "filter = true, sort = true"),
    ("between", "datetime", "min = '2000-01-01T00:00:00+08:00', max = '2100-01-01T00:00:00Z'"),
    ("at_first", "datetime", "default = '2026-11-22T08:30:00.000001Z', required = true"),
    ("kind", "enum", "filter = true, sort = true, ENUM"),
    ("grade", "enum", "required = true, ENUM"),
    ("phase", "enum", "default = 'second', ENUM"),
    ("lead", "ref", "to = 'TO', filter = true"),
    ("sole", "ref", "to = 'TO', unique = true"),
    ("origin", "ref", "to = 'TO', required = true"),
    ("place", "point", "filter = true"),
    ("spot", "point", "required = true"),
    ("ground", "area", "filter = true"),
    ("outline", "area", "required = true"),
    ("extra", "json", ""),
    ("setup", "json", "default = { a = [1, 2.5], '' = 'x' }"),
    ("picture", "file", "accept = ['image/png'], max_bytes = 4000"),
    ("papers", "list", "of = 'file', accept = ['application/pdf']"),
    ("tags", "list", "of = 'string', filter = true"),
    ("short_tags", "list", "of = 'string', min = 1, max = 3, max_items = 3, required = true"),
    ("marks", "list", "of = 'string', pattern = '[A-Z]{2}-[0-9]{3}'"),
    ("mails", "list", "of = 'string', format = 'email'"),
    ("counts", "list", "of = 'int', min = -1, max = 2147483647, unit = '次', filter = true"),
    ("weights", "list", "of = 'decimal', scale = 3, max_items = 500"),
    ("sums", "list", "of = 'money', default = ['0.10', '0.10']"),
    ("days", "list", "of = 'date', max = '2999-12-31'"),
    ("kinds", "list", "of = 'enum', ENUM, filter = true"),
    ("others", "list", "of = 'ref', to = 'TO', filter = true"),
];

/// The title of each value is the other's name: who reads titles before values mixes them up.
const ENUM: &str = "values = [{ value = 'first', title = { zh = 'second', en = 'Second' } }, \
                    { value = 'second', title = { zh = 'first', en = 'third' } }, \
                    { value = 'third', title = { zh = '第三', en = 'first' } }]";

/// Quotation marks, backslashes and the end of a block of text in what the schema documents.
const DESCRIPTION: &str = r#"description = { zh = '含 """ 与 \ 的说明', en = 'Ends with "' }"#;

const WORKFLOW: &str = "\
[collection.workflow]
initial = 'draft'
state = [
  { name = 'draft', title = { zh = '草稿', en = 'Draft' } },
  { name = 'published', title = { zh = '已发布', en = 'Published' }, published = true },
  { name = 'closed', title = { zh = '已关闭', en = 'Closed' }, final = true },
]
transition = [
  { name = 'publish', title = { zh = '发布', en = 'Publish' }, from = ['draft'], to = 'published', roles = ['reviewer'], distinct_from = ['create'] },
  { name = 'close', title = { zh = '关闭', en = 'Close' }, from = ['draft', 'published'], to = 'closed', owner = true, comment = 'required' },
]
deadline = [
  { name = 'publishing', title = { zh = '发布期限', en = 'To publish' }, starts = { state = 'draft' }, days = 20, unit = 'working_days', stops = ['published', 'closed'], warn = 3 },
]
";

/// The package as text.
pub(crate) fn manifest() -> String {
    let mut text = format!(
        "# Written by tests/conformance/tests/round_trip/package.rs: UPDATE_SNAPSHOTS=1 writes it anew.\n\
         [plugin]\nid = '{ID}'\nversion = '1.0.0'\napi = '0.1'\nvendor = 'sunlit'\n\
         title = {{ zh = '往返', en = 'Round trip' }}\n"
    );
    let mut draw = Draw::seeded(30);
    let mut deck: Vec<String> = Vec::new();
    for number in 0..COLLECTIONS {
        collection(&mut text, number, &mut deck, &mut draw);
    }
    text
}

/// The name of a collection: parts that camel case joins, and one that is its own plural.
pub(crate) fn name(number: usize) -> String {
    format!("sort_{number}_thing")
}

fn collection(text: &mut String, number: usize, deck: &mut Vec<String>, draw: &mut Draw) {
    let name = name(number);
    let plural = if number.is_multiple_of(3) { format!("plural = 'stock_{number}'\n") } else { String::new() };
    writeln!(
        text,
        "\n[[collection]]\nname = '{name}'\n{plural}title = {{ zh = '第{number}类', en = 'Sort {number}' }}\n{DESCRIPTION}"
    )
    .unwrap();
    text.push_str("field = [\n");
    line(
        text,
        "code",
        "string",
        "required = true, unique = true, filter = true, sort = true, pattern = '[A-Z]{2}-[0-9]{3}'",
    );
    if number > 0 {
        line(text, "before", "ref", &format!("to = '{}'", self::name(number - 1)));
    }
    if number.is_multiple_of(4) {
        line(text, "parent", "ref", &format!("to = '{name}', filter = true"));
        line(text, "kin", "list", &format!("of = 'ref', to = '{name}'"));
    }
    let mut used = BTreeSet::new();
    while used.len() < FIELDS {
        if deck.is_empty() {
            *deck = draw.shuffled(declarations());
        }
        let Some(at) = deck.iter().position(|field| fits(field, number, &used)) else {
            // The rest of the deck is there already: what is left over comes with a later collection.
            deck.extend(draw.shuffled(declarations()));
            continue;
        };
        let field = deck.remove(at);
        let target = self::name(draw.below(number.max(1)));
        used.insert(field_name(&field));
        text.push_str(&field.replace("'TO'", &format!("'{target}'")));
    }
    text.push_str("]\n");
    if number == 2 {
        text.push_str(WORKFLOW);
    }
    text.push_str(
        "[collection.access]\nread = [{ role = 'administrator' }, { role = 'public', where = { code = { ne = 'ZZ-999' } } }]\n\
         create = [{ role = 'administrator' }]\nupdate = [{ role = 'administrator', where = { code = { ne = 'ZZ-999' } } }]\ndelete = [{ role = 'administrator' }]\n",
    );
}

/// Whether the first collection has nobody to refer to, or the collection has the field.
fn fits(field: &str, number: usize, used: &BTreeSet<String>) -> bool {
    (number > 0 || !field.contains("'TO'")) && !used.contains(&field_name(field))
}

fn field_name(line: &str) -> String {
    line.split('\'').nth(1).unwrap_or_default().to_owned()
}

fn declarations() -> Vec<String> {
    let mut all = Vec::new();
    for (name, field_type, options) in FIELDS_OF_ALL_KINDS {
        let mut text = String::new();
        line(&mut text, name, field_type, &options.replace("ENUM", ENUM));
        all.push(text);
    }
    for format in format::ALL {
        let mut text = String::new();
        line(
            &mut text,
            &format!("of_{}", format.name()),
            "string",
            &format!("format = '{}', filter = true", format.name()),
        );
        all.push(text);
    }
    all
}

fn line(text: &mut String, name: &str, field_type: &str, options: &str) {
    let comma = if options.is_empty() { "" } else { ", " };
    // The title of one field is the name of another.
    let title = format!("title = {{ zh = '“{name}”', en = 'The \"{name}\"' }}");
    writeln!(text, "  {{ name = '{name}', type = '{field_type}', {title}{comma}{options} }},").unwrap();
}
