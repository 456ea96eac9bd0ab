//! The types of a collection: record, connection, filter, order, inputs.

use std::sync::Arc;

use async_graphql::Error;
use async_graphql::dataloader::DataLoader;
use async_graphql::dynamic::{
    Enum, EnumItem, Field, FieldFuture, FieldValue, InputObject, InputValue, Object, ResolverContext, Type, TypeRef,
};
use sunlit_app::query::record_list;
use sunlit_domain::file::MediaType;
use sunlit_domain::id::lower_camel;
use sunlit_domain::manifest::{
    self, Collection, Computed, FieldType, Manifest, RefTarget, STANDARD_FIELDS, Slot, Spelling, Standard,
};

use crate::file;
use crate::loader::{ComputedKey, Gather};
use crate::names::{Names, block, describe, quoted};
use crate::nested;
use crate::node::{Connection, Node, failed, reading, settle};
use crate::reference::Target;
use crate::scalar::{self, PageInfo, to_gql};
use crate::workflow;

/// The standard fields that the API shows.
const SHOWN: [Standard; 6] =
    [Standard::Id, Standard::State, Standard::Version, Standard::CreatedAt, Standard::UpdatedAt, Standard::PublishedAt];

/// All types of `collection`.
pub(crate) fn types(names: &Names, manifest: &Manifest, collection: &Collection) -> Vec<Type> {
    let owner = collection.name.as_str();
    let mut types: Vec<Type> = vec![
        record(names, manifest, collection).into(),
        connection(names, collection).into(),
        filter(names, collection).into(),
        order(names, collection).into(),
        input(names, collection, "Create").into(),
        input(names, collection, "Update").into(),
    ];
    for field in &collection.fields {
        types.extend(scalar::enum_type(names, owner, field).map(Type::from));
        if field.item_type() == FieldType::Enum && field.filter {
            let name = names.enum_of(owner, field.name.as_str());
            types.push(match field.field_type {
                FieldType::List => scalar::list_test_input(&format!("{name}ListFilter"), &name).into(),
                _ => scalar::test_input(&format!("{name}Filter"), &name, field.kind()).into(),
            });
        }
    }
    types
}

fn record(names: &Names, manifest: &Manifest, collection: &Collection) -> Object {
    let name = names.type_of(collection.name.as_str(), "");
    let mut object = Object::new(name).description(describe(&collection.title, collection.description.as_ref()));
    for standard in SHOWN {
        object = object.field(standard_field(standard));
    }
    for (index, field) in collection.fields.iter().enumerate() {
        let built = match &field.to {
            Some(to) => reference(names, field, index, to),
            None if field.holds_files() => file::field(field, index, file_text(field)),
            None => declared(names, collection, field, index),
        };
        object = object.field(match &field.deprecated {
            Some(reason) => built.deprecation(Some(&quoted(reason))),
            None => built,
        });
    }
    object = nested::fields(names, manifest, collection).into_iter().fold(object, Object::field);
    object = workflow::record_fields(collection).into_iter().fold(object, Object::field);
    collection.computed.iter().fold(object, |object, computed| object.field(computed_field(collection, computed)))
}

fn parent<'a>(ctx: &ResolverContext<'a>) -> Result<&'a Node, Error> {
    ctx.parent_value.try_downcast_ref::<Node>()
}

