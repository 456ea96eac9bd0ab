//! Aggregates of a collection: counts, sums, means, least and greatest values, of all records that a filter admits or by
//! groups of them.

use std::sync::Arc;

use async_graphql::dynamic::{
    Enum, EnumItem, Field, FieldFuture, FieldValue, InputValue, Object, ResolverContext, Type, TypeRef,
};
use async_graphql::{Error, SelectionField};
use sunlit_app::query::record_aggregate::{self, Ask, Group, GroupTerm};
use sunlit_app::{AppError, Installed};
use sunlit_domain::access::Root;
use sunlit_domain::filter::Filter;
use sunlit_domain::id::lower_camel;
use sunlit_domain::manifest::{self, Attribute, Collection, FieldType, Slot, Spelling, Standard};
use sunlit_domain::value::{Kind, Value};

use crate::argument;
use crate::names::{Names, describe};
use crate::node::{failed, installed, reading, root, settle};
use crate::reference::Target;
use crate::scalar::{self, to_gql};

/// How many groups are answered when the caller does not say.
pub(crate) const DEFAULT_GROUPS: u32 = 100;

/// What an aggregate is about.
#[derive(Debug, Clone)]
struct Subject {
    root: Root,
    installed: Arc<Installed>,
    collection: Arc<str>,
    filter: Option<Filter>,
}

/// One group and what was measured of it; the aggregate of all is a group without a key.
#[derive(Debug)]
struct Row {
    subject: Subject,
    by: Vec<GroupTerm>,
    measures: Vec<Attribute>,
    group: Group,
}

/// One kind of measure of a row.
#[derive(Debug, Clone)]
struct Part(Arc<Row>, Which);

#[derive(Debug, Clone, Copy)]
enum Which {
    Sum,
    Avg,
    Min,
    Max,
}

/// Groups behind `groups`.
#[derive(Debug)]
struct Listed {
    rows: Vec<Arc<Row>>,
    has_next: bool,
}

/// The fields whose values are looked up anyway, and so may be measured or grouped by.
fn looked_up(collection: &Collection) -> impl Iterator<Item = (usize, &manifest::Field)> {
    collection.fields.iter().enumerate().filter(|(_, field)| field.filter || field.sort)
}

fn numbers(collection: &Collection) -> Vec<(usize, &manifest::Field)> {
    looked_up(collection).filter(|(_, field)| matches!(field.kind(), Kind::Int | Kind::Decimal(_))).collect()
}

fn bounded(collection: &Collection) -> Vec<(usize, &manifest::Field)> {
    let has_bounds = |kind| matches!(kind, Kind::Int | Kind::Decimal(_) | Kind::Date | Kind::DateTime);
    looked_up(collection).filter(|(_, field)| has_bounds(field.kind())).collect()
}

/// By what records are grouped: the name of each term as manifests spell names.
fn terms(collection: &Collection) -> Vec<(String, GroupTerm)> {
    let state = Attribute { slot: Slot::Standard(Standard::State), kind: Kind::Text };
    let mut terms = vec![(Standard::State.name().to_owned(), GroupTerm::Value(state))];
    for (index, field) in looked_up(collection) {
        let attribute = Attribute { slot: Slot::Field(index), kind: field.kind() };
        if matches!(field.kind(), Kind::Text | Kind::Bool | Kind::Int | Kind::Date | Kind::Id) {
            terms.push((field.name.to_string(), GroupTerm::Value(attribute)));
        }
        if field.kind() == Kind::Date {
            let parts = [("year", GroupTerm::Year(attribute)), ("month", GroupTerm::Month(attribute))];
            let named = parts.map(|(part, term)| (format!("{}_{part}", field.name), term));
            let is_free = |name: &str| collection.field(name, Spelling::Manifest).is_none();
            terms.extend(named.into_iter().filter(|(name, _)| is_free(name)));
        }
    }
    terms
}

