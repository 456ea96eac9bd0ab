//! A region file: who an authority is, what it enables, its settings and data.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value as Json;
use sunlit_domain::LocalText;
use sunlit_domain::division_code::{DivisionCode, MAX_FORMER_CODES, is_code};
use sunlit_domain::id::{CollectionName, FieldName, PackageId, TenantSlug};
use sunlit_domain::manifest::Grant;
use sunlit_domain::toml_source::{SourceErrors, SourceProblem, TomlSource};
use sunlit_domain::value::Date;

/// A region.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// Who it is.
    pub tenant: TenantEntry,
    /// What it enables.
    #[serde(default, rename = "package")]
    pub packages: Vec<PackageEntry>,
}

/// The level of an authority, the highest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// 部、委、局: of the whole country.
    Ministry,
    /// 省、自治区、直辖市.
    Province,
    /// 市、州、盟.
    City,
    /// 区、县、旗.
    District,
    /// 街道、镇、乡.
    Street,
}

impl Kind {
    /// As it is stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ministry => "ministry",
            Self::Province => "province",
            Self::City => "city",
            Self::District => "district",
            Self::Street => "street",
        }
    }

    /// How many digits its division code has: six (GB/T 2260), nine for a street (统计用区划代码), none for a ministry.
    #[must_use]
    pub fn code_digits(self) -> usize {
        match self {
            Self::Ministry => 0,
            Self::Province | Self::City | Self::District => 6,
            Self::Street => 9,
        }
    }

    /// Whether an authority of this level may stand directly above one of `below`.
    #[must_use]
    pub fn is_above(self, below: Self) -> bool {
        self != Self::Ministry && self < below
    }
}

/// Who an authority is.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantEntry {
    /// Its slug: its division code; of a ministry `cn-<abbreviation>`.
    pub slug: TenantSlug,
    /// Its division code, see [`Kind::code_digits`].
    #[serde(default)]
    pub code: String,
    /// The first day on which that code held.
    #[serde(default)]
    pub code_from: Option<Date>,
    /// Codes that it had before, and those of authorities that became part of it.
    #[serde(default, rename = "former_code")]
    pub former_codes: Vec<FormerCode>,
    /// Its level.
    pub kind: Kind,
    /// Its full name.
    pub name: LocalText,
    /// The name in headings.
    pub short_name: LocalText,
    /// The slug of the authority above it.
    #[serde(default)]
    pub parent: Option<TenantSlug>,
    /// Host names that it answers to.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// A file with the outline of its area: a GeoJSON geometry in CGCS2000.
    #[serde(default)]
    pub outline: Option<String>,
}

/// A code that an authority had.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormerCode {
    /// See [`is_code`].
    pub code: String,
    /// The first day on which it held.
    #[serde(default)]
    pub from: Option<Date>,
    /// The first day on which it no longer held.
    pub to: Date,
}

impl TenantEntry {
    /// Its codes of all times, today's first; none of a ministry.
    #[must_use]
    pub fn division_codes(&self) -> Vec<DivisionCode> {
        let today = DivisionCode { code: self.code.clone(), valid_from: self.code_from, valid_to: None };
        let former = self.former_codes.iter().map(|former| DivisionCode {
            code: former.code.clone(),
            valid_from: former.from,
            valid_to: Some(former.to),
        });
        Some(today).filter(|today| !today.code.is_empty()).into_iter().chain(former).collect()
    }
}

/// A package that it enables.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageEntry {
    /// Its id.
    pub id: PackageId,
    /// Its version; the last published when none is named.
    #[serde(default)]
    pub version: Option<String>,
    /// What its component may import, and whose records it may refer to (`uses:<package>`).
    #[serde(default)]
    pub grants: Vec<Grant>,
    /// Its settings.
    #[serde(default)]
    pub settings: BTreeMap<String, Json>,
    /// Records to begin with.
    #[serde(default)]
    pub data: Vec<DataEntry>,
}

/// Records of one collection.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataEntry {
    /// Their collection.
    pub collection: CollectionName,
    /// The unique field that tells whether a record is there already.
    pub key: FieldName,
    /// A TOML file of `[[record]]` tables.
    pub file: String,
}

