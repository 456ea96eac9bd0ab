//! The schema as it tells of itself, and the cases that follow from it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json, json};

use crate::kit::{Kit, Side};

const INTROSPECTION: &str = "{ __schema { types { kind name fields(includeDeprecated: true) { name args { name type { ...T } } type { ...T } } \
    inputFields { name type { ...T } } enumValues { name } } } } \
    fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";
/// Input objects nest without end: `and`, `or`, `not`.
const COMBINATIONS: [&str; 3] = ["and", "or", "not"];

#[derive(Debug, Clone)]
struct Type {
    kind: String,
    fields: Vec<Field>,
    inputs: Vec<(String, TypeRef)>,
    values: Vec<String>,
}

#[derive(Debug, Clone)]
struct Field {
    name: String,
    args: Vec<(String, TypeRef)>,
    of: TypeRef,
}

/// A type with what wraps it.
#[derive(Debug, Clone)]
struct TypeRef {
    name: String,
    /// As it is written: `[ID!]!`.
    text: String,
    is_list: bool,
    is_needed: bool,
}

/// One argument of one field that takes an id somewhere.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// `Query.vault.papers(filter.room.eq)`.
    pub(crate) name: String,
    /// `Vault.papers`.
    field: String,
    pub(crate) query: String,
    argument: String,
    value: Json,
    others: Map<String, Json>,
}

/// What stands where the id goes.
const HERE: &str = "the id goes here";

impl Case {
    pub(crate) fn variables(&self, id: &str) -> Json {
        let mut variables = self.others.clone();
        let text = self.value.to_string().replace(HERE, id);
        variables.insert(self.argument.clone(), serde_json::from_str(&text).unwrap());
        variables.into()
    }
}

pub(crate) struct Schema {
    types: BTreeMap<String, Type>,
}

impl Schema {
    pub(crate) async fn of(kit: &Kit) -> Self {
        let answer = kit.ask(&kit.own, INTROSPECTION, json!({})).await;
        let types = answer.data()["__schema"]["types"].as_array().unwrap().iter();
        Self { types: types.map(|json| (text(&json["name"]), read_type(json))).collect() }
    }

    /// Every argument of every field that takes an id, of queries, records and mutations.
    pub(crate) fn cases(&self, own: &Side) -> Vec<Case> {
        let mut cases = Vec::new();
        for (around, parent) in self.places() {
            let operation = if parent == "Mutation" { "mutation" } else { "query" };
            for field in &self.types[&parent].fields {
                for (argument, of) in &field.args {
                    for (path, value) in self.slots(of, own, 0) {
                        let others = field.args.iter().filter(|(name, of)| name != argument && of.is_needed);
                        let others: Vec<_> = others.collect();
                        let declared = [(argument, of)].into_iter().chain(others.iter().map(|(name, of)| (name, of)));
                        let declared: Vec<String> =
                            declared.map(|(name, of)| format!("${name}: {}", of.text)).collect();
                        let given: Vec<String> = [argument]
                            .into_iter()
                            .chain(others.iter().map(|(name, _)| name))
                            .map(|name| format!("{name}: ${name}"))
                            .collect();
                        let selection = self.selection(&field.of.name, 0);
                        let asked = format!("it: {}({}) {selection}", field.name, given.join(", "));
                        cases.push(Case {
                            name: format!("{parent}.{}({argument}{path})", field.name),
                            field: format!("{parent}.{}", field.name),
                            query: format!("{operation}({}) {}", declared.join(", "), around.replace("…", &asked)),
                            argument: argument.clone(),
                            value,
                            others: others.iter().map(|(name, of)| (name.clone(), self.least(of, own))).collect(),
                        });
                    }
                }
            }
        }
        cases
    }

    /// The types whose fields are asked for, with what stands around them.
    fn places(&self) -> Vec<(String, String)> {
        let mut places = vec![("{ … }".to_owned(), "Query".to_owned()), ("{ … }".to_owned(), "Mutation".to_owned())];
        for namespace in ["vault", "probe"] {
            let name = format!("{}{}", namespace[..1].to_uppercase(), &namespace[1..]);
            places.push((format!("{{ {namespace} {{ … }} }}"), name.clone()));
            for field in &self.types[&name].fields {
                let Some(record) = self.records_of(&field.of.name) else { continue };
                let around =
                    format!("{{ workspace {{ {namespace} {{ {}(first: 3) {{ nodes {{ … }} }} }} }} }}", field.name);
                places.push((around, record));
            }
        }
        places
    }

    /// The type of the records of a connection.
    fn records_of(&self, connection: &str) -> Option<String> {
        let nodes = self.types.get(connection)?.fields.iter().find(|field| field.name == "nodes")?;
        Some(nodes.of.name.clone())
    }

    /// Every place in a value of this type where an id goes, with a value that has one there.
    fn slots(&self, of: &TypeRef, own: &Side, depth: usize) -> Vec<(String, Json)> {
        let wrapped = |value: Json| if of.is_list { json!([value]) } else { value };
        if of.name == "ID" {
            return vec![(String::new(), wrapped(json!(HERE)))];
        }
        let input = &self.types[&of.name];
        if input.kind != "INPUT_OBJECT" || depth > 3 {
            return Vec::new();
        }
        let mut slots = Vec::new();
        for (name, inner) in input.inputs.iter().filter(|(name, _)| !COMBINATIONS.contains(&name.as_str())) {
            for (path, value) in self.slots(inner, own, depth + 1) {
                let needed = input.inputs.iter().filter(|(other, of)| other != name && of.is_needed);
                let mut object: Map<String, Json> =
                    needed.map(|(other, of)| (other.clone(), self.least(of, own))).collect();
                object.insert(name.clone(), value);
                slots.push((format!(".{name}{path}"), wrapped(object.into())));
            }
        }
        slots
    }