/// The types of a collection's aggregates.
pub(crate) fn types(names: &Names, collection: &Collection) -> Vec<Type> {
    let own = collection.name.as_str();
    let mut types: Vec<Type> = vec![
        measures(names, collection, Object::new(names.type_of(own, "Aggregate")))
            .field(groups(names, collection))
            .into(),
        measures(names, collection, Object::new(names.type_of(own, "Group")))
            .field(Field::new("key", TypeRef::named_nn(names.type_of(own, "GroupKey")), |ctx| {
                let row = ctx.parent_value.try_downcast_ref::<Arc<Row>>().ok();
                FieldFuture::Value(row.map(|row| FieldValue::owned_any(Arc::clone(row))))
            }))
            .into(),
        key(names, collection).into(),
        listed(names, collection).into(),
    ];
    let start = Enum::new(names.type_of(own, "GroupBy"));
    let by = terms(collection).into_iter();
    types.push(by.fold(start, |item, (name, _)| item.item(EnumItem::new(name.to_ascii_uppercase()))).into());
    if !numbers(collection).is_empty() {
        let start = Object::new(names.type_of(own, "Totals"));
        let total = |object: Object, (index, field): (usize, &manifest::Field)| {
            object.field(measured(index, field, TypeRef::named(scalar::DECIMAL)))
        };
        types.push(numbers(collection).into_iter().fold(start, total).into());
    }
    if !bounded(collection).is_empty() {
        let start = Object::new(names.type_of(own, "Bounds"));
        let bound = |object: Object, (index, field): (usize, &manifest::Field)| {
            object.field(measured(index, field, scalar::output_ref(names, own, field, false)))
        };
        types.push(bounded(collection).into_iter().fold(start, bound).into());
    }
    types
}

/// `count`, `sum`, `avg`, `min` and `max` of a row.
fn measures(names: &Names, collection: &Collection, object: Object) -> Object {
    let own = collection.name.as_str();
    let mut object = object.description(describe(&collection.title, None)).field(
        Field::new("count", TypeRef::named_nn(TypeRef::INT), |ctx| {
            let row = ctx.parent_value.try_downcast_ref::<Arc<Row>>().ok();
            FieldFuture::Value(row.map(|row| FieldValue::value(row.group.count)))
        })
        .description("记录数。 / How many records."),
    );
    let part = |name: &'static str, suffix: &str, which: Which| {
        Field::new(name, TypeRef::named_nn(names.type_of(own, suffix)), move |ctx| {
            let row = ctx.parent_value.try_downcast_ref::<Arc<Row>>().ok();
            FieldFuture::Value(row.map(|row| FieldValue::owned_any(Part(Arc::clone(row), which))))
        })
    };
    if !numbers(collection).is_empty() {
        object = object.field(part("sum", "Totals", Which::Sum)).field(
            part("avg", "Totals", Which::Avg)
                .description("平均值，多保留两位小数，四舍五入。 / The mean, with two more digits after the point."),
        );
    }
    if !bounded(collection).is_empty() {
        object = object.field(part("min", "Bounds", Which::Min)).field(part("max", "Bounds", Which::Max));
    }
    object
}

fn measured(index: usize, field: &manifest::Field, type_ref: TypeRef) -> Field {
    Field::new(lower_camel(field.name.as_str()), type_ref, move |ctx| {
        let part = ctx.parent_value.try_downcast_ref::<Part>().ok();
        FieldFuture::Value(part.and_then(|part| value_of(part, index)))
    })
    .description(describe(&field.label(), field.description.as_ref()))
}

fn value_of(Part(row, which): &Part, index: usize) -> Option<FieldValue<'static>> {
    let at = row.measures.iter().position(|attribute| attribute.slot == Slot::Field(index))?;
    let measure = row.group.measures.get(at)?;
    match which {
        Which::Sum => measure.sum.map(|sum| FieldValue::value(sum.to_string())),
        Which::Avg => Some(FieldValue::value(measure.sum?.mean(measure.present)?.to_string())),
        Which::Min => to_gql(None, &measure.min),
        Which::Max => to_gql(None, &measure.max),
    }
}

