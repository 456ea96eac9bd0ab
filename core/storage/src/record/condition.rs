//! Filters as SQL. Says exactly what `Filter::matches` says: a test of a missing value is false, and negation is pushed
//! down to the tests, so that SQL's third truth value never shows.

use sea_orm::sea_query::{Alias, Expr, ExprTrait, Query};
use sunlit_domain::filter::{Filter, Test};
use sunlit_domain::geometry::Circle;
use sunlit_domain::manifest::{Attribute, Slot};
use sunlit_domain::value::{Kind, Value};

use super::encoding::to_sql;
use crate::session::TENANT;
use crate::table::{ITEM, RECORD};
use crate::{Engine, Table};

pub(super) fn condition(engine: Engine, table: &Table, filter: &Filter) -> Expr {
    Render { engine, table }.filter(filter, false)
}

struct Render<'a> {
    engine: Engine,
    table: &'a Table,
}

impl Render<'_> {
    fn filter(&self, filter: &Filter, negated: bool) -> Expr {
        match filter {
            Filter::Not(inner) => self.filter(inner, !negated),
            Filter::And(all) => self.joined(all, negated, !negated),
            Filter::Or(any) => self.joined(any, negated, negated),
            Filter::Test(attribute, test) => self.test(*attribute, test, negated),
        }
    }

    /// All of them (`conjunction`) or any of them, each negated or not; of none, true or false.
    fn joined(&self, filters: &[Filter], negated: bool, conjunction: bool) -> Expr {
        let parts = filters.iter().map(|filter| self.filter(filter, negated));
        let joined = parts.reduce(|left, right| if conjunction { left.and(right) } else { left.or(right) });
        joined.unwrap_or_else(|| truth(conjunction))
    }

    fn test(&self, attribute: Attribute, test: &Test, negated: bool) -> Expr {
        let columns = self.table.columns(attribute.slot);
        let column = || Expr::col(Alias::new(columns[0].as_str()));
        let name = || Alias::new(columns[0].as_str());
        // Positive tests of a missing value come out as NULL, which a WHERE takes for false.
        let or_missing = |expr: Expr| expr.or(column().is_null());
        match (test, negated) {
            (Test::IsNull(missing), _) => {
                if *missing != negated {
                    column().is_null()
                } else {
                    column().is_not_null()
                }
            }
            (Test::Eq(value), false) | (Test::Ne(value), true) => column().eq(to_sql(value)),
            (Test::Eq(value), true) | (Test::Ne(value), false) => or_missing(column().ne(to_sql(value))),
            (Test::In(values), false) | (Test::NotIn(values), true) => column().is_in(values.iter().map(to_sql)),
            (Test::In(values), true) | (Test::NotIn(values), false) => {
                or_missing(column().is_not_in(values.iter().map(to_sql)))
            }
            (Test::Lt(value), false) => column().lt(to_sql(value)),
            (Test::Lt(value), true) => or_missing(column().gte(to_sql(value))),
            (Test::Lte(value), false) => column().lte(to_sql(value)),
            (Test::Lte(value), true) => or_missing(column().gt(to_sql(value))),
            (Test::Gt(value), false) => column().gt(to_sql(value)),
            (Test::Gt(value), true) => or_missing(column().lte(to_sql(value))),
            (Test::Gte(value), false) => column().gte(to_sql(value)),
            (Test::Gte(value), true) => or_missing(column().lt(to_sql(value))),
            (Test::Contains(part), false) => self.engine.contains(name(), part),
            (Test::Contains(part), true) => or_missing(self.engine.contains(name(), part).not()),
            (Test::StartsWith(part), false) => self.engine.starts_with(name(), part),
            (Test::StartsWith(part), true) => or_missing(self.engine.starts_with(name(), part).not()),
            (Test::Within(bounds), negated) => {
                let [south, west, north, east] = self.sides(attribute, &columns);
                let (low, high) = (bounds.south_west, bounds.north_east);
                let inside = south
                    .gte(i64::from(low.lat_e6))
                    .and(west.gte(i64::from(low.lng_e6)))
                    .and(north.lte(i64::from(high.lat_e6)))
                    .and(east.lte(i64::from(high.lng_e6)));
                if negated { or_missing(inside.not()) } else { inside }
            }
            (Test::Intersects(bounds), negated) => {
                let [south, west, north, east] = self.sides(attribute, &columns);
                let (low, high) = (bounds.south_west, bounds.north_east);
                let shared = south
                    .lte(i64::from(high.lat_e6))
                    .and(west.lte(i64::from(high.lng_e6)))
                    .and(north.gte(i64::from(low.lat_e6)))
                    .and(east.gte(i64::from(low.lng_e6)));
                if negated { or_missing(shared.not()) } else { shared }
            }
            (Test::Near(circle), negated) => {
                let [lat, lng, ..] = self.sides(attribute, &columns);
                let inside = self.test(attribute, &Test::Within(circle.bounds()), false).and(near(circle, &lat, &lng));
                if negated { or_missing(inside.not()) } else { inside }
            }
            (Test::HasAny(values), negated) => {
                let found = self.has_any(attribute, values);
                if negated { found.not() } else { found }
            }
        }
    }

    /// South, west, north and east of a point or of an area's box.
    fn sides(&self, attribute: Attribute, columns: &[String]) -> [Expr; 4] {
        let places = if attribute.kind == Kind::Area { [1, 2, 3, 4] } else { [0, 1, 0, 1] };
        places.map(|at| Expr::col(Alias::new(columns.get(at).map_or("", String::as_str))))
    }

    /// Whether the list holds one of `values`: asked of the table of its items.
    fn has_any(&self, attribute: Attribute, values: &[Value]) -> Expr {
        let Slot::Field(index) = attribute.slot else { return truth(false) };
        let items = Alias::new(self.table.items_name(&self.table.collection().fields[index]));
        let mut select = Query::select();
        select
            .expr(Expr::val(1_i64))
            .from(items.clone())
            .and_where(Expr::col((items.clone(), Alias::new(TENANT))).eq(Expr::col(self.own(TENANT))))
            .and_where(Expr::col((items.clone(), Alias::new(RECORD))).eq(Expr::col(self.own("id"))))
            .and_where(Expr::col((items, Alias::new(ITEM))).is_in(values.iter().map(to_sql)));
        Expr::exists(select)
    }

    fn own(&self, column: &str) -> (Alias, Alias) {
        (Alias::new(self.table.name()), Alias::new(column))
    }
}

/// The test of `Circle::contains` beside that of its box, in whole numbers.
fn near(circle: &Circle, lat: &Expr, lng: &Expr) -> Expr {
    let (cosine, reach) = circle.terms();
    let up = || lat.clone().sub(i64::from(circle.centre().lat_e6));
    let across = || lng.clone().sub(i64::from(circle.centre().lng_e6)).mul(cosine).div(1_000_000_i64);
    up().mul(up()).add(across().mul(across())).lte(reach)
}

/// `is_in` of nothing renders the same way in sea-query: a comparison of constants that every engine knows.
fn truth(value: bool) -> Expr {
    Expr::val(1_i64).eq(i64::from(value))
}
