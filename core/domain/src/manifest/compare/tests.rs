//! Every kind of change, allowed and refused.

use super::*;

const OLD: &str = r#"
[plugin]
id = "parks"
version = "1.2.0"
api = "0.1"
title = { zh = "园区" }
vendor = "sunlit"
[capabilities]
log = "记录"
[[collection]]
name = "owner"
title = { zh = "业主" }
[[collection.field]]
name = "name"
type = "string"
[[collection]]
name = "site"
title = { zh = "载体" }
[[collection.field]]
name = "code"
type = "string"
unique = true
filter = true
sort = true
max = 20
pattern = "[0-9]+"
[[collection.field]]
name = "remark"
type = "text"
search = true
[[collection.field]]
name = "rent"
type = "decimal"
scale = 2
min = "1"
max = "100"
[[collection.field]]
name = "use_kind"
type = "enum"
values = [{ value = "office", title = { zh = "办公" } }, { value = "plant", title = { zh = "厂房" } }]
[[collection.field]]
name = "tags"
type = "list"
of = "string"
max_items = 5
[[collection.field]]
name = "held_by"
type = "ref"
to = "owner"
[[collection.field]]
name = "floors"
type = "int"
[[collection.field]]
name = "plan"
type = "file"
accept = ["application/pdf", "image/png"]
max_bytes = 1000000
[[collection.computed]]
name = "score"
type = "int"
title = { zh = "评分" }
needs = ["rent"]
[collection.access]
read = [{ role = "public" }, { role = "editor" }]
[[object]]
name = "walk"
[[object.field]]
name = "metres"
type = "int"
required = true
[[query]]
name = "nearby"
title = { zh = "附近" }
returns = "[site]"
[[query.arg]]
name = "km"
type = "int"
[[setting]]
name = "speed"
type = "int"
default = 3
"#;

/// The manifest with pieces replaced, in version `version`.
fn changed(version: &str, pieces: &[(&str, &str)]) -> Manifest {
    let mut text = OLD.replace("version = \"1.2.0\"", &format!("version = \"{version}\""));
    for (from, to) in pieces {
        assert!(text.contains(from), "the manifest has no {from}");
        text = text.replacen(from, to, 1);
    }
    Manifest::parse("plugin.toml", &text).map_err(|errors| errors.to_string()).unwrap()
}

/// Expects one refusal of a minor version, at `path` of the newer manifest and with these words.
#[track_caller]
fn refused(from: &str, to: &str, path: &str, words: &str) {
    let (old, new) = (changed("1.2.0", &[]), changed("1.3.0", &[(from, to)]));
    let problems = compare(&old, &new, Side::Newer);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0].path, path);
    assert!(problems[0].message.contains(words) && problems[0].message.contains("[[migrate]]"), "{problems:?}");
    // A major version may do it.
    assert_eq!(compare(&old, &changed("2.0.0", &[(from, to)]), Side::Newer), []);
    // Taken back, it is seen from the other side, at its place in the manifest that is published late.
    assert!(compare(&old, &new, Side::Older).len() == 1);
}

#[test]
fn what_is_sensitive_stays_so_within_a_major() {
    let plain = "name = \"remark\"\ntype = \"text\"\nsearch = true";
    let open = "name = \"remark\"\ntype = \"text\"";
    let sealed = "name = \"remark\"\ntype = \"text\"\nsensitive = true\nreaders = [\"editor\"]";
    let told = |from: &Manifest, to: &Manifest| {
        compare(from, to, Side::Newer)
            .iter()
            .map(|problem| format!("{}: {}; ", problem.path, problem.message))
            .collect::<String>()
    };
    let manifest = |version: &str, text: &str| changed(version, &[(plain, text)]);
    let became = told(&manifest("1.2.0", open), &manifest("1.3.0", sealed));
    assert!(became.starts_with("collection.1.field.1.sensitive: ") && became.contains("became sensitive"), "{became}");
    let lost = told(&manifest("1.2.0", sealed), &manifest("1.3.0", open));
    assert!(lost.contains("is not sensitive any more") && lost.contains("[[migrate]]"), "{lost}");
    let masked = format!("{sealed}\nmask = \"all\"");
    assert_eq!(told(&manifest("1.2.0", sealed), &manifest("1.2.1", &masked)), "");
    assert_eq!(told(&manifest("1.2.0", open), &manifest("2.0.0", sealed)), "");
}

/// Expects a minor version to be allowed, and a patch version to be refused with the words.
#[track_caller]
fn allowed(from: &str, to: &str, words: &str) {
    let old = changed("1.2.0", &[]);
    assert_eq!(compare(&old, &changed("1.3.0", &[(from, to)]), Side::Newer), []);
    let problems = compare(&old, &changed("1.2.1", &[(from, to)]), Side::Newer);
    let told = problems.iter().map(|problem| problem.message.as_str()).collect::<String>();
    assert!(told.contains(words) && told.contains("raise the minor version"), "{problems:?}");
}

