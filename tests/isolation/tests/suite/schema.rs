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

/// One place in one argument of one field where an id goes.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// `Vault.papers(filter.room.eq)`.
    pub(crate) position: String,
    pub(crate) query: String,
    argument: String,
    value: Json,
    others: Map<String, Json>,
}

/// What stands where the id goes, and what where one's own of the same kind.
const HERE: &str = "the id goes here";
const BESIDE: &str = "one's own goes here";

impl Case {
    pub(crate) fn variables(&self, id: &str, beside: &str) -> Json {
        let mut variables = self.others.clone();
        let text = self.value.to_string().replace(HERE, id).replace(BESIDE, beside);
        variables.insert(self.argument.clone(), serde_json::from_str(&text).unwrap());
        variables.into()
    }
}

/// A type whose fields are asked for, with what stands around them.
struct Place {
    parent: String,
    around: String,
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

    /// Every place of every field of queries, records and mutations where an id goes: what deletes comes last.
    pub(crate) fn cases(&self, own: &Side) -> Vec<Case> {
        let mut cases = Vec::new();
        for place in self.places() {
            for field in &self.types[&place.parent].fields {
                for (argument, of) in &field.args {
                    for slot in self.slots(of, own, 0) {
                        cases.push(self.case(&place, field, (argument, of), slot, own));
                    }
                }
            }
        }
        cases.sort_by_key(|case| (case.query.starts_with("mutation"), case.position.contains("Delete")));
        cases
    }

    fn case(
        &self,
        place: &Place,
        field: &Field,
        (argument, of): (&String, &TypeRef),
        (path, value): (String, Json),
        own: &Side,
    ) -> Case {
        let operation = if place.parent == "Mutation" { "mutation" } else { "query" };
        let others: Vec<_> = field.args.iter().filter(|(name, of)| name != argument && of.is_needed).collect();
        let all = || [(argument, of)].into_iter().chain(others.iter().map(|(name, of)| (name, of)));
        let declared: Vec<_> = all().map(|(name, of)| format!("${name}: {}", of.text)).collect();
        let mut given: Vec<_> = all().map(|(name, _)| format!("{name}: ${name}")).collect();
        if field.args.iter().any(|(name, _)| name == "first") {
            given.push("first: 1".to_owned());
        }
        let asked = format!("it: {}({}) {}", field.name, given.join(", "), self.selection(&field.of.name, 0));
        Case {
            position: position(&place.parent, &field.name, argument, &path),
            query: format!("{operation}({}) {}", declared.join(", "), place.around.replace("…", &asked)),
            argument: argument.clone(),
            value,
            others: others.iter().map(|(name, of)| (name.clone(), self.least(of, own))).collect(),
        }
    }

    fn places(&self) -> Vec<Place> {
        let place = |around: &str, parent: &str| Place { parent: parent.to_owned(), around: around.to_owned() };
        let mut places = vec![place("{ … }", "Query"), place("{ … }", "Mutation")];
        for namespace in ["vault", "probe"] {
            let name = format!("{}{}", namespace[..1].to_uppercase(), &namespace[1..]);
            places.push(place(&format!("{{ {namespace} {{ … }} }}"), &name));
            places.push(place(&format!("{{ workspace {{ {namespace} {{ … }} }} }}"), &name));
            for field in &self.types[&name].fields {
                let Some(record) = self.records_of(&field.of.name) else { continue };
                let list = format!("{}(first: 1) {{ nodes {{ … }} }}", field.name);
                places.push(place(&format!("{{ workspace {{ {namespace} {{ {list} }} }} }}"), &record));
            }
        }
        places
    }

    /// The subscriptions that take an id: their names.
    pub(crate) fn followed(&self) -> Vec<String> {
        let fields = self.types["Subscription"].fields.iter();
        fields
            .filter(|field| field.args.iter().any(|(_, of)| of.name == "ID"))
            .map(|field| field.name.clone())
            .collect()
    }

    /// The type of the records of a connection.
    fn records_of(&self, connection: &str) -> Option<String> {
        let nodes = self.types.get(connection)?.fields.iter().find(|field| field.name == "nodes")?;
        Some(nodes.of.name.clone())
    }

    /// Every place in a value of this type where an id goes, with a value that has one there; below a combination the first.
    fn slots(&self, of: &TypeRef, own: &Side, depth: usize) -> Vec<(String, Json)> {
        let wrapped = |value: Json| if of.is_list { json!([value]) } else { value };
        if of.name == "ID" {
            let beside = of.is_list.then(|| (" beside one's own".to_owned(), json!([BESIDE, HERE])));
            return [(String::new(), wrapped(json!(HERE)))].into_iter().chain(beside).collect();
        }
        let input = &self.types[&of.name];
        if input.kind != "INPUT_OBJECT" || depth > 3 {
            return Vec::new();
        }
        let mut slots = Vec::new();
        for (name, inner) in &input.inputs {
            let is_combination = COMBINATIONS.contains(&name.as_str());
            if is_combination && depth > 0 {
                continue;
            }
            let needed: Map<String, Json> = input
                .inputs
                .iter()
                .filter(|(other, of)| other != name && of.is_needed)
                .map(|(other, of)| (other.clone(), self.least(of, own)))
                .collect();
            let most = if is_combination { 1 } else { usize::MAX };
            for (path, value) in self.slots(inner, own, depth + 1).into_iter().take(most) {
                let mut object = needed.clone();
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

    /// Every place of every field of every type where an id goes: `Vault.papers(filter.room.eq)`.
    pub(crate) fn positions(&self, own: &Side) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for (name, of) in self.types.iter().filter(|(name, of)| of.kind == "OBJECT" && !name.starts_with("__")) {
            for field in &of.fields {
                for (argument, of) in &field.args {
                    let slots = self.slots(of, own, 0);
                    found.extend(slots.iter().map(|(path, _)| position(name, &field.name, argument, path)));
                }
            }
        }
        found
    }
}

fn position(parent: &str, field: &str, argument: &str, path: &str) -> String {
    format!("{parent}.{field}({argument}{path})")
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
