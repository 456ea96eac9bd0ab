//! Vectors from the standards and from published documents.

use super::*;

fn check(format: Format, text: &str, expect: &str) {
    assert_eq!(format.check(text).as_deref(), Ok(expect), "{format:?} {text:?}");
    assert_eq!(format.check(expect).as_deref(), Ok(expect), "{format:?}: the spelling of {text:?} is not stable");
}

fn refused(format: Format, text: &str, key: &str) {
    assert_eq!(format.check(text), Err(FormatError { key: key.to_owned().leak() }), "{format:?} {text:?}");
}

#[test]
fn unified_social_credit_codes() {
    for code in ["91110000600037341L", "11441700007280420Y", "N2511702MF0A1B2C3M", "91350100M000100Y43"] {
        check(Format::Uscc, code, code);
    }
    check(Format::Uscc, " 91110000600037341l ", "91110000600037341L");
    check(Format::Uscc, "９１１１００００６００037341Ｌ", "91110000600037341L");
    refused(Format::Uscc, "91350100M000100Y4Z", "format.uscc.character");
    refused(Format::Uscc, "91110000600037341M", "format.uscc.check");
    refused(Format::Uscc, "9111000060003734", "format.uscc.length");
    refused(Format::Uscc, "", "format.uscc.length");
    refused(Format::Uscc, "9111000060003734IL", "format.uscc.character");
    refused(Format::Uscc, "Q1110000600037341L", "format.uscc.parts");
    refused(Format::Uscc, "911100A0600037341L", "format.uscc.parts");
}

#[test]
fn organization_codes() {
    for code in ["00728042-0", "48634451-5", "60003734-1", "M000100Y-4", "MB151840-X", "00001434-9"] {
        check(Format::OrganizationCode, code, code);
        check(Format::OrganizationCode, &code.replace('-', "").to_lowercase(), code);
    }
    refused(Format::OrganizationCode, "00728042-1", "format.organization_code.check");
    refused(Format::OrganizationCode, "0072804-20", "format.organization_code.form");
    refused(Format::OrganizationCode, "007280420Y", "format.organization_code.form");
    refused(Format::OrganizationCode, "甲乙丙", "format.organization_code.form");
}

#[test]
fn resident_ids() {
    // The example of GB 11643-1999, and numbers made by its rule.
    check(Format::ResidentId, "11010519491231002X", "11010519491231002X");
    check(Format::ResidentId, "11010519491231002x", "11010519491231002X");
    refused(Format::ResidentId, "440524188001010014", "format.resident_id.born");
    refused(Format::ResidentId, "110105194912310021", "format.resident_id.check");
    refused(Format::ResidentId, "11010519490231002X", "format.resident_id.born");
    refused(Format::ResidentId, "99010519491231002X", "format.resident_id.place");
    refused(Format::ResidentId, "1101051949123100X2", "format.resident_id.form");
    refused(Format::ResidentId, "110105491231002", "format.resident_id.form");
}

/// Changes to another character that can stand in the code, each at each place.
fn changes(code: &str, alphabet: &str) -> Vec<String> {
    let mut all = Vec::new();
    for (at, old) in code.char_indices() {
        for new in alphabet.chars().filter(|new| *new != old) {
            all.push(format!("{}{new}{}", &code[..at], &code[at + old.len_utf8()..]));
        }
    }
    all
}

#[test]
fn a_check_character_sees_every_change_of_one_character() {
    const ALPHABET: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-";
    for (format, code) in [
        (Format::Uscc, "91110000600037341L"),
        (Format::Uscc, "11441700007280420Y"),
        (Format::Uscc, "N2511702MF0A1B2C3M"),
        (Format::ResidentId, "11010519491231002X"),
        (Format::ResidentId, "610103200002290019"),
    ] {
        assert!(format.check(code).is_ok(), "{code}");
        for changed in changes(code, ALPHABET) {
            assert!(format.check(&changed).is_err(), "{code} → {changed}");
        }
    }
    // GB 11714 weighs letters by values up to 35 with the modulus 11: it cannot see a change by 11 or 22.
    let value = |c: char| c.to_digit(36).unwrap_or(0) % 11;
    for code in ["00728042-0", "48634451-5", "M000100Y-4", "MB151840-X"] {
        for changed in changes(code, ALPHABET) {
            let pair = code.chars().zip(changed.chars()).enumerate().find(|(_, (old, new))| old != new);
            let (at, (old, new)) = pair.unwrap();
            let is_unseen = at < 8 && new != '-' && value(old) == value(new);
            assert_eq!(Format::OrganizationCode.check(&changed).is_ok(), is_unseen, "{code} → {changed}");
        }
    }
}

