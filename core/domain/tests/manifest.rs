//! Manifests: the first-party one reads, each broken one names its line and mend, the JSON Schema is the committed one.
#![expect(clippy::unwrap_used, reason = "tests")]

use sunlit_domain::Manifest;
use sunlit_domain::manifest::RunsAs;

const STREET_CARDS: &str = include_str!("../../../plugins/street-cards/plugin.toml");

#[test]
fn the_first_party_manifest_reads() {
    let manifest = Manifest::parse("plugin.toml", STREET_CARDS).map_err(|errors| errors.to_string()).unwrap();
    assert_eq!(manifest.collections.len(), 3);
    assert!(manifest.needs_component());
}

/// Replaces `from` by `to` in the first-party manifest and expects an error on that very line.
#[track_caller]
fn refuse(from: &str, to: &str, expect: &str) {
    assert!(STREET_CARDS.contains(from), "the manifest has no {from}");
    let text = STREET_CARDS.replacen(from, to, 1);
    let line = STREET_CARDS.lines().take_while(|line| !line.contains(from.lines().next().unwrap())).count() + 1;
    let errors = Manifest::parse("plugin.toml", &text).unwrap_err();
    let told = errors.to_string();
    assert!(told.contains(expect), "expected {expect:?} in:\n{told}");
    assert!(errors.0.iter().any(|error| error.line.abs_diff(line) <= 4), "expected line {line} in:\n{told}");
    assert!(told.starts_with("plugin.toml:"), "{told}");
}

#[test]
fn a_malformed_manifest_names_its_line_and_mend() {
    refuse("id = \"street-cards\"", "id = \"Street Cards\"", "lower-case");
    refuse("version = \"0.1.0\"", "version = \"1\"", "major.minor.patch");
    refuse("api = \"0.1\"", "api = \"9.9\"", "this platform offers");
    refuse("vendor = \"sunlit\"", "vender = \"sunlit\"", "unknown field");
    refuse("storage = \"读取街道与服务点的位置，计算步行可达的服务点\"", "storage = \"\"", "say why");
    refuse("settings = \"读取步行速度和生活圈时长\"", "filesystem = \"x\"", "unknown variant");
    refuse("scale = 1\n", "", "a decimal needs `scale`");
    refuse("default = \"4.8\"", "default = \"48\"", "default is not a value");
    refuse("pattern = \"[0-9]{9}\"", "pattern = \"(\"", "not a regular expression");
    refuse("to = \"street\"", "to = \"road\"", "no such collection");
    refuse("needs = [\"at\"]", "needs = [\"position\"]", "there is no field");
    refuse("name = \"pinyin\"", "name = \"created_at\"", "is taken");
    refuse("name = \"pinyin\"", "name = \"name\"", "twice");
    refuse("name = \"service_point\"\ntitle", "name = \"street\"\ntitle", "twice");
    refuse("where = { state = { eq = \"published\" } }", "where = { status = { eq = \"x\" } }", "can be filtered by");
    refuse("returns = \"[walk]\"", "returns = \"[stroll]\"", "expected T or [T]");
    refuse("path = \"/streets/{code}\"", "path = \"/streets/{name}\"", "unique field in the path");
    refuse("link = \"/streets/{code}\"", "link = \"/roads/{code}\"", "no view of this package");
    refuse("point = \"at\"", "point = \"name\"", "expected a point field");
    refuse("kind = \"detail\"", "kind = \"html\"", "unknown variant");
    refuse("name = \"pinyin\"", "name = \"not_in\"", "means a test");
    refuse("id = \"street-cards\"", "id = \"page-info\"", "every API");
    refuse(
        "name = \"name\"\ntype = \"string\"\ntitle = { zh = \"名称\", en = \"Name\" }\nrequired = true\nmax = 60",
        "name = \"name\"\ntype = \"string\"\nrequired = true\nmax = 501",
        "at most 500",
    );
    refuse("eq = \"$record.id\"", "eq = \"$record.nothing\"", "the page has no");
}

