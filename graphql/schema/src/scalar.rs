//! The scalar and shared types, and values between them and the domain.

use std::collections::HashSet;
use std::sync::Arc;

use async_graphql::dynamic::{
    Enum, Field, FieldFuture, FieldValue, InputObject, InputValue, Object, Scalar, SchemaBuilder, Type, TypeRef,
};
use async_graphql::{Name, Value as Gql};
use sunlit_domain::ErrorCode;
use sunlit_domain::error_code::ALL;
use sunlit_domain::manifest::{self, FieldType, Manifest};
use sunlit_domain::value::{Kind, Value};

use crate::answer;
use crate::names::Names;

pub(crate) const DECIMAL: &str = "Decimal";
pub(crate) const DATE: &str = "Date";
pub(crate) const DATE_TIME: &str = "DateTime";
pub(crate) const POINT: &str = "GeoPoint";
pub(crate) const POINT_INPUT: &str = "GeoPointInput";
pub(crate) const BOX_INPUT: &str = "GeoBoxInput";
pub(crate) const CIRCLE_INPUT: &str = "GeoCircleInput";
pub(crate) const GEO_JSON: &str = "GeoJSON";
pub(crate) const JSON: &str = "JSON";
pub(crate) const ERROR_CODE: &str = "ErrorCode";

/// The type of a kind when answered; of a list, its items'.
pub(crate) fn output_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Area => GEO_JSON,
        Kind::Json => JSON,
        Kind::List(element) => output_type(element.kind()),
        Kind::Text => TypeRef::STRING,
        Kind::Int => TypeRef::INT,
        Kind::Decimal(_) => DECIMAL,
        Kind::Bool => TypeRef::BOOLEAN,
        Kind::Date => DATE,
        Kind::DateTime => DATE_TIME,
        Kind::Point => POINT,
        Kind::Id => TypeRef::ID,
    }
}

/// The type of a declared field when answered.
pub(crate) fn output_ref(names: &Names, owner: &str, field: &manifest::Field, needed: bool) -> TypeRef {
    let item = match field.item_type() {
        FieldType::Enum => names.enum_of(owner, field.name.as_str()),
        _ => output_type(field.kind()).to_owned(),
    };
    shaped(field, item, needed)
}

/// The type of a declared field when given.
pub(crate) fn input_ref(names: &Names, owner: &str, field: &manifest::Field, needed: bool) -> TypeRef {
    let item = match field.item_type() {
        FieldType::Enum => names.enum_of(owner, field.name.as_str()),
        FieldType::Point => POINT_INPUT.to_owned(),
        _ => output_type(field.kind()).to_owned(),
    };
    shaped(field, item, needed)
}

/// One or a list of them.
pub(crate) fn shaped(field: &manifest::Field, item: String, needed: bool) -> TypeRef {
    match (field.field_type == FieldType::List, needed) {
        (true, true) => TypeRef::named_nn_list_nn(item),
        (true, false) => TypeRef::named_nn_list(item),
        (false, true) => TypeRef::named_nn(item),
        (false, false) => TypeRef::named(item),
    }
}

/// The enum type of an enum field.
pub(crate) fn enum_type(names: &Names, owner: &str, field: &manifest::Field) -> Option<Enum> {
    if field.item_type() != FieldType::Enum {
        return None;
    }
    let label = crate::names::describe(&field.label(), field.description.as_ref());
    let start = Enum::new(names.enum_of(owner, field.name.as_str())).description(label);
    Some(field.values.iter().fold(start, |item, option| {
        let name = option.value.as_str().to_ascii_uppercase();
        item.item(async_graphql::dynamic::EnumItem::new(name).description(crate::names::describe(&option.title, None)))
    }))
}

/// A value as GraphQL answers it; `field_type` is the type of the field, or of a list's items.
pub(crate) fn to_gql(field_type: Option<FieldType>, value: &Value) -> Option<FieldValue<'static>> {
    // Every value of an answer passes here: one that no longer fits is left out, and the whole answer is then refused.
    if !answer::charge(own_bytes(value)) {
        return None;
    }
    Some(match value {
        Value::Null => return None,
        Value::Bool(value) => FieldValue::value(*value),
        Value::Int(value) => FieldValue::value(*value),
        Value::Text(text) if field_type == Some(FieldType::Enum) => {
            FieldValue::value(Gql::Enum(Name::new(text.to_ascii_uppercase())))
        }
        Value::Text(text) => FieldValue::value(text.as_str()),
        Value::Decimal(decimal) => FieldValue::value(decimal.to_string()),
        Value::Date(date) => FieldValue::value(date.to_string()),
        Value::DateTime(instant) => FieldValue::value(instant.to_string()),
        Value::Id(id) => FieldValue::value(id.to_string()),
        Value::Point(point) => FieldValue::owned_any(*point),
        Value::Area(area) => FieldValue::value(Gql::from_json(area.to_geojson()).ok()?),
        Value::Json(text) => FieldValue::value(Gql::from_json(text.to_json()).ok()?),
        Value::List(items) => FieldValue::list(items.iter().filter_map(|item| to_gql(field_type, item))),
    })
}