#[test]
fn what_breaks_clients_or_tables_is_refused_and_names_field_and_mend() {
    refused("name = \"floors\"", "name = \"storeys\"", "collection.1.field", "the field `site.floors` is gone");
    refused(
        "name = \"floors\"\ntype = \"int\"",
        "name = \"floors\"\ntype = \"string\"",
        "collection.1.field.6.type",
        "from int to string",
    );
    refused("scale = 2", "scale = 3", "collection.1.field.2.scale", "`site.rent` changed its scale");
    refused("of = \"string\"", "of = \"int\"", "collection.1.field.4.of", "`site.tags` changed the type of its items");
    refused("to = \"owner\"", "to = \"site\"", "collection.1.field.5.to", "refers to site instead of owner");
    refused(
        "name = \"floors\"\n",
        "name = \"floors\"\nrequired = true\n",
        "collection.1.field.6.required",
        "`site.floors` is required",
    );
    refused("max = 20\n", "max = 19\n", "collection.1.field.0.max", "`site.code` allows less");
    refused("max = 20\n", "max = 20\nmin = 2\n", "collection.1.field.0.min", "`site.code` allows less");
    refused("max = \"100\"", "max = \"99.99\"", "collection.1.field.2.max", "`site.rent` allows less");
    refused("min = \"1\"", "min = \"1.01\"", "collection.1.field.2.min", "`site.rent` allows less");
    refused(
        "name = \"floors\"\n",
        "name = \"floors\"\nmax = 9\n",
        "collection.1.field.6.max",
        "`site.floors` allows less",
    );
    refused(
        "name = \"floors\"\n",
        "name = \"floors\"\nmin = -9\n",
        "collection.1.field.6.min",
        "`site.floors` allows less",
    );
    refused(
        "pattern = \"[0-9]+\"",
        "pattern = \"[0-8]+\"",
        "collection.1.field.0.pattern",
        "`site.code` accepts another pattern",
    );
    refused(
        "name = \"floors\"\n",
        "name = \"floors\"\nunique = true\n",
        "collection.1.field.6.unique",
        "became unique",
    );
    refused("unique = true\n", "", "collection.1.field.0.unique", "not unique any more");
    refused("filter = true\n", "", "collection.1.field.0.filter", "lost its `filter`");
    refused("sort = true\n", "", "collection.1.field.0.sort", "lost its `sort`");
    refused("search = true\n", "", "collection.1.field.1.search", "lost its `search`");
    refused(
        ", { value = \"plant\", title = { zh = \"厂房\" } }",
        "",
        "collection.1.field.3.values",
        "lost the value `plant`",
    );
    refused("max_bytes = 1000000", "max_bytes = 999999", "collection.1.field.7.max_bytes", "`site.plan` allows less");
    let accepted = |to: &str| {
        let from = "accept = [\"application/pdf\", \"image/png\"]";
        refused(from, to, "collection.1.field.7.accept", "`site.plan` accepts fewer media types");
    };
    accepted("accept = [\"application/pdf\"]");
    accepted("accept = [\"application/pdf\", \"image/jpeg\"]");
    refused("max_items = 5", "max_items = 4", "collection.1.field.4.max_items", "`site.tags` holds less");
    refused(
        "name = \"site\"\n",
        "name = \"site\"\nplural = \"site_list\"\n",
        "collection.1.plural",
        "the plural of `site`",
    );
    refused(
        "name = \"score\"\ntype = \"int\"",
        "name = \"score\"\ntype = \"string\"",
        "collection.1.computed.0",
        "changed its type",
    );
    refused("name = \"score\"", "name = \"points\"", "collection.1", "the field `site.score` is gone");
    refused("name = \"nearby\"", "name = \"close_by\"", "query", "the query `nearby` is gone");
    refused("returns = \"[site]\"", "returns = \"[owner]\"", "query.0.returns", "from [site] to [owner]");
    refused("name = \"km\"", "name = \"metres\"", "query.0.arg", "the argument `nearby.km` is gone");
    refused("name = \"km\"\n", "name = \"km\"\nrequired = true\n", "query.0.arg.0.required", "`nearby.km` is required");
    refused(
        "type = \"int\"\nrequired = true\n[[query]]",
        "type = \"int\"\n[[query]]",
        "object.0.field.0.required",
        "`walk.metres` no longer promises",
    );
    refused("name = \"metres\"", "name = \"paces\"", "object.0.field", "the field `walk.metres` is gone");
    refused("name = \"walk\"", "name = \"stroll\"", "object", "the object `walk` is gone");
    refused(
        "name = \"speed\"\ntype = \"int\"\ndefault = 3",
        "name = \"speed\"\ntype = \"string\"",
        "setting.0.type",
        "the setting `speed`",
    );
}