impl Region {
    /// Reads and checks a region file. `file` is only named in errors.
    ///
    /// # Errors
    /// Everything that is wrong, with file, line, field and mend.
    pub fn parse(file: &str, text: &str) -> Result<Self, SourceErrors> {
        let source = TomlSource::new(file, text);
        let region: Self = source.read()?;
        let problems = region.problems();
        if problems.is_empty() { Ok(region) } else { Err(source.errors(problems)) }
    }

    fn problems(&self) -> Vec<SourceProblem> {
        let mut problems = Vec::new();
        let mut add = |path: String, message: &str| problems.push(SourceProblem { path, message: message.to_owned() });
        let tenant = &self.tenant;
        if tenant.code.len() != tenant.kind.code_digits() || !tenant.code.bytes().all(|byte| byte.is_ascii_digit()) {
            let expected = match tenant.kind {
                Kind::Ministry => "a ministry has no division code: leave it out",
                Kind::Street => "expected nine digits (统计用区划代码)",
                _ => "expected six digits (GB/T 2260)",
            };
            add("tenant.code".to_owned(), expected);
        }
        former_codes(tenant, &mut add);
        if tenant.parent.as_ref() == Some(&tenant.slug) {
            add("tenant.parent".to_owned(), "an authority is not above itself");
        }
        for (index, host) in tenant.hosts.iter().enumerate() {
            if !is_host(host) {
                add(format!("tenant.hosts.{index}"), "expected a host name in lower case, without port");
            }
        }
        for (index, package) in self.packages.iter().enumerate() {
            if self.packages[..index].iter().any(|other| other.id == package.id) {
                add(format!("package.{index}.id"), "this package stands twice");
            }
        }
        problems
    }
}

/// What is wrong with former codes and with the days on which codes hold.
fn former_codes(tenant: &TenantEntry, add: &mut impl FnMut(String, &str)) {
    if tenant.kind == Kind::Ministry {
        let own = [("code_from", tenant.code_from.is_some()), ("former_code", !tenant.former_codes.is_empty())];
        for (name, _) in own.into_iter().filter(|(_, is_there)| *is_there) {
            add(format!("tenant.{name}"), "a ministry has no division code: leave it out");
        }
        return;
    }
    if tenant.former_codes.len() > MAX_FORMER_CODES {
        add("tenant.former_code".to_owned(), &format!("at most {MAX_FORMER_CODES} former codes"));
    }
    let all = tenant.division_codes();
    for (index, former) in tenant.former_codes.iter().enumerate() {
        let mut wrong = |name: &str, message: &str| add(format!("tenant.former_code.{index}.{name}"), message);
        if !is_code(&former.code) {
            wrong("code", "expected six digits (GB/T 2260), or nine of a street (统计用区划代码)");
        }
        if former.from.is_some_and(|from| from >= former.to) {
            wrong("from", "expected a day before `to`, the first day on which the code no longer held");
        }
        let place = all.len() - tenant.former_codes.len() + index;
        if all[..place].iter().any(|earlier| earlier.overlaps(&all[place])) {
            wrong("code", "the same code holds on the same day twice: mend the days, or leave one of them out");
        }
    }
}

