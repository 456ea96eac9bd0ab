//! The schema of a package set. One namespace object per package; root mutations carry the namespace in their name, since
//! only root mutation fields run one after the other.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use async_graphql::dynamic::{
    Field, FieldFuture, FieldValue, Object, Schema, SchemaBuilder, SchemaError, Subscription, TypeRef,
};
use async_graphql::parser::types::ExecutableDocument;
use moka::sync::Cache;
use sunlit_app::AppError;
use sunlit_app::command::api_key::create::MAX_KEYS;
use sunlit_app::command::record::many::MAX_MANY;
use sunlit_app::query::record_aggregate::MAX_GROUPS;
use sunlit_app::query::record_list::MAX_FIRST;
use sunlit_app::query::session_list::MAX_SHOWN;
use sunlit_domain::Manifest;
use sunlit_domain::access::Root;
use sunlit_domain::id::{lower_camel, upper_camel};
use sunlit_domain::manifest::{Collection, FieldType, Returns};

use crate::argument::DEFAULT_FIRST;
use crate::cost::{Length, Prices};
use crate::mutation::Verb;
use crate::names::{Names, describe};
use crate::usage;
use crate::{
    action, aggregate, audit, calendar, collection, division, file, identity, jobs, many, mutation, node, plugin,
    query, scalar, subscription, workflow,
};

/// A composed schema.
pub struct TenantSchema {
    pub(crate) schema: Schema,
    pub(crate) prices: Prices,
    /// Documents that passed the gate and the parser, by their text.
    pub(crate) documents: Cache<String, Arc<ExecutableDocument>>,
    sdl: OnceLock<String>,
}

/// Who owns the names of the platform.
const PLATFORM: &str = "sunlit";
/// The types of the roots.
const QUERY: &str = "Query";
const MUTATION: &str = "Mutation";
const SUBSCRIPTION: &str = "Subscription";
/// The type of the second root.
const WORKSPACE: &str = "Workspace";
/// A page of records.
const PAGE: Length = Length { usual: DEFAULT_FIRST, most: MAX_FIRST };
/// A list whose length only its plugin knows.
const ANSWERED: Length = Length { usual: MAX_FIRST, most: MAX_FIRST };
/// Bytes of document text that a schema remembers parsed; the parsed form takes about ten times as much.
const REMEMBERED_BYTES: u64 = 1024 * 1024;

impl std::fmt::Debug for TenantSchema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TenantSchema").field("prices", &self.prices).finish_non_exhaustive()
    }
}

impl TenantSchema {
    pub(crate) fn remember(&self, text: &str, document: ExecutableDocument) -> Arc<ExecutableDocument> {
        let document = Arc::new(document);
        self.documents.insert(text.to_owned(), Arc::clone(&document));
        document
    }

    /// The schema in the schema definition language, types in alphabetical order.
    #[must_use]
    pub fn sdl(&self) -> &str {
        self.sdl.get_or_init(|| {
            let options = async_graphql::SDLExportOptions::new().sorted_fields().sorted_arguments().sorted_enum_items();
            self.schema.sdl_with_options(options)
        })
    }
}

/// Why packages do not fit into one schema.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// Two packages have ids, or mutations, that are spelled alike in the API.
    #[error("packages {0} and {1} have the same name in the API: one of them must change its id, or rename its action")]
    Collision(String, String),
    /// A package refers to another that is not there.
    #[error("package {0} refers to {1}, which is not enabled: enable it first")]
    Missing(String, String),
    /// The schema is not sound. A fault of ours: the manifests were checked.
    #[error("the schema is not sound: {0}")]
    Unsound(#[from] SchemaError),
}