/// What a value adds to an answer by itself; the items of a list are counted one by one.
fn own_bytes(value: &Value) -> usize {
    let inside = if matches!(value, Value::List(_)) { 0 } else { value.size_bytes() };
    inside.max(size_of::<Value>())
}

/// The scalars of kinds that few packages use, for those that do.
fn rare(schema: SchemaBuilder, manifests: &[Arc<Manifest>]) -> SchemaBuilder {
    let fields = manifests.iter().flat_map(|manifest| &manifest.collections).flat_map(|collection| &collection.fields);
    let kinds: HashSet<Kind> = fields.map(manifest::Field::kind).collect();
    let schema = match kinds.contains(&Kind::Json) {
        true => schema.register(Scalar::new(JSON).description("任意 JSON，原样保存。 / Any JSON, kept as it is.")),
        false => schema,
    };
    if !kinds.contains(&Kind::Area) {
        return schema;
    }
    let scalar = Scalar::new(GEO_JSON)
        .description(
            "GeoJSON 的 Polygon 或 MultiPolygon，CGCS2000 坐标。 / A GeoJSON Polygon or MultiPolygon in CGCS2000.",
        )
        .validator(|value: &Gql| matches!(value, Gql::Object(_)));
    let test = InputObject::new(test_type(Kind::Area))
        .description("按外接矩形比较。 / Tests the smallest box that holds the area.")
        .field(InputValue::new("within", TypeRef::named(BOX_INPUT)))
        .field(InputValue::new("intersects", TypeRef::named(BOX_INPUT)))
        .field(InputValue::new("isNull", TypeRef::named(TypeRef::BOOLEAN)));
    schema.register(scalar).register(test)
}

/// The types that every schema has, and those of its packages' rarer kinds.
pub(crate) fn register(schema: SchemaBuilder, manifests: &[Arc<Manifest>]) -> SchemaBuilder {
    let schema = rare(schema, manifests);
    let text_or_number = |value: &Gql| matches!(value, Gql::String(_) | Gql::Number(_));
    let text = |value: &Gql| matches!(value, Gql::String(_));
    let scalars = [
        Scalar::new(DECIMAL)
            .description("精确小数，以字符串返回，如 \"12.50\"；输入可用字符串或数字。 / An exact decimal, answered as a string.")
            .validator(text_or_number),
        Scalar::new(DATE).description("日期，如 2026-11-22。 / A day.").validator(text),
        Scalar::new(DATE_TIME)
            .description("时刻，UTC，如 2026-11-22T08:30:00.000000Z。 / An instant in UTC.")
            .validator(text),
    ];
    let schema = scalars.into_iter().fold(schema, SchemaBuilder::register);
    let schema = shared_tests().into_iter().fold(schema, SchemaBuilder::register);
    schema.register(point()).register(error_code()).register(user_error()).register(page_info())
}

fn point() -> Type {
    type Coordinate = fn(sunlit_domain::geometry::Point) -> f64;
    let coordinate = |name: &str, description: &str, get: Coordinate| {
        Field::new(name, TypeRef::named_nn(TypeRef::FLOAT), move |ctx| {
            let point = ctx.parent_value.try_downcast_ref::<sunlit_domain::geometry::Point>();
            FieldFuture::Value(point.ok().map(|point| FieldValue::value(get(*point))))
        })
        .description(description)
    };
    Object::new(POINT)
        .description("地图上的点，CGCS2000 坐标，单位为度。 / A point in CGCS2000, in degrees.")
        .field(coordinate("lat", "纬度 / Latitude", sunlit_domain::geometry::Point::lat))
        .field(coordinate("lng", "经度 / Longitude", sunlit_domain::geometry::Point::lng))
        .into()
}

/// The inputs that test values of each kind: the one filter language, typed.
fn shared_tests() -> Vec<Type> {
    let float = |name: &str| InputValue::new(name, TypeRef::named_nn(TypeRef::FLOAT));
    let point_input = InputObject::new(POINT_INPUT)
        .description("CGCS2000 坐标，单位为度。 / A point in CGCS2000, in degrees.")
        .field(float("lat"))
        .field(float("lng"));
    let box_input = InputObject::new(BOX_INPUT)
        .description("经纬度范围，含边界。 / A box in degrees, borders included.")
        .field(float("south"))
        .field(float("west"))
        .field(float("north"))
        .field(float("east"));
    let circle_input = InputObject::new(CIRCLE_INPUT)
        .description("以一点为圆心、若干米为半径的范围。 / A circle about a point, at most 200,000 metres wide.")
        .field(InputValue::new("at", TypeRef::named_nn(POINT_INPUT)))
        .field(InputValue::new("metres", TypeRef::named_nn(TypeRef::INT)));
    let point_test = InputObject::new("GeoPointFilter")
        .field(InputValue::new("within", TypeRef::named(BOX_INPUT)))
        .field(InputValue::new("near", TypeRef::named(CIRCLE_INPUT)))
        .field(InputValue::new("isNull", TypeRef::named(TypeRef::BOOLEAN)));
    let mut types: Vec<Type> = vec![point_input.into(), box_input.into(), circle_input.into(), point_test.into()];
    for element in [Kind::Text, Kind::Int, Kind::Decimal(0), Kind::Date, Kind::Id] {
        let operand = output_type(element);
        types.push(list_test_input(&format!("{operand}ListFilter"), operand).into());
    }
    for kind in [Kind::Text, Kind::Int, Kind::Decimal(0), Kind::Bool, Kind::Date, Kind::DateTime, Kind::Id] {
        types.push(test_input(&test_type(kind), output_type(kind), kind).into());
    }
    types
}