/// A host name (RFC 1123): labels of letters, digits and hyphens.
fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.len() <= 253 && host.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "[tenant]\nslug = \"999999\"\ncode = \"999999\"\nkind = \"district\"\nname = { zh = \"某区\" }\n\
                        short_name = { zh = \"某区\" }\nhosts = [\"a.example\"]\n";

    #[test]
    fn a_region_file_is_read() {
        assert_eq!(Region::parse("r.toml", TEXT).unwrap().tenant.kind, Kind::District);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let check = |from: &str, to: &str, expect: &str| {
            let told = Region::parse("r.toml", &TEXT.replace(from, to)).unwrap_err().to_string();
            assert!(told.contains(expect), "{told}");
        };
        check("code = \"999999\"", "code = \"99\"", "r.toml:3: tenant.code: expected six digits");
        check("a.example", "A.example:80", "r.toml:7: tenant.hosts.0");
        check("kind = \"district\"", "kind = \"galaxy\"", "r.toml:4");
        check("slug = \"999999\"", "slug = \"../x\"", "r.toml:2");
        check("hosts", "host", "unknown field");
    }

    #[test]
    fn a_division_code_has_the_digits_of_its_level() {
        let check = |kind: &str, code: &str, expect: Option<&str>| {
            let text = TEXT.replace("\"district\"", &format!("\"{kind}\"")).replace("code = \"999999\"", code);
            let told = Region::parse("r.toml", &text).map(drop).map_err(|errors| errors.to_string());
            match expect {
                None => assert_eq!(told, Ok(()), "{kind} {code}"),
                Some(expect) => {
                    assert!(told.clone().is_err_and(|told| told.contains(expect)), "{kind} {code}: {told:?}");
                }
            }
        };
        check("street", "code = \"999999001\"", None);
        for wrong in ["999999", "99999900", "9999990011", "99999900x", "９９９", ""] {
            check("street", &format!("code = \"{wrong}\""), Some("tenant.code: expected nine digits"));
        }
        for kind in ["province", "city", "district"] {
            check(kind, "code = \"999999\"", None);
            check(kind, "code = \"999999001\"", Some("tenant.code: expected six digits"));
        }
        check("ministry", "", None);
        check("ministry", "code = \"999999\"", Some("a ministry has no division code"));
    }

    #[test]
    fn codes_hold_on_days_that_fit_together() {
        let former = |keys: &str| format!("[[tenant.former_code]]\n{keys}\n");
        let read = |code_from: &str, former: &str| {
            let text = TEXT.replace("hosts", &format!("{code_from}\nhosts"));
            Region::parse("r.toml", &format!("{text}{former}")).map_err(|errors| errors.to_string())
        };
        let from = "code_from = \"2019-01-09\"";
        let street = former("code = \"999998001\"\nfrom = \"1999-01-01\"\nto = \"2001-01-01\"");
        let region = read(from, &(former("code = \"999998\"\nto = \"2019-01-09\"") + &street)).unwrap();
        let told: Vec<_> = region.tenant.division_codes().iter().map(|code| code.code.clone()).collect();
        assert_eq!(told, ["999999", "999998", "999998001"]);
        let again = former("code = \"999999\"\nto = \"2001-01-01\"");
        assert!(read(from, &again).is_ok());
        let check = |code_from: &str, former: &str, expect: &str| {
            let told = read(code_from, former).unwrap_err();
            assert!(told.contains(expect), "{told}");
        };
        let code = |code: &str| former(&format!("code = \"{code}\"\nto = \"2001-01-01\""));
        for wrong in ["99", "9999", "99999x", ""] {
            check("", &code(wrong), "r.toml:10: tenant.former_code.0.code: expected six digits");
        }
        check("", &again, "r.toml:10: tenant.former_code.0.code: the same code");
        check("", &(code("999998") + &code("999998")), "r.toml:13: tenant.former_code.1.code: the same code");
        let empty = former("code = \"999998\"\nfrom = \"2001-01-01\"\nto = \"2001-01-01\"");
        check("", &empty, "r.toml:11: tenant.former_code.0.from: expected a day before");
        // An authority that has long had its own code may take another in.
        assert!(read(from, &former("code = \"999998\"\nto = \"2020-05-06\"")).is_ok());
        check("", &former("code = \"999998\"\nto = \"2019-02-30\""), "r.toml:11: expected a date like");
        check("code_from = \"2019\"", "", "r.toml:7: expected a date like");
        check("", &former("code = \"999998\""), "r.toml:9: missing field `to`");
        check("", &former("code = \"999998\"\nuntil = \"2001-01-01\""), "r.toml:11: unknown field `until`");
        let many: String = (0..21).map(|n| code(&format!("9999{n:02}"))).collect();
        check("", &many, "r.toml:9: tenant.former_code: at most 20 former codes");
        let ministry = TEXT.replace("code = \"999999\"", from).replace("district", "ministry") + &code("999998");
        let told = Region::parse("r.toml", &ministry).unwrap_err().to_string();
        assert!(told.contains("r.toml:3: tenant.code_from: a ministry has no division code"), "{told}");
        assert!(told.contains("r.toml:8: tenant.former_code: a ministry has no division code"), "{told}");
    }

    #[test]
    fn only_a_higher_level_stands_above_and_a_ministry_above_nobody() {
        let all = [Kind::Ministry, Kind::Province, Kind::City, Kind::District, Kind::Street];
        for (above, kind) in all.into_iter().enumerate() {
            for (below, other) in all.into_iter().enumerate() {
                assert_eq!(kind.is_above(other), above > 0 && above < below, "{kind:?} {other:?}");
            }
        }
    }
}