#[test]
fn what_only_files_have_is_told() {
    let title = "title = { zh = \"拼音\", en = \"Pinyin\" }";
    let name = &format!("name = \"pinyin\"\ntype = \"string\"\n{title}\nmax = 120\nfilter = true\nsort = true");
    assert!(STREET_CARDS.contains(name.as_str()));
    let file = |options: &str| format!("name = \"pinyin\"\ntype = \"file\"\n{title}\n{options}");
    let text = STREET_CARDS.replacen(name, &file("accept = [\"image/png\"]\nmax_bytes = 1000"), 1);
    Manifest::parse("plugin.toml", &text).map_err(|errors| errors.to_string()).unwrap();
    refuse(name, &format!("accept = [\"image/png\"]\n{name}"), "only a file has");
    refuse(name, &format!("max_bytes = 1\n{name}"), "only a file has");
    refuse(name, &file("accept = [\"image\"]"), "not a media type");
    refuse(name, &file("accept = [\"a/b\", \"a/b\"]"), "stands once");
    refuse(name, &file("max_bytes = 104857601"), "1 to 104857600 bytes");
    refuse(name, &file("max_bytes = 0"), "1 to 104857600 bytes");
    refuse(name, &file("filter = true"), "not filtered");
    refuse(name, &file("sort = true"), "cannot be ordered");
    refuse(name, &file("unique = true"), "can be unique");
    let list = &format!("name = \"pinyin\"\ntype = \"list\"\nof = \"file\"\n{title}\n");
    Manifest::parse("plugin.toml", &STREET_CARDS.replacen(name, list, 1)).map_err(|e| e.to_string()).unwrap();
    refuse(name, &format!("{list}filter = true"), "not filtered");
    let setting = "type = \"decimal\"\nscale = 1";
    refuse(setting, "type = \"file\"", "only a collection's field");
}

#[test]
fn what_is_sensitive_is_sealed_and_looked_up_by_nobody() {
    let phone = "name = \"phone\"\ntype = \"string\"\ntitle = { zh = \"联系电话\", en = \"Telephone\" }";
    // The pattern of the field that is replaced belongs to strings alone.
    let bare = &format!("{phone}\npattern = \"[0-9+() -]{{3,20}}\"");
    let field = |options: &str| format!("name = \"phone\"\n{options}\ntitle = {{ zh = \"联系电话\" }}");
    let sealed = "sensitive = true\nreaders = [\"editor\"]";
    for options in [
        "type = \"string\"\nmask = \"phone\"",
        "type = \"text\"\nmask = \"all\"",
        "type = \"string\"\nowner_reads = true",
    ] {
        let text = STREET_CARDS.replacen(bare, &field(&format!("{options}\n{sealed}")), 1);
        Manifest::parse("plugin.toml", &text).map_err(|errors| errors.to_string()).unwrap();
    }
    let day = STREET_CARDS.replacen(bare, &field(&format!("type = \"date\"\n{sealed}")), 1);
    Manifest::parse("plugin.toml", &day).map_err(|errors| errors.to_string()).unwrap();
    let check = |options: &str, expect: &str| refuse(bare, &field(options), expect);
    for fit in ["int", "bool", "datetime", "point", "json", "money"] {
        check(&format!("type = \"{fit}\"\n{sealed}"), "only a string, text or date is sealed");
    }
    check(&format!("type = \"list\"\nof = \"string\"\n{sealed}"), "only a string, text or date is sealed");
    check("type = \"string\"\nsensitive = true", "say who may read what is sensitive");
    check("type = \"string\"\nsensitive = true\nreaders = [\"public\"]", "never public");
    for lookup in ["filter", "sort", "search", "unique"] {
        check(&format!("type = \"string\"\n{sealed}\n{lookup} = true"), "is not looked up");
    }
    check(&format!("type = \"string\"\n{sealed}\ndefault = \"1\""), "has no default");
    check(&format!("type = \"date\"\n{sealed}\nmask = \"all\""), "only a sensitive string or text is masked");
    check("type = \"string\"\nmask = \"all\"", "only a sensitive string or text is masked");
    check(&format!("type = \"string\"\n{sealed}\nmask = \"none\""), "unknown variant");
    // Nor in rules of access.
    let rule = "where = { state = { eq = \"published\" } }";
    let text = STREET_CARDS.replacen(bare, &field(&format!("type = \"string\"\n{sealed}")), 1);
    let text = text.replacen(rule, "where = { phone = { eq = \"1\" } }", 1);
    let told = Manifest::parse("plugin.toml", &text).unwrap_err().to_string();
    assert!(told.contains("nothing sensitive"), "{told}");
    let setting = "type = \"decimal\"\nscale = 1";
    refuse(setting, "type = \"string\"\nsensitive = true\nreaders = [\"editor\"]", "only a collection's field");
}