/// Composes the schema of these packages.
///
/// # Errors
/// [`ComposeError`].
pub fn compose(manifests: &[Arc<Manifest>]) -> Result<TenantSchema, ComposeError> {
    let mut root = Object::new(QUERY).description("查询入口，每个功能包一个字段。 / One field for each package.");
    let mut mutations =
        Object::new(MUTATION).description("每个字段是一个命令，依次执行。 / Each field is one command.");
    let mut subscriptions = Subscription::new(SUBSCRIPTION)
        .description("每个集合一个字段，通知其变更。 / One field a collection, which tells of its changes.");
    let (mut types, mut prices) = (Vec::new(), Prices::default());
    let mut owners = BTreeMap::new();
    let mut workspace = Object::new(WORKSPACE)
        .description("工作区：登录后可见的全部内容，含草稿。 / What whoever signed in works with, drafts too.");
    let (mut listens, mut has_workspace) = (false, false);
    root = root.field(api_version()).field(division::query()).field(jobs::query()).field(audit::query());
    root = root.field(usage::query());
    root = identity::queries().into_iter().fold(root, Object::field);
    mutations = jobs::mutations()
        .into_iter()
        .chain(identity::mutations())
        .chain(usage::mutations())
        .fold(mutations, Object::field);
    types.extend(jobs::types().into_iter().chain(audit::types()).chain(identity::types()));
    types.extend(usage::types());
    usage::prices(&mut prices);
    identity::prices(&mut prices, PAGE);
    types.extend([division::code(), many::target().into()]);
    prices.list(QUERY, division::CODES, division::length());
    prices.list(QUERY, jobs::DEAD_LETTERS, PAGE);
    prices.connection(QUERY, audit::AUDIT_TRAIL, PAGE);
    prices.connection(QUERY, identity::ACCOUNTS, PAGE);
    prices.list(QUERY, identity::API_KEYS, Length { usual: MAX_KEYS, most: MAX_KEYS });
    prices.list(identity::ACCOUNT, identity::SESSIONS, Length { usual: MAX_SHOWN, most: MAX_SHOWN });
    let own = jobs::MUTATIONS.into_iter().chain([calendar::SET_DAYS]).chain(identity::NAMES);
    let own = own.chain(usage::MUTATIONS);
    owners.extend(own.map(|name| (name.to_owned(), PLATFORM)));
    for (index, manifest) in manifests.iter().enumerate() {
        let names = Names::of(manifest);
        let twin = manifests[..index].iter().find(|other| Names::of(other).namespace() == names.namespace());
        if let Some(twin) = twin {
            return Err(ComposeError::Collision(twin.plugin.id.to_string(), manifest.plugin.id.to_string()));
        }
        let missing = manifest.uses.keys().find(|used| !manifests.iter().any(|other| other.plugin.id == **used));
        if let Some(missing) = missing {
            return Err(ComposeError::Missing(manifest.plugin.id.to_string(), missing.to_string()));
        }
        let (namespace, has_fields) = namespace(&names, manifest);
        if has_fields {
            types.push(namespace.into());
            root = root.field(namespace_field(&names, manifest));
            workspace = workspace.field(namespace_field(&names, manifest));
            has_workspace = true;
        }
        add_prices(&mut prices, &names, manifest);
        types.extend(plugin::types(&names, manifest));
        types.extend(action::types(&names, manifest));
        for collection in &manifest.collections {
            types.extend(collection::types(&names, manifest, collection));
            types.extend(aggregate::types(&names, collection));
            types.extend(many::types(&names, collection));
            types.push(mutation::payload(&names, collection).into());
            types.push(subscription::change(&names, collection).into());
            subscriptions = subscriptions.field(subscription::field(&names, collection));
            listens = true;
        }
        for name in root_names(&names, manifest) {
            let own = manifest.plugin.id.as_str();
            if let Some(twin) = owners.insert(name, own) {
                return Err(ComposeError::Collision(twin.to_owned(), own.to_owned()));
            }
        }
        let of_collections = manifest.collections.iter().flat_map(|collection| {
            let moves = workflow::mutations(&names, collection);
            mutation::fields(&names, collection).into_iter().chain(many::fields(&names, collection)).chain(moves)
        });
        for field in of_collections.chain(action::fields(&names, manifest)) {
            mutations = mutations.field(field);
        }
    }
    if has_workflow(manifests) {
        root = root.field(calendar::query());
        mutations = mutations.field(calendar::mutation());
        types.extend(workflow::types().into_iter().chain(calendar::types()));
    }
    if has_workspace {
        types.push(workspace.into());
        root = root.field(workspace_field());
    }
    let schema = Schema::build(QUERY, Some(MUTATION), listens.then_some(SUBSCRIPTION));
    let schema = file::register(scalar::register(schema, manifests), manifests).register(root).register(mutations);
    let schema = if listens { schema.register(subscriptions).register(subscription::shared()) } else { schema };
    let schema = types.into_iter().fold(schema, SchemaBuilder::register);
    // The gate and the cost have bounded the document before; these are the second wall.
    let schema = schema.limit_recursive_depth(32).limit_directives(20).finish()?;
    let weigh = |text: &String, _: &Arc<ExecutableDocument>| u32::try_from(text.len()).unwrap_or(u32::MAX);
    let documents = Cache::builder().weigher(weigh).max_capacity(REMEMBERED_BYTES).build();
    Ok(TenantSchema { schema, prices, documents, sdl: OnceLock::new() })
}