#[test]
fn codes_of_places() {
    for code in ["610112", "610100", "610000", "820000"] {
        check(Format::Division, code, code);
    }
    check(Format::Division, "６１０１１２", "610112");
    refused(Format::Division, "61011", "format.division.form");
    refused(Format::Division, "61011a", "format.division.form");
    refused(Format::Division, "600112", "format.division.province");
    refused(Format::Division, "000000", "format.division.province");
    refused(Format::Division, "610012", "format.division.gap");
    for code in ["610112001", "610112000", "441900003"] {
        check(Format::Division9, code, code);
    }
    refused(Format::Division9, "610112", "format.division_9.form");
    refused(Format::Division9, "610000001", "format.division.gap");
    check(Format::Division12, "610112001003", "610112001003");
    refused(Format::Division12, "610112000003", "format.division.gap");
    refused(Format::Division12, "610112001", "format.division_12.form");
    check(Format::Postcode, "710016", "710016");
    refused(Format::Postcode, "000000", "format.postcode");
    refused(Format::Postcode, "71001", "format.postcode");
}

#[test]
fn industries() {
    for (text, expect) in [("A", "A"), ("t", "T"), ("01", "01"), ("011", "011"), ("0111", "0111"), ("A0111", "0111")] {
        check(Format::Industry, text, expect);
    }
    check(Format::Industry, "i6511", "6511");
    refused(Format::Industry, "B0111", "format.industry.unknown");
    refused(Format::Industry, "U", "format.industry.unknown");
    refused(Format::Industry, "9999", "format.industry.unknown");
    refused(Format::Industry, "1", "format.industry.unknown");
    refused(Format::Industry, "", "format.industry.form");
    refused(Format::Industry, "农业", "format.industry.form");
    assert_eq!(industry_name("S9620"), Some("村民自治组织"));
    assert_eq!(industry_name("A"), Some("农、林、牧、渔业"));
    assert_eq!(industry_name("9999"), None);
}

#[test]
fn document_numbers() {
    let normal = "国办发〔2019〕54号";
    for text in [
        normal,
        "国办发[2019]54号",
        "国办发(2019)54号",
        "国办发（２０１９）５４号",
        "国办发【2019】54号",
        "国办发﹝2019﹞54号",
        "国办发〔2019〕第54号",
        "国办发〔2019〕054号",
        " 国办发 〔2019〕 54 号 ",
    ] {
        check(Format::DocumentNumber, text, normal);
    }
    for text in [
        "国办公开办函〔2021〕30号",
        "工信部联企业〔2011〕300号",
        "国务院令第711号",
        "公告2021年第5号",
        "主席令第七十四号",
    ] {
        check(Format::DocumentNumber, text, text);
    }
    check(Format::DocumentNumber, "财政部 税务总局公告2023年第12号", "财政部税务总局公告2023年第12号");
    for text in
        ["国办发〔19〕54号", "国办发2019年54号", "国办发〔2019〕54", "〔2019〕54号", "国办发〔2019〕0号", "54号", ""]
    {
        refused(Format::DocumentNumber, text, "format.document_number");
    }
}

#[test]
fn index_numbers() {
    check(Format::IndexNumber, "11441700007280420Y/2021-00050", "11441700007280420Y/2021-00050");
    check(Format::IndexNumber, "11441700007280420y／202103－00050", "11441700007280420Y/202103-00050");
    check(Format::IndexNumber, "000014349/2019-00054", "000014349/2019-00054");
    refused(Format::IndexNumber, "11441700007280420X/2021-00050", "format.index_number.code");
    refused(Format::IndexNumber, "000014348/2019-00054", "format.index_number.code");
    for text in
        ["11441700007280420Y", "11441700007280420Y/2021", "1/2021-00050", "000014349/202113-00050", "000014349/2021-"]
    {
        refused(Format::IndexNumber, text, "format.index_number.form");
    }
}

