//! References followed to the records that they lead to, in the same package or another.

use std::sync::Arc;

use async_graphql::Error;
use async_graphql::dataloader::DataLoader;
use async_graphql::dynamic::{FieldValue, ResolverContext};
use sunlit_domain::access::Root;
use sunlit_domain::id::RecordId;
use sunlit_domain::manifest::RefTarget;
use sunlit_domain::value::Value;

use crate::loader::{Gather, RefKey};
use crate::names::Names;
use crate::node::{Node, failed, installed};

/// Where a reference leads.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    package: Arc<str>,
    collection: Arc<str>,
    is_list: bool,
}

impl Target {
    /// What `to` means in the package of `names`, for a field that holds one reference or a list of them.
    pub(crate) fn of(names: &Names, to: &RefTarget, is_list: bool) -> Self {
        Self { package: to.package_or(names.package()).into(), collection: to.collection().as_str().into(), is_list }
    }

    /// The record that a reference leads to, or those of a list of references: an empty list where there are none, as of
    /// every list. What the viewer may not read is null, or is left out of the list.
    pub(crate) async fn follow<'a>(
        &self,
        ctx: &ResolverContext<'a>,
        root: Root,
        value: &Value,
    ) -> Result<Option<FieldValue<'a>>, Error> {
        match value {
            Value::Id(id) => self.load(ctx, root, RecordId(*id)).await,
            Value::List(items) => {
                let ids = items.iter().filter_map(|item| if let Value::Id(id) = item { Some(*id) } else { None });
                let found = ids.map(|id| self.load(ctx, root, RecordId(id)));
                let found = futures_util::future::try_join_all(found).await?;
                Ok(Some(FieldValue::list(found.into_iter().flatten())))
            }
            _ => Ok(self.is_list.then(|| FieldValue::list(Vec::<FieldValue<'_>>::new()))),
        }
    }

    async fn load<'a>(
        &self,
        ctx: &ResolverContext<'a>,
        root: Root,
        id: RecordId,
    ) -> Result<Option<FieldValue<'a>>, Error> {
        let loader = ctx.ctx.data::<DataLoader<Gather>>()?;
        let (package, collection) = (Arc::clone(&self.package), Arc::clone(&self.collection));
        let found = loader.load_one(RefKey { root, package, collection, id }).await;
        let Some(record) = found.map_err(|error| failed(ctx, &error))? else { return Ok(None) };
        Ok(Some(FieldValue::owned_any(Node { root, installed: installed(ctx, &self.package)?, record })))
    }
}