/// The names that the package may have among the mutations and subscriptions: the action `b_c` of `a` and the action `c` of
/// `a-b` would both be `aBC`.
fn root_names(names: &Names, manifest: &Manifest) -> Vec<String> {
    let verbs = Verb::ALL.map(Verb::word);
    let of_collection = |collection: &Collection| {
        let transitions = collection.workflow.iter().flat_map(|workflow| &workflow.transitions);
        let moves = transitions.map(|transition| names.mutation(&upper_camel(transition.name.as_str()), collection));
        let of_many = verbs.map(|verb| names.mutation_of_many(verb, collection));
        let changes = [names.subscription(collection)];
        let own = verbs.map(|verb| names.mutation(verb, collection)).into_iter().chain(of_many);
        own.chain(moves).chain(changes).collect::<Vec<_>>()
    };
    let of_collections = manifest.collections.iter().flat_map(of_collection);
    of_collections.chain(manifest.actions.iter().map(|action| names.action(action))).collect()
}

fn has_workflow(manifests: &[Arc<Manifest>]) -> bool {
    manifests.iter().flat_map(|manifest| &manifest.collections).any(|collection| collection.workflow.is_some())
}

fn add_prices(prices: &mut Prices, names: &Names, manifest: &Manifest) {
    let namespace = names.namespace_type();
    for collection in &manifest.collections {
        let plural = lower_camel(&collection.plural());
        prices.scan(namespace, &format!("{plural}Aggregate"));
        prices.connection(namespace, &plural, PAGE);
        prices_of_records(prices, names, manifest, collection);
        for verb in Verb::ALL {
            let most = u32::try_from(MAX_MANY).unwrap_or(u32::MAX);
            prices.writes(MUTATION, &names.mutation_of_many(verb.word(), collection), many::argument(verb), most);
        }
    }
    for query in &manifest.queries {
        let name = lower_camel(query.name.as_str());
        if query.returns.is_list() {
            prices.list(namespace, &name, ANSWERED);
        }
        prices.call(namespace, &name);
    }
    for action in &manifest.actions {
        let name = names.action(action);
        if action.returns.as_ref().is_some_and(Returns::is_list) {
            prices.list(MUTATION, &name, ANSWERED);
        }
        prices.call(MUTATION, &name);
    }
}

/// What is asked of a collection's records, of their lists and of their groups.
fn prices_of_records(prices: &mut Prices, names: &Names, manifest: &Manifest, collection: &Collection) {
    let own = collection.name.as_str();
    let (record, aggregated) = (names.type_of(own, ""), names.type_of(own, "Aggregate"));
    prices.scan(&names.type_of(own, "Connection"), "totalCount");
    prices.scan(&aggregated, "groups");
    prices.connection(&aggregated, "groups", Length { usual: aggregate::DEFAULT_GROUPS, most: MAX_GROUPS });
    for referring in manifest.referring(collection) {
        prices.connection(&record, &lower_camel(&referring.name()), PAGE);
    }
    if collection.workflow.is_some() {
        for (name, usual) in workflow::LISTS {
            prices.list(&record, name, Length { usual, most: usual });
        }
    }
    // Of values the items cost nothing, of records and files what is asked of each.
    for field in collection.fields.iter().filter(|field| field.field_type == FieldType::List) {
        let most = u32::try_from(field.max_items()).unwrap_or(u32::MAX);
        prices.list(&record, &lower_camel(field.name.as_str()), Length { usual: most, most });
    }
    for computed in &collection.computed {
        prices.call(&record, &lower_camel(computed.name.as_str()));
    }
}

fn api_version() -> Field {
    Field::new("apiVersion", TypeRef::named_nn(TypeRef::STRING), |_| {
        FieldFuture::Value(Some(FieldValue::value(sunlit_domain::manifest::API_VERSION)))
    })
    .description("平台接口版本。 / The version of the platform's interface.")
}