#[test]
fn what_is_added_may_not_be_needed_at_once() {
    let added = |options: &str| {
        format!("[[collection.field]]\nname = \"fax\"\ntype = \"string\"\n{options}\n[[collection.computed]]")
    };
    let refuse = |options: &str, path, words| refused("[[collection.computed]]", &added(options), path, words);
    refuse("required = true", "collection.1.field.8.required", "`site.fax` is new and required");
    refuse(
        "required = true\ndefault = \"1\"\nunique = true",
        "collection.1.field.8.unique",
        "`site.fax` is new, required and unique",
    );
    allowed("[[collection.computed]]", &added(""), "`site.fax` is new");
    allowed("[[collection.computed]]", &added("required = true\ndefault = \"1\""), "`site.fax` is new");
    allowed("[[collection.computed]]", &added("unique = true"), "`site.fax` is new");
    let argument = |options: &str| format!("[[query.arg]]\nname = \"at\"\ntype = \"int\"\n{options}\n[[setting]]");
    refused("[[setting]]", &argument("required = true"), "query.0.arg.1.required", "`nearby.at` is new and required");
    allowed("[[setting]]", &argument(""), "`nearby.at` is new");
}

#[test]
fn what_only_adds_is_allowed_between_minors_and_refused_between_patches() {
    allowed("max = 20\n", "max = 21\n", "`site.code` allows more");
    allowed("max = \"100\"\n", "", "`site.rent` allows more");
    allowed("min = \"1\"\n", "min = \"0.5\"\n", "`site.rent` allows more");
    allowed("pattern = \"[0-9]+\"\n", "", "has no pattern any more");
    allowed("max_bytes = 1000000\n", "", "`site.plan` allows more");
    allowed("accept = [\"application/pdf\", \"image/png\"]\n", "", "`site.plan` accepts more media types");
    allowed("max_items = 5", "max_items = 6", "`site.tags` holds more");
    allowed("name = \"floors\"\n", "name = \"floors\"\nfilter = true\n", "can be used for `filter`");
    allowed("name = \"floors\"\n", "name = \"floors\"\nsort = true\n", "can be used for `sort`");
    allowed("name = \"floors\"\n", "name = \"floors\"\nrequired = true\ndefault = 1\n", "whether it is required");
    allowed("search = true\n", "search = true\ntranslated = true\n", "`site.remark_en` is new");
    allowed("values = [{", "values = [{ value = \"shop\", title = { zh = \"商铺\" } }, {", "has the new value `shop`");
    allowed(
        "[[object]]",
        "[[collection]]\nname = \"visit\"\ntitle = { zh = \"参观\" }\nfield = [{ name = \"on\", type = \"date\" }]\n[[object]]",
        "the collection `visit` is new",
    );
    allowed(
        "[[setting]]",
        "[[query]]\nname = \"far\"\ntitle = { zh = \"远\" }\nreturns = \"int\"\n[[setting]]",
        "the query `far` is new",
    );
    allowed("[[setting]]", "[[setting]]\nname = \"depth\"\ntype = \"int\"\n[[setting]]", "the setting `depth` is new");
    allowed("[[setting]]\nname = \"speed\"\ntype = \"int\"\ndefault = 3", "", "the setting `speed` is gone");
    allowed("log = \"记录\"", "log = \"记录\"\nclock = \"时间\"", "the capability `clock` is new");
    allowed("[[collection]]", "[uses]\nstreets = \"街道\"\n[[collection]]", "the use of package `streets` is new");
}

#[test]
fn texts_and_rules_that_fail_closed_may_change_in_a_patch() {
    let quiet = |from: &str, to: &str| {
        let problems = compare(&changed("1.2.0", &[]), &changed("1.2.1", &[(from, to)]), Side::Newer);
        assert_eq!(problems, [], "{to}");
    };
    quiet("zh = \"载体\"", "zh = \"招商载体\"");
    quiet("{ role = \"public\" }, ", "");
    quiet("name = \"floors\"\n", "name = \"floors\"\nreaders = [\"editor\"]\n");
    quiet("default = 3", "default = 4");
    quiet("[capabilities]\nlog = \"记录\"\n", "");
}

#[test]
fn a_version_comes_after_the_one_before() {
    let check = |older: &str, newer: &str, expect: usize| {
        let problems = compare(&changed(older, &[]), &changed(newer, &[]), Side::Newer);
        assert_eq!(problems.len(), expect, "{problems:?}");
    };
    check("1.2.0", "1.2.1", 0);
    check("1.2.0", "1.10.0", 0);
    check("1.2.0", "1.2.0", 1);
    check("1.10.0", "1.9.0", 1);
}

#[test]
fn a_version_that_is_published_late_is_told_its_own_places() {
    let late = changed("1.1.0", &[]);
    let later = changed("1.3.0", &[("name = \"floors\"", "name = \"storeys\"")]);
    let problems = compare(&late, &later, Side::Older);
    assert_eq!(problems[0].path, "collection.1.field.6");
}
