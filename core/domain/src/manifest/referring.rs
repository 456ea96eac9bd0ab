//! The lists that references make: what refers to a collection is a list of its records.

use super::{Collection, Field, FieldType, Manifest};

/// A reference that leads to a collection, seen from there.
#[derive(Debug, Clone, Copy)]
pub struct Referring<'a> {
    /// The collection whose records refer.
    pub collection: &'a Collection,
    /// The index of the field by which they do.
    pub field: usize,
    alone: bool,
}

impl Referring<'_> {
    /// The list's name, as manifests spell names: `service_points`, or `service_points_by_street` where more than one field
    /// of the collection leads here.
    #[must_use]
    pub fn name(&self) -> String {
        let plural = self.collection.plural();
        if self.alone { plural } else { format!("{plural}_by_{}", self.collection.fields[self.field].name) }
    }
}

impl Manifest {
    /// The references of the package's collections that lead to `to` and by which records may be looked up.
    pub fn referring<'a>(&'a self, to: &'a Collection) -> impl Iterator<Item = Referring<'a>> {
        let leads_here = |field: &Field| {
            let target = field.to.as_ref().filter(|target| target.package().is_none());
            field.filter && field.field_type == FieldType::Ref && target.is_some_and(|t| *t.collection() == to.name)
        };
        self.collections.iter().flat_map(move |collection| {
            let fields = collection.fields.iter().enumerate().filter(move |(_, field)| leads_here(field));
            let alone = fields.clone().count() == 1;
            fields.map(move |(field, _)| Referring { collection, field, alone })
        })
    }
}