fn standard_field(standard: Standard) -> Field {
    let (type_name, optional) = match standard {
        Standard::Version => (TypeRef::INT, false),
        Standard::PublishedAt => (scalar::DATE_TIME, true),
        _ => (scalar::output_type(standard.kind()), false),
    };
    let type_ref = if optional { TypeRef::named(type_name) } else { TypeRef::named_nn(type_name) };
    Field::new(lower_camel(standard.name()), type_ref, move |ctx| match parent(&ctx) {
        Ok(node) => FieldFuture::Value(to_gql(None, node.record.get(Slot::Standard(standard)))),
        Err(error) => FieldFuture::new(async move { Err::<Option<FieldValue<'_>>, _>(error) }),
    })
}

fn declared(names: &Names, collection: &Collection, field: &manifest::Field, index: usize) -> Field {
    let owner = collection.name.as_str();
    let (field_type, is_list) = (field.item_type(), field.field_type == FieldType::List);
    // Nullable even when required: a record written under an older version may lack the value, a reader may not see it.
    let type_ref = scalar::output_ref(names, owner, field, false);
    Field::new(lower_camel(field.name.as_str()), type_ref, move |ctx| match parent(&ctx) {
        Ok(node) => {
            let value = node.record.values.get(index).and_then(|value| to_gql(Some(field_type), value));
            FieldFuture::Value(value.or_else(|| is_list.then(|| FieldValue::list(Vec::<FieldValue<'_>>::new()))))
        }
        Err(error) => FieldFuture::new(async move { Err::<Option<FieldValue<'_>>, _>(error) }),
    })
    .description(field_text(field))
}

fn reference(names: &Names, field: &manifest::Field, index: usize, to: &RefTarget) -> Field {
    let target = Target::of(names, to, field.field_type == FieldType::List);
    Field::new(lower_camel(field.name.as_str()), scalar::shaped(field, names.referred(to), false), move |ctx| {
        let target = target.clone();
        FieldFuture::new(async move {
            let node = parent(&ctx)?;
            let Some(value) = node.record.values.get(index) else { return Ok(None) };
            settle(&ctx, target.follow(&ctx, node.root, value).await)
        })
    })
    .description(field_text(field))
}

/// A field's documentation: label, unit, description, and who may read it where not everybody may.
fn field_text(field: &manifest::Field) -> String {
    let mut text = describe(&field.label(), field.description.as_ref());
    if let Some(unit) = &field.unit {
        let unit = block(unit);
        text.push_str(&format!("\n\n单位：{unit} / Unit: {unit}"));
    }
    let mut readers: Vec<String> = field.readers.iter().map(|role| format!("{role:?}").to_lowercase()).collect();
    if field.owner_reads {
        readers.push("owner".to_owned());
    }
    if !readers.is_empty() {
        let readers = readers.join(", ");
        text.push_str(&match field.mask {
            Some(_) => {
                format!(
                    "\n\n仅 {readers} 可见，其他人读到遮盖后的内容。 / Only {readers} may read it; masked for others."
                )
            }
            None => format!("\n\n仅 {readers} 可见，其他人读到空值。 / Only {readers} may read it; null for others."),
        });
    }
    text
}

/// The documentation of a field that holds files, with what it takes.
fn file_text(field: &manifest::Field) -> String {
    let accepted: Vec<&str> = field.accept.iter().map(MediaType::as_str).collect();
    let (text, bytes) = (field_text(field), field.max_bytes());
    let types = if accepted.is_empty() { String::new() } else { format!("{}; ", accepted.join(", ")) };
    format!("{text}\n\n接受 / Takes: {types}≤ {bytes} bytes")
}

fn computed_field(collection: &Collection, computed: &Computed) -> Field {
    let collection: Arc<str> = collection.name.as_str().into();
    let name: Arc<str> = computed.name.as_str().into();
    let type_ref = TypeRef::named(scalar::output_type(computed.kind()));
    Field::new(lower_camel(computed.name.as_str()), type_ref, move |ctx| {
        let (collection, computed) = (Arc::clone(&collection), Arc::clone(&name));
        FieldFuture::new(async move {
            let node = parent(&ctx)?;
            let loader = ctx.ctx.data::<DataLoader<Gather>>()?;
            let package = node.installed.package.id().into();
            let (root, record) = (node.root, Arc::clone(&node.record));
            let key = ComputedKey { root, package, collection, computed, record };
            let loaded = loader.load_one(key).await.and_then(Option::transpose);
            let value = loaded.map_err(|error| failed(&ctx, &error));
            settle(&ctx, value.map(|value| value.and_then(|value| to_gql(None, &value))))
        })
    })
    .description(describe(&computed.title, computed.description.as_ref()))
}

fn connection(names: &Names, collection: &Collection) -> Object {
    let node_type = names.type_of(collection.name.as_str(), "");
    Object::new(names.type_of(collection.name.as_str(), "Connection"))
        .description(describe(&collection.title, None))
        .field(Field::new("nodes", TypeRef::named_nn_list_nn(node_type), |ctx| {
            let nodes = ctx.parent_value.try_downcast_ref::<Connection>().ok().map(nodes);
            FieldFuture::Value(nodes)
        }))
        .field(Field::new("pageInfo", TypeRef::named_nn("PageInfo"), |ctx| {
            let info = ctx.parent_value.try_downcast_ref::<Connection>().ok().map(page_info);
            FieldFuture::Value(info.map(FieldValue::owned_any))
        }))
        .field(
            Field::new("totalCount", TypeRef::named_nn(TypeRef::INT), |ctx| {
                FieldFuture::new(async move {
                    let connection = ctx.parent_value.try_downcast_ref::<Connection>()?;
                    if let Some(of) = connection.of.clone() {
                        return Ok(Some(FieldValue::value(nested::count(&ctx, of, connection.filter.clone()).await?)));
                    }
                    let (package, name) = (&connection.installed.package, &connection.collection);
                    let counted = record_list::count(
                        &reading(&ctx)?.through(connection.root),
                        package,
                        name,
                        connection.filter.clone(),
                    )
                    .await;
                    Ok(Some(FieldValue::value(counted.map_err(|error| failed(&ctx, &error))?)))
                })
            })
            .description("符合条件的总数。 / How many there are in all."),
        )
}

fn nodes(connection: &Connection) -> FieldValue<'static> {
    FieldValue::list(connection.records.iter().map(|record| {
        let (root, installed) = (connection.root, Arc::clone(&connection.installed));
        FieldValue::owned_any(Node { root, installed, record: Arc::clone(record) })
    }))
}

fn page_info(connection: &Connection) -> PageInfo {
    let last = connection.records.last();
    let (package, name) = (&connection.installed.package, &connection.collection);
    PageInfo {
        has_next: connection.page.has_next,
        end_cursor: last.and_then(|last| connection.page.cursor(package, name, last)),
    }
}

fn filter(names: &Names, collection: &Collection) -> InputObject {
    let owner = collection.name.as_str();
    let name = names.type_of(owner, "Filter");
    let mut input = InputObject::new(name.clone())
        .description("多个条件同时成立；用 or、not 组合。 / Several conditions mean and.")
        .field(InputValue::new("and", TypeRef::named_nn_list(&name)))
        .field(InputValue::new("or", TypeRef::named_nn_list(&name)))
        .field(InputValue::new("not", TypeRef::named(&name)));
    for standard in STANDARD_FIELDS.into_iter().filter(|standard| standard.is_open()) {
        let test = scalar::test_type(standard.kind());
        input = input.field(InputValue::new(lower_camel(standard.name()), TypeRef::named(test)));
    }
    for field in collection.fields.iter().filter(|field| field.filter) {
        let list = if field.field_type == FieldType::List { "List" } else { "" };
        let test = match field.item_type() {
            FieldType::Enum => format!("{}{list}Filter", names.enum_of(owner, field.name.as_str())),
            _ => scalar::test_type(field.kind()),
        };
        input = input.field(InputValue::new(lower_camel(field.name.as_str()), TypeRef::named(test)));
    }
    input
}

fn order(names: &Names, collection: &Collection) -> Enum {
    let start = Enum::new(names.type_of(collection.name.as_str(), "Order"));
    collection.slots().filter(|slot| collection.is_sortable(*slot)).fold(start, |item, slot| {
        let name = collection.slot_name(slot).to_ascii_uppercase();
        item.item(EnumItem::new(format!("{name}_ASC"))).item(EnumItem::new(format!("{name}_DESC")))
    })
}

/// The input of a create (required fields are non-null) or of an update (nothing is).
fn input(names: &Names, collection: &Collection, suffix: &str) -> InputObject {
    let owner = collection.name.as_str();
    let start = InputObject::new(names.type_of(owner, suffix)).description(describe(&collection.title, None));
    collection.fields.iter().fold(start, |input, field| {
        let needed = suffix == "Create" && field.required && field.default.is_none();
        let type_ref = scalar::input_ref(names, owner, field, needed);
        let description = describe(&field.label(), field.description.as_ref());
        input.field(InputValue::new(lower_camel(field.name.as_str()), type_ref).description(description))
    })
}

/// What the request wants of a list's nodes; computed fields bring what they need.
pub(crate) fn wanted(ctx: &ResolverContext<'_>, collection: &Collection) -> Vec<Slot> {
    let mut slots = Vec::new();
    for nodes in ctx.ctx.field().selection_set().filter(|field| field.name() == "nodes") {
        for selected in nodes.selection_set() {
            slots.extend(collection.attribute(selected.name(), Spelling::Api).map(|attribute| attribute.slot));
            let is_it = |computed: &&Computed| Spelling::Api.is(selected.name(), computed.name.as_str());
            let needs = collection.computed.iter().find(is_it).map_or(&[][..], |computed| &computed.needs);
            let needed = needs.iter().filter_map(|need| collection.attribute(need.as_str(), Spelling::Manifest));
            slots.extend(needed.map(|attribute| attribute.slot));
        }
    }
    slots
}
