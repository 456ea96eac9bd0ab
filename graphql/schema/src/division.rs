//! The division codes of the tenant, today's and former ones.

use async_graphql::dynamic::{Field, FieldFuture, FieldValue, Object, Type, TypeRef};
use sunlit_app::query::division_codes;
use sunlit_domain::division_code::{DivisionCode, MAX_FORMER_CODES};

use crate::cost::Length;
use crate::node::{failed, reading, settle};
use crate::scalar::DATE;

const CODE: &str = "DivisionCode";
/// The list among the root fields, for the cost measure too.
pub(crate) const CODES: &str = "divisionCodes";

/// How long the list may be.
pub(crate) fn length() -> Length {
    let most = u32::try_from(MAX_FORMER_CODES + 1).unwrap_or(u32::MAX);
    Length { usual: most, most }
}

/// The root query field.
pub(crate) fn query() -> Field {
    Field::new(CODES, TypeRef::named_nn_list(CODE), |ctx| {
        FieldFuture::new(async move {
            let found = division_codes::run(reading(&ctx)?).await.map_err(|error| failed(&ctx, &error));
            settle(&ctx, found.map(|codes| Some(FieldValue::list(codes.into_iter().map(FieldValue::owned_any)))))
        })
    })
    .description("本机关的区划代码，按时间先后，现行的在最后；部门没有。 / The authority's division codes in order of time, today's last.")
}

/// The type of a code.
pub(crate) fn code() -> Type {
    type Text = fn(&DivisionCode) -> Option<String>;
    let text = |name: &str, of: TypeRef, description: &str, get: Text| {
        Field::new(name, of, move |ctx| {
            let code = ctx.parent_value.try_downcast_ref::<DivisionCode>();
            FieldFuture::Value(code.ok().and_then(get).map(FieldValue::value))
        })
        .description(description)
    };
    let digits = "六位（GB/T 2260），街道九位。 / Six digits of GB/T 2260, nine of a street.";
    let from = "启用之日；不详则为空。 / The first day on which it held; none when that is not known.";
    let to = "停用之日；现行的为空。 / The first day on which it no longer held; none of today's.";
    Object::new(CODE)
        .description("行政区划代码及其有效期。 / A division code and the days on which it holds.")
        .field(text("code", TypeRef::named_nn(TypeRef::STRING), digits, |code| Some(code.code.clone())))
        .field(text("validFrom", TypeRef::named(DATE), from, |code| code.valid_from.map(|day| day.to_string())))
        .field(text("validTo", TypeRef::named(DATE), to, |code| code.valid_to.map(|day| day.to_string())))
        .into()
}