#[test]
fn telephone_numbers() {
    for (text, expect) in [
        ("13800138000", "13800138000"),
        ("138-0013-8000", "13800138000"),
        ("+86 138 0013 8000", "13800138000"),
        ("029-88888888", "029-88888888"),
        ("(029) 8888 8888", "029-88888888"),
        ("02988888888", "029-88888888"),
        ("0912-3280000", "0912-3280000"),
        ("09123280000", "0912-3280000"),
        ("010—63070000转123", "010-63070000-123"),
        ("029-0000-0001", "029-00000001"),
        ("400-810-0000", "400-810-0000"),
        ("8008100000", "800-810-0000"),
        ("12345", "12345"),
        ("110", "110"),
        ("95588", "95588"),
        ("０２９－８８８８８８８８", "029-88888888"),
    ] {
        check(Format::Phone, text, expect);
    }
    for text in [
        "",
        "-",
        "12800138000",
        "88888888",
        "029-888888",
        "029-88888888、029-88888889",
        "1380013800a",
        "+1 202 555 0100",
        "999",
    ] {
        refused(Format::Phone, text, "format.phone");
    }
}

#[test]
fn addresses_of_mail_and_of_the_web() {
    check(Format::Email, "Zhang.San+a@Example.ORG", "Zhang.San+a@example.org");
    for text in
        ["", "a", "a@b", "@b.cn", "a@", "a b@c.cn", "a@b..cn", ".a@b.cn", "a..b@c.cn", "a@b@c.cn", "a@-b.cn", "张@b.cn"]
    {
        refused(Format::Email, text, "format.email");
    }
    refused(Format::Email, &format!("{}@b.cn", "a".repeat(65)), "format.email");
    for (text, expect) in [
        ("https://www.example.org", "https://www.example.org"),
        ("HTTP://WWW.Example.org:8080/A?b=C#d", "http://www.example.org:8080/A?b=C#d"),
        ("https://[2001:db8::1]:443/", "https://[2001:db8::1]:443/"),
        ("https://政务.中国/公开", "https://政务.中国/公开"),
        ("https://example.org/a@b", "https://example.org/a@b"),
    ] {
        check(Format::Url, text, expect);
    }
    for text in
        ["www.example.org", "javascript://example.org/%0aalert(1)", "ftp://a.cn", "//a.cn", "javascript:alert(1)", ""]
    {
        refused(Format::Url, text, "format.url.scheme");
    }
    refused(Format::Url, "https://user:pass@example.org/", "format.url.credentials");
    refused(Format::Url, "https://example.org@evil.cn", "format.url.credentials");
    refused(Format::Url, "https://a b.cn", "format.url.character");
    refused(Format::Url, "https://a.cn\\@b.cn", "format.url.character");
    for text in [
        "https://",
        "https:///a",
        "https://a.cn:0",
        "https://a.cn:99999",
        "https://a..cn",
        "https://[::g]/",
        "https://-a.cn",
    ] {
        refused(Format::Url, text, "format.url.host");
    }
}

#[test]
fn a_text_without_bounds_is_refused_before_it_is_looked_at() {
    for format in ALL {
        refused(format, &"1".repeat(MAX_CHARS + 1), "format.too_long");
    }
}

#[test]
fn names_are_those_of_manifests() {
    for format in ALL {
        assert_eq!(serde_json::to_value(format).unwrap(), format.name(), "{format:?}");
    }
}

#[test]
fn every_refusal_has_a_message_in_both_languages_that_names_the_field() {
    let sources = [include_str!("../format.rs"), include_str!("identity.rs"), include_str!("place.rs")];
    let more = [include_str!("industry.rs"), include_str!("document.rs"), include_str!("contact.rs")];
    let keys = sources.into_iter().chain(more).flat_map(|source| source.split('"')).filter(|text| {
        text.starts_with("format.")
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._".contains(c))
    });
    let mut count = 0;
    for key in keys {
        count += 1;
        for locale in [Locale::Zh, Locale::En] {
            let said = FormatError { key: key.to_owned().leak() }.message("代码", locale);
            assert!(said.contains("代码") && !said.starts_with("problem."), "{key}: {said}");
        }
    }
    assert!(count > 30, "only {count} keys found: mend how this test looks for them");
}