    /// The smallest value that the type takes; where it takes an id, one's own.
    fn least(&self, of: &TypeRef, own: &Side) -> Json {
        let known = &self.types[&of.name];
        let value = match (of.name.as_str(), known.kind.as_str()) {
            ("ID", _) => json!(own.ids["Vault_Paper"]),
            ("Int" | "Float", _) => json!(1),
            ("Boolean", _) => json!(true),
            ("Date", _) => json!("2026-11-22"),
            ("DateTime", _) => json!("2026-11-22T00:00:00Z"),
            (_, "ENUM") => json!(known.values[0]),
            (_, "INPUT_OBJECT") => {
                let needed = known.inputs.iter().filter(|(_, of)| of.is_needed);
                Json::Object(needed.map(|(name, of)| (name.clone(), self.least(of, own))).collect())
            }
            _ => json!("x"),
        };
        if of.is_list { json!([value]) } else { value }
    }

    /// Everything below a type that needs no argument, as deep as it tells something.
    fn selection(&self, name: &str, depth: usize) -> String {
        let Some(of) = self.types.get(name).filter(|of| of.kind == "OBJECT") else { return String::new() };
        let inner = |field: &Field| {
            let is_leaf = self.types[&field.of.name].kind != "OBJECT";
            let is_open = field.args.iter().all(|(_, of)| !of.is_needed);
            // Plugins answer eight fields a query, and lists inside records are cases of their own.
            let is_short = is_leaf && field.args.is_empty() && field.name != "doubled";
            let goes_on = depth < 3 && is_open && field.args.is_empty();
            match (is_leaf, is_short, goes_on) {
                (true, true, _) => Some(field.name.clone()),
                (false, _, true) => Some(format!("{} {}", field.name, self.selection(&field.of.name, depth + 1))),
                _ => None,
            }
        };
        let fields: Vec<String> = of.fields.iter().filter_map(inner).filter(|text| !text.ends_with("{ }")).collect();
        format!("{{ {} }}", if fields.is_empty() { "__typename".to_owned() } else { fields.join(" ") })
    }

    /// Queries that tell everything that a tenant has.
    pub(crate) fn everything(&self) -> Vec<String> {
        let mut queries = Vec::new();
        for namespace in ["Vault", "Probe"] {
            for field in &self.types[namespace].fields {
                if self.records_of(&field.of.name).is_none() {
                    continue;
                }
                let asked = format!("{}(first: 5) {}", field.name, self.selection(&field.of.name, 1));
                queries.push(format!("{{ workspace {{ {} {{ {asked} }} }} }}", namespace.to_lowercase()));
            }
        }
        for field in ["deadLetters", "auditTrail", "calendar"] {
            let of = self.types["Query"].fields.iter().find(|known| known.name == field).unwrap();
            queries.push(format!("{{ {field} {} }}", self.selection(&of.of.name, 1)));
        }
        queries
    }

    /// The fields of all types that take an id somewhere: `Vault.papers`.
    pub(crate) fn with_ids(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for (name, of) in self.types.iter().filter(|(_, of)| of.kind == "OBJECT") {
            // The workspace has the namespaces of the public root; subscriptions have a test of their own.
            if name.starts_with("__") || ["Workspace", "Subscription"].contains(&name.as_str()) {
                continue;
            }
            let takes_ids = |field: &&Field| field.args.iter().any(|(_, of)| self.takes_ids(of, 0));
            found.extend(of.fields.iter().filter(takes_ids).map(|field| format!("{name}.{}", field.name)));
        }
        found
    }

    fn takes_ids(&self, of: &TypeRef, depth: usize) -> bool {
        let inputs = self.types.get(&of.name).map(|of| of.inputs.as_slice()).unwrap_or_default();
        of.name == "ID" || (depth < 4 && inputs.iter().any(|(_, inner)| self.takes_ids(inner, depth + 1)))
    }

    pub(crate) fn covered(&self, cases: &[Case]) -> BTreeSet<String> {
        cases.iter().map(|case| case.field.clone()).collect()
    }
}

fn text(json: &Json) -> String {
    json.as_str().unwrap_or_default().to_owned()
}

fn read_type(json: &Json) -> Type {
    let list = |name: &str| json[name].as_array().cloned().unwrap_or_default();
    let typed = |json: &Json| (text(&json["name"]), read_ref(&json["type"]));
    Type {
        kind: text(&json["kind"]),
        fields: list("fields")
            .iter()
            .map(|field| Field {
                name: text(&field["name"]),
                args: field["args"].as_array().unwrap().iter().map(typed).collect(),
                of: read_ref(&field["type"]),
            })
            .collect(),
        inputs: list("inputFields").iter().map(typed).collect(),
        values: list("enumValues").iter().map(|value| text(&value["name"])).collect(),
    }
}

fn read_ref(json: &Json) -> TypeRef {
    let inner = || read_ref(&json["ofType"]);
    match json["kind"].as_str().unwrap_or_default() {
        "NON_NULL" => {
            let inner = inner();
            TypeRef { text: format!("{}!", inner.text), is_needed: true, ..inner }
        }
        "LIST" => {
            let inner = inner();
            TypeRef { text: format!("[{}]", inner.text), is_list: true, is_needed: false, ..inner }
        }
        _ => TypeRef { name: text(&json["name"]), text: text(&json["name"]), is_list: false, is_needed: false },
    }
}