#[test]
fn text_that_is_not_toml_is_refused() {
    let errors = Manifest::parse("plugin.toml", "[plugin\nid = 1").unwrap_err();
    assert_eq!(errors.0[0].line, 1);
}

#[test]
fn the_committed_json_schema_is_the_generated_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../plugins/plugin.schema.json");
    let generated = serde_json::to_string_pretty(&Manifest::json_schema()).unwrap() + "\n";
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(path, &generated).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == generated,
        "plugins/plugin.schema.json is not the generated one: run with UPDATE_SNAPSHOTS=1 to accept"
    );
}

/// The first-party manifest with an action behind it, whose lines are these.
fn with_action(lines: &str) -> Result<Manifest, String> {
    let text = format!("{STREET_CARDS}\n[[action]]\nname = \"praise\"\ntitle = {{ zh = \"点赞\" }}\n{lines}\n");
    Manifest::parse("plugin.toml", &text).map_err(|errors| errors.to_string())
}

#[test]
fn an_action_names_its_callers_and_shares_no_name() {
    let manifest = with_action("roles = [\"public\"]\nreturns = \"[walk]\"").unwrap();
    assert!(manifest.action("praise").is_some_and(|action| action.runs_as == RunsAs::Caller));
    let check = |lines: &str, expect: &str| {
        let told = with_action(lines).unwrap_err();
        assert!(told.contains(expect), "expected {expect:?} in:\n{told}");
        assert!(told.starts_with("plugin.toml:"), "{told}");
    };
    check("roles = []", "who may call it");
    check("", "missing field `roles`");
    check("roles = [\"public\", \"public\"]", "a role stands twice");
    check("roles = [\"mayor\"]", "unknown variant");
    check("roles = [\"public\"]\nreturns = \"[stroll]\"", "expected T or [T]");
    check("roles = [\"public\"]\nreturns = \"decimal(12)\"", "0 to 9 digits");
    check("roles = [\"public\"]\nruns_as = \"root\"", "unknown variant");
    check(
        "roles = [\"public\"]\n[[action.arg]]\nname = \"n\"\ntype = \"int\"\nsort = true",
        "only a collection's field",
    );
    check("roles = [\"public\"]\n[[action.arg]]\nname = \"n\"\ntype = \"ref\"\nto = \"road\"", "no such collection");
    let twice = "[[action.arg]]\nname = \"n\"\ntype = \"int\"\n";
    check(&format!("roles = [\"public\"]\n{twice}{twice}"), "`n` would stand twice");
    for (other, expect) in [("create_street", "`CreateStreet`"), ("praise", "`Praise`"), ("street", "`StreetPayload`")]
    {
        let second = format!("[[action]]\nname = \"{other}\"\ntitle = {{ zh = \"另\" }}\nroles = [\"public\"]");
        check(&format!("roles = [\"public\"]\n{second}"), expect);
    }
}

#[test]
fn an_action_with_the_packages_rights_asks_for_writing() {
    let alone = "[plugin]\nid = \"a\"\nversion = \"0.1.0\"\napi = \"0.1\"\ntitle = { zh = \"甲\" }\nvendor = \"v\"\n";
    let action = "[[action]]\nname = \"b\"\ntitle = { zh = \"乙\" }\nroles = [\"public\"]\nruns_as = \"package\"\n";
    let told = Manifest::parse("plugin.toml", &format!("{alone}{action}")).unwrap_err().to_string();
    assert!(told.contains("ask for `records`"), "{told}");
    let granted = format!("{alone}[capabilities]\nrecords = \"登记\"\n{action}");
    let manifest = Manifest::parse("plugin.toml", &granted).map_err(|errors| errors.to_string()).unwrap();
    assert!(manifest.needs_component());
}