fn key(names: &Names, collection: &Collection) -> Object {
    let own = collection.name.as_str();
    let start = Object::new(names.type_of(own, "GroupKey"))
        .description("分组的值；未按该项分组时为空。 / What a group has in common; null for what was not grouped by.");
    terms(collection).into_iter().fold(start, |object, (name, term)| {
        object.field(match (term, field_of(collection, term)) {
            (GroupTerm::Value(_), Some(field)) if field.field_type == FieldType::Ref => {
                referred(names, field, &name, term)
            }
            (GroupTerm::Value(_), Some(field)) => {
                plain(&name, scalar::output_ref(names, own, field, false), Some(field.field_type), term)
            }
            (GroupTerm::Year(_), _) => plain(&name, TypeRef::named(TypeRef::INT), None, term),
            _ => plain(&name, TypeRef::named(TypeRef::STRING), None, term),
        })
    })
}

fn field_of(collection: &Collection, term: GroupTerm) -> Option<&manifest::Field> {
    match term {
        GroupTerm::Value(Attribute { slot: Slot::Field(index), .. }) => collection.fields.get(index),
        _ => None,
    }
}

fn plain(name: &str, type_ref: TypeRef, field_type: Option<FieldType>, term: GroupTerm) -> Field {
    Field::new(lower_camel(name), type_ref, move |ctx| {
        let row = ctx.parent_value.try_downcast_ref::<Arc<Row>>().ok();
        FieldFuture::Value(row.and_then(|row| to_gql(field_type, key_value(row, term)?)))
    })
}

fn referred(names: &Names, field: &manifest::Field, name: &str, term: GroupTerm) -> Field {
    let target = field.to.as_ref().map(|to| (Target::of(names, to, false), names.referred(to)));
    let type_name = target.as_ref().map_or_else(|| TypeRef::ID.to_owned(), |(_, name)| name.clone());
    let target = target.map(|(target, _)| target);
    Field::new(lower_camel(name), TypeRef::named(type_name), move |ctx| {
        let target = target.clone();
        FieldFuture::new(async move {
            let row = ctx.parent_value.try_downcast_ref::<Arc<Row>>()?;
            let (Some(target), Some(value)) = (target, key_value(row, term)) else { return Ok(None) };
            settle(&ctx, target.follow(&ctx, row.subject.root, value).await)
        })
    })
}

fn key_value(row: &Row, term: GroupTerm) -> Option<&Value> {
    row.group.keys.get(row.by.iter().position(|by| *by == term)?)
}

fn listed(names: &Names, collection: &Collection) -> Object {
    let own = collection.name.as_str();
    Object::new(names.type_of(own, "Groups"))
        .field(Field::new("nodes", TypeRef::named_nn_list_nn(names.type_of(own, "Group")), |ctx| {
            let listed = ctx.parent_value.try_downcast_ref::<Listed>().ok();
            FieldFuture::Value(
                listed.map(|listed| FieldValue::list(listed.rows.iter().cloned().map(FieldValue::owned_any))),
            )
        }))
        .field(
            Field::new("hasNext", TypeRef::named_nn(TypeRef::BOOLEAN), |ctx| {
                let listed = ctx.parent_value.try_downcast_ref::<Listed>().ok();
                FieldFuture::Value(listed.map(|listed| FieldValue::value(listed.has_next)))
            })
            .description("是否还有更小的分组。 / Whether there are more, smaller groups."),
        )
}

/// The root field `<plural>Aggregate`.
pub(crate) fn field(names: &Names, collection: &Collection) -> Field {
    let (package, name): (Arc<str>, Arc<str>) = (names.package().into(), collection.name.as_str().into());
    let own = collection.name.as_str();
    let type_ref = TypeRef::named(names.type_of(own, "Aggregate"));
    let field = Field::new(format!("{}Aggregate", lower_camel(&collection.plural())), type_ref, move |ctx| {
        let (package, name) = (Arc::clone(&package), Arc::clone(&name));
        FieldFuture::new(async move { settle(&ctx, all(&ctx, &package, name).await) })
    });
    argument::narrowing(field, names, collection)
        .description(describe(&collection.title, collection.description.as_ref()))
}