fn namespace_field(names: &Names, manifest: &Manifest) -> Field {
    let package: Arc<str> = names.package().into();
    Field::new(names.namespace(), TypeRef::named_nn(names.namespace_type()), move |ctx| {
        let package = Arc::clone(&package);
        let root = node::root(&ctx);
        FieldFuture::new(async move { node::installed(&ctx, &package).map(|_| Some(FieldValue::owned_any(root))) })
    })
    .description(describe(&manifest.plugin.title, manifest.plugin.description.as_ref()))
}

/// The second root. It stands beside the public one and is never mixed with it (invariant 7).
fn workspace_field() -> Field {
    Field::new("workspace", TypeRef::named(WORKSPACE), |ctx| {
        FieldFuture::new(async move {
            let entered = if node::reading(&ctx)?.scope().actor().id().is_some() {
                Ok(Some(FieldValue::owned_any(Root::Workspace)))
            } else {
                Err(node::failed(&ctx, &AppError::Unauthenticated))
            };
            node::settle(&ctx, entered)
        })
    })
    .description("登录后可用。 / For whoever signed in.")
}

fn namespace(names: &Names, manifest: &Manifest) -> (Object, bool) {
    let start = Object::new(names.namespace_type())
        .description(describe(&manifest.plugin.title, manifest.plugin.description.as_ref()));
    let of_collections = manifest.collections.iter().flat_map(|collection| query::fields(names, collection));
    let fields: Vec<Field> = of_collections.chain(plugin::fields(names, manifest)).collect();
    let has_fields = !fields.is_empty();
    (fields.into_iter().fold(start, Object::field), has_fields)
}

#[cfg(test)]
mod tests {
    use async_graphql::Variables;
    use async_graphql::parser::parse_query;

    use super::*;
    use crate::cost::measure;

    /// A package with people, and with things that have a keeper.
    fn package(id: &str, keeper: &str) -> Arc<Manifest> {
        let text = format!(
            "[plugin]\nid = \"{id}\"\nversion = \"1.0.0\"\napi = \"0.1\"\ntitle = {{ zh = \"测试\" }}\nvendor = \"sunlit\"\n\
             [[collection]]\nname = \"person\"\ntitle = {{ zh = \"人\" }}\n\
             field = [{{ name = \"name\", type = \"string\" }}]\n\
             [collection.access]\nread = [{{ role = \"public\" }}]\n\
             [[collection]]\nname = \"thing\"\ntitle = {{ zh = \"物\" }}\nfield = [{{ name = \"keeper\", {keeper}, to = \"person\" }}]\n\
             [collection.access]\nread = [{{ role = \"public\" }}]\ncreate = [{{ role = \"editor\" }}]\n"
        );
        Arc::new(Manifest::parse("plugin.toml", &text).map_err(|errors| errors.to_string()).unwrap())
    }

    fn cost(packages: &[Arc<Manifest>], document: &str) -> u64 {
        let TenantSchema { schema, prices, .. } = compose(packages).unwrap();
        let document = parse_query(document).unwrap();
        measure(&document, &Variables::default(), schema.registry(), &prices).unwrap().cost
    }

    #[test]
    fn what_a_field_costs_does_not_hang_on_the_packages_beside_it() {
        let one = package("one", "type = \"ref\"");
        let many = package("many", "type = \"list\", of = \"ref\", max_items = 30");
        let things = |of: &str| format!("{{ {of} {{ things(first: 10) {{ nodes {{ keeper {{ name }} }} }} }} }}");
        let (to_one, to_many) = (2 + 10 * (1 + 1 + 1), 2 + 10 * (1 + 1 + 30));
        assert_eq!(cost(&[Arc::clone(&one)], &things("one")), to_one);
        assert_eq!(cost(&[Arc::clone(&many)], &things("many")), to_many);
        let both = [one, many];
        assert_eq!((cost(&both, &things("one")), cost(&both, &things("many"))), (to_one, to_many));
    }

    #[test]
    fn a_mutation_of_several_records_costs_by_their_number() {
        let packages = [package("one", "type = \"ref\"")];
        let create =
            |inputs: &str| format!("mutation {{ oneCreateThings(inputs: [{inputs}]) {{ records {{ id }} }} }}");
        assert_eq!(cost(&packages, &create("{}")), 1 + 2);
        assert_eq!(cost(&packages, &create("{}, {}, {}")), 3 + 3 * 2);
    }
}