/// The name of the input that tests values of `kind`.
pub(crate) fn test_type(kind: Kind) -> String {
    let list = if matches!(kind, Kind::List(_)) { "List" } else { "" };
    format!("{}{list}Filter", output_type(kind))
}

/// An input with the tests of a list of `operand`.
pub(crate) fn list_test_input(name: &str, operand: &str) -> InputObject {
    InputObject::new(name)
        .field(InputValue::new("has", TypeRef::named(operand)))
        .field(InputValue::new("hasAny", TypeRef::named_nn_list(operand)))
        .field(InputValue::new("isNull", TypeRef::named(TypeRef::BOOLEAN)))
}

/// An input with the tests that `kind` knows, on values of `operand`.
pub(crate) fn test_input(name: &str, operand: &str, kind: Kind) -> InputObject {
    let one = |input: InputObject, test: &str| input.field(InputValue::new(test, TypeRef::named(operand)));
    let many = |input: InputObject, test: &str| input.field(InputValue::new(test, TypeRef::named_nn_list(operand)));
    let mut input = ["eq", "ne"].into_iter().fold(InputObject::new(name), one);
    input = ["in", "notIn"].into_iter().fold(input, many);
    if !matches!(kind, Kind::Bool | Kind::Id) {
        input = ["lt", "lte", "gt", "gte"].into_iter().fold(input, one);
    }
    if kind == Kind::Text && operand == TypeRef::STRING {
        input = ["contains", "startsWith"].into_iter().fold(input, one);
    }
    input.field(InputValue::new("isNull", TypeRef::named(TypeRef::BOOLEAN)))
}

fn error_code() -> Type {
    let start = Enum::new(ERROR_CODE).description("错误代码。 / What went wrong.");
    ALL.into_iter().fold(start, |item, code: ErrorCode| item.item(code.code())).into()
}

/// A problem with what was entered, as payloads list it.
#[derive(Debug, Clone)]
pub(crate) struct UserError {
    pub(crate) code: ErrorCode,
    pub(crate) message: String,
    pub(crate) path: Vec<String>,
}

fn user_error() -> Type {
    Object::new("UserError")
        .description("需要用户改正的问题。 / Something to correct.")
        .field(Field::new("code", TypeRef::named_nn(ERROR_CODE), |ctx| {
            let error = ctx.parent_value.try_downcast_ref::<UserError>();
            FieldFuture::Value(error.ok().map(|error| FieldValue::value(Gql::Enum(Name::new(error.code.code())))))
        }))
        .field(Field::new("message", TypeRef::named_nn(TypeRef::STRING), |ctx| {
            let error = ctx.parent_value.try_downcast_ref::<UserError>();
            FieldFuture::Value(error.ok().map(|error| FieldValue::value(error.message.as_str())))
        }))
        .field(Field::new("path", TypeRef::named_nn_list_nn(TypeRef::STRING), |ctx| {
            let error = ctx.parent_value.try_downcast_ref::<UserError>();
            FieldFuture::Value(
                error.ok().map(|error| FieldValue::list(error.path.iter().map(String::as_str).map(FieldValue::value))),
            )
        }))
        .into()
}

/// The field of a payload that lists what has to be corrected.
pub(crate) fn errors<P: Send + Sync + 'static>(of: fn(&P) -> &[UserError]) -> Field {
    Field::new("errors", TypeRef::named_nn_list_nn("UserError"), move |ctx| {
        let payload = ctx.parent_value.try_downcast_ref::<P>().ok();
        let errors = payload.map(|payload| of(payload).iter().cloned().map(FieldValue::owned_any));
        FieldFuture::Value(errors.map(FieldValue::list))
    })
}

/// Where a page ends.
#[derive(Debug, Clone)]
pub(crate) struct PageInfo {
    pub(crate) has_next: bool,
    pub(crate) end_cursor: Option<String>,
}

fn page_info() -> Type {
    Object::new("PageInfo")
        .description("分页信息。 / Where a page ends.")
        .field(Field::new("hasNextPage", TypeRef::named_nn(TypeRef::BOOLEAN), |ctx| {
            let info = ctx.parent_value.try_downcast_ref::<PageInfo>();
            FieldFuture::Value(info.ok().map(|info| FieldValue::value(info.has_next)))
        }))
        .field(Field::new("endCursor", TypeRef::named(TypeRef::STRING), |ctx| {
            let info = ctx.parent_value.try_downcast_ref::<PageInfo>();
            FieldFuture::Value(info.ok().and_then(|info| info.end_cursor.as_deref()).map(FieldValue::value))
        }))
        .into()
}