async fn all<'a>(ctx: &ResolverContext<'a>, package: &str, name: Arc<str>) -> Result<Option<FieldValue<'a>>, Error> {
    let installed = installed(ctx, package)?;
    let collection = installed.package.table(&name).map_err(|error| failed(ctx, &error))?.collection();
    let filter = argument::narrowed(ctx, collection)?;
    let measures = wanted(ctx.ctx.field(), collection);
    let subject = Subject { root: root(ctx), installed: Arc::clone(&installed), collection: name, filter };
    let ask = Ask { filter: subject.filter.clone(), by: Vec::new(), measures, first: 1 };
    let row = ask_for(ctx, &subject, ask).await?.rows.pop();
    Ok(row.map(FieldValue::owned_any))
}

fn groups(names: &Names, collection: &Collection) -> Field {
    let own = collection.name.as_str();
    Field::new("groups", TypeRef::named(names.type_of(own, "Groups")), |ctx| {
        FieldFuture::new(async move { settle(&ctx, grouped(&ctx).await) })
    })
    .argument(InputValue::new("by", TypeRef::named_nn_list_nn(names.type_of(own, "GroupBy"))))
    .argument(InputValue::new("first", TypeRef::named(TypeRef::INT)).default_value(DEFAULT_GROUPS))
    .description("分组统计，由多到少。 / By groups, the largest first.")
}

async fn grouped<'a>(ctx: &ResolverContext<'a>) -> Result<Option<FieldValue<'a>>, Error> {
    let row = ctx.parent_value.try_downcast_ref::<Arc<Row>>()?;
    let subject = row.subject.clone();
    let table = subject.installed.package.table(&subject.collection).map_err(|error| failed(ctx, &error))?;
    let known = terms(table.collection());
    let mut by = Vec::new();
    for item in ctx.args.try_get("by")?.list()?.iter() {
        let name = item.enum_name()?.to_ascii_lowercase();
        let term = known.iter().find(|(known, _)| *known == name).map(|(_, term)| *term);
        by.push(term.ok_or_else(|| failed(ctx, &AppError::Argument(format!("there is no term {name}"))))?);
    }
    let selected = ctx.ctx.field();
    let nodes = selected.selection_set().filter(|field| field.name() == "nodes");
    let measures = nodes.flat_map(|nodes| wanted(nodes, table.collection())).collect();
    let first = argument::count(ctx, "first", DEFAULT_GROUPS, record_aggregate::MAX_GROUPS)?;
    let ask = Ask { filter: subject.filter.clone(), by, measures, first };
    Ok(Some(FieldValue::owned_any(ask_for(ctx, &subject, ask).await?)))
}

async fn ask_for(ctx: &ResolverContext<'_>, subject: &Subject, ask: Ask) -> Result<Listed, Error> {
    let (by, measures) = (ask.by.clone(), ask.measures.clone());
    let reading = reading(ctx)?.through(subject.root);
    let found = record_aggregate::run(&reading, &subject.installed.package, &subject.collection, ask).await;
    let found = found.map_err(|error| failed(ctx, &error))?;
    let row = |group| Arc::new(Row { subject: subject.clone(), by: by.clone(), measures: measures.clone(), group });
    Ok(Listed { rows: found.groups.into_iter().map(row).collect(), has_next: found.has_next })
}

/// The fields of which something is measured below `selected`, each once.
fn wanted(selected: SelectionField<'_>, collection: &Collection) -> Vec<Attribute> {
    let mut attributes: Vec<Attribute> = Vec::new();
    for part in selected.selection_set().filter(|part| matches!(part.name(), "sum" | "avg" | "min" | "max")) {
        for field in part.selection_set() {
            let found = collection.attribute(field.name(), Spelling::Api);
            attributes.extend(found.filter(|attribute| !attributes.contains(attribute)));
        }
    }
    attributes
}
