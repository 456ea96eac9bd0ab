//! Subscriptions: one root field a collection, which tells of its changes. Nothing is told that the viewer may not read.
//!
//! What is followed is settled once, and each change is then executed as a request of its own: with a fresh snapshot,
//! today's packages and access rules, and every limit anew (GraphQL, §6.2.3.2).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use async_graphql::dynamic::{
    Enum, EnumItem, Field, FieldFuture, FieldValue, InputValue, Object, ResolverContext, SubscriptionField,
    SubscriptionFieldFuture, Type, TypeRef,
};
use async_graphql::parser::types::OperationType;
use async_graphql::{Error, Name, Response, ServerError, Value as Gql};
use futures_util::{StreamExt as _, stream};
use sunlit_app::changes::{Feed, Missed};
use sunlit_app::query::change_read::{self, Seen};
use sunlit_app::{App, AppError, Change, ChangeKind, Installed, Reading};
use sunlit_domain::access::Root;
use sunlit_domain::error_code::ALL;
use sunlit_domain::id::RecordId;
use sunlit_domain::manifest::Collection;
use sunlit_domain::record::Record;
use sunlit_domain::{ErrorCode, Locale, Scope};
use tracing::Instrument as _;

use crate::allowance::Unbounded;
use crate::argument::record_id;
use crate::ask::Ask;
use crate::compose::TenantSchema;
use crate::error::TraceId;
use crate::execute::{
    Call, Carries, Execution, Limits, Prepared, bounded, charge, execute, failure, finished, prepare, refusal, request,
};
use crate::meter;
use crate::names::{Names, describe};
use crate::node::{Node, failed, installed, reading};

const CHANGE_KIND: &str = "ChangeKind";

/// What a root field follows.
#[derive(Debug, Clone)]
struct Topic {
    root: Root,
    package: Arc<str>,
    collection: Arc<str>,
    id: Option<RecordId>,
}

/// Where root fields say what they follow, while a subscription begins.
#[derive(Debug, Default)]
struct Topics(Mutex<Vec<Topic>>);

/// A change that the viewer may see.
#[derive(Debug, Clone)]
struct Event {
    root: Root,
    installed: Arc<Installed>,
    change: Arc<Change>,
    record: Option<Arc<Record>>,
}

/// The errors of fields that settled them: for subscriptions the library would lose them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settled(Arc<Mutex<Vec<ServerError>>>);

impl Settled {
    pub(crate) fn push(&self, error: ServerError) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(error);
    }

    fn take(&self) -> Vec<ServerError> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The types that every subscription shares.
pub(crate) fn shared() -> Type {
    let kinds = [ChangeKind::Created, ChangeKind::Updated, ChangeKind::Deleted];
    let start = Enum::new(CHANGE_KIND).description("发生了什么。 / What was done.");
    kinds.into_iter().fold(start, |item, kind| item.item(EnumItem::new(name_of(kind)))).into()
}

fn name_of(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Created => "CREATED",
        ChangeKind::Updated => "UPDATED",
        ChangeKind::Deleted => "DELETED",
    }
}

/// The type of a change of `collection`.
pub(crate) fn change(names: &Names, collection: &Collection) -> Object {
    let own = collection.name.as_str();
    let event = |ctx: &ResolverContext<'_>| ctx.parent_value.try_downcast_ref::<Event>().ok().cloned();
    Object::new(names.type_of(own, "Change"))
        .description(describe(&collection.title, None))
        .field(Field::new("kind", TypeRef::named_nn(CHANGE_KIND), move |ctx| {
            let kind = event(&ctx).map(|event| Gql::Enum(Name::new(name_of(event.change.kind))));
            FieldFuture::Value(kind.map(FieldValue::value))
        }))
        .field(Field::new("id", TypeRef::named_nn(TypeRef::ID), move |ctx| {
            FieldFuture::Value(event(&ctx).map(|event| FieldValue::value(event.change.id.to_string())))
        }))
        .field(
            Field::new("version", TypeRef::named_nn(TypeRef::INT), move |ctx| {
                FieldFuture::Value(event(&ctx).map(|event| FieldValue::value(event.change.version)))
            })
            .description("变更后的版本。 / The version after the change."),
        )
        .field(
            Field::new("record", TypeRef::named(names.type_of(own, "")), move |ctx| {
                let node = event(&ctx)
                    .and_then(|Event { root, installed, record, .. }| Some(Node { root, installed, record: record? }));
                FieldFuture::Value(node.map(FieldValue::owned_any))
            })
            .description("现在的记录；已删除时为空。 / The record as it is now; null when it was deleted."),
        )
}

/// The root field that follows `collection`.
pub(crate) fn field(names: &Names, collection: &Collection) -> SubscriptionField {
    let (package, name): (Arc<str>, Arc<str>) = (names.package().into(), collection.name.as_str().into());
    let type_ref = TypeRef::named_nn(names.type_of(collection.name.as_str(), "Change"));
    SubscriptionField::new(names.subscription(collection), type_ref, move |ctx| {
        let (package, collection) = (Arc::clone(&package), Arc::clone(&name));
        SubscriptionFieldFuture::new(async move {
            let event = match ctx.ctx.data_opt::<Event>() {
                Some(event) => Some(Ok(FieldValue::owned_any(event.clone()))),
                None => settle_topic(&ctx, package, collection).map(|()| None)?,
            };
            Ok(stream::iter(event))
        })
    })
    .argument(InputValue::new("id", TypeRef::named(TypeRef::ID)))
    .argument(
        InputValue::new("workspace", TypeRef::named(TypeRef::BOOLEAN))
            .default_value(false)
            .description("登录后可关注工作区，含草稿。 / The workspace, drafts too, for whoever signed in."),
    )
    .description(describe(&collection.title, None))
}

fn settle_topic(ctx: &ResolverContext<'_>, package: Arc<str>, collection: Arc<str>) -> Result<(), Error> {
    let installed = installed(ctx, &package)?;
    let workspace = ctx.args.get("workspace").is_some_and(|asked| asked.boolean().is_ok_and(|asked| asked));
    let root = if workspace { Root::Workspace } else { Root::Public };
    let may = change_read::may_follow(&reading(ctx)?.through(root), &installed.package, &collection);
    may.map_err(|error| failed(ctx, &error))?;
    let asked = ctx.args.get("id").is_some_and(|id| !id.is_null());
    let id = record_id(ctx);
    if asked && id.is_none() {
        return Err(failed(ctx, &AppError::Argument("id is not the id of a record".to_owned())));
    }
    let topics = ctx.ctx.data::<Arc<Topics>>()?;
    topics.0.lock().unwrap_or_else(PoisonError::into_inner).push(Topic { root, package, collection, id });
    Ok(())
}

/// What began with a request.
#[derive(Debug)]
pub enum Begun {
    /// One answer, and that was all.
    Once(Box<Execution>),
    /// A subscription; its answers come from [`Live::next`].
    Live(Box<Live>),
}

/// A subscription that runs.
#[derive(Debug)]
pub struct Live {
    schema: Arc<TenantSchema>,
    prepared: Prepared,
    ask: Ask,
    feed: Option<Feed>,
    topic: Topic,
    /// Not a reading: one that lives on would keep its snapshot, and with it a connection that others wait for.
    app: Arc<App>,
    scope: Scope,
    locale: Locale,
    base: String,
    set_digest: String,
    limits: Limits,
    trace: TraceId,
}

/// Executes a query or a mutation, or begins a subscription.
pub async fn begin(schema: &Arc<TenantSchema>, ask: Ask, call: Call) -> Begun {
    let prepared = match prepare(schema, &ask, &call).await {
        Ok(prepared) => prepared,
        Err(refused) => {
            meter::refused(&refused);
            return Begun::Once(refused);
        }
    };
    if prepared.operation != OperationType::Subscription {
        return Begun::Once(Box::new(execute(schema, ask, call).await));
    }
    // Before the topic is settled, so that no change falls in between.
    let feed = call.reading.app().changes.follow(call.reading.scope());
    if let Err(refused) = charge(&prepared, &call) {
        meter::refused(&refused);
        return Begun::Once(refused);
    }
    match settle(schema, &prepared, ask.clone(), call.clone()).await {
        Err(refused) => {
            meter::refused(&refused);
            Begun::Once(refused)
        }
        Ok(topic) => {
            meter::begun();
            Begun::Live(Box::new(Live {
                schema: Arc::clone(schema),
                prepared,
                ask,
                feed: Some(feed),
                topic,
                set_digest: call.reading.context().set_digest.clone(),
                app: Arc::clone(call.reading.app()),
                scope: call.reading.scope().clone(),
                locale: call.reading.locale(),
                base: call.reading.base().to_owned(),
                limits: call.limits,
                trace: call.trace,
            }))
        }
    }
}

/// Validates the document and lets its one root field say what it follows.
async fn settle(schema: &TenantSchema, prepared: &Prepared, ask: Ask, call: Call) -> Result<Topic, Box<Execution>> {
    let (locale, trace, deadline) = (call.reading.locale(), call.trace.clone(), call.limits.deadline);
    let topics = Arc::new(Topics::default());
    let request = request(prepared, ask, call).data(Arc::clone(&topics));
    let mut answers = schema.schema.execute_stream(request);
    if let Some(response) = bounded(answers.next(), deadline, locale, &trace).await? {
        let code = code_of(&response);
        let mut refused = finished(Ok(response), prepared, locale);
        refused.failed = Some(code);
        return Err(Box::new(refused));
    }
    drop(answers);
    let mut found = std::mem::take(&mut *topics.0.lock().unwrap_or_else(PoisonError::into_inner));
    match (found.pop(), found.is_empty()) {
        (Some(topic), true) => Ok(topic),
        _ => {
            let detail = "a subscription asks for exactly one field, outside of any fragment";
            Err(Box::new(refusal(ErrorCode::InvalidInput, detail, locale, None)))
        }
    }
}

fn code_of(response: &Response) -> ErrorCode {
    let code = response.errors.first().and_then(|error| error.extensions.as_ref()?.get("code"));
    let known = |code: &Gql| ALL.into_iter().find(|one| *code == Gql::from(one.code()));
    code.and_then(known).unwrap_or(ErrorCode::InvalidInput)
}

impl Live {
    /// The next answer; none when there will be no more. After one that [`failed`](Execution::failed) there is none. Not to
    /// be cancelled in between, or a change may be lost.
    pub async fn next(&mut self) -> Option<Execution> {
        loop {
            let told = self.feed.as_mut()?.next().await;
            let shown = match told {
                Ok(change) if self.concerns(&change) => self.show(change).await,
                Ok(_) => continue,
                Err(Missed::Ended) => {
                    let detail = "the changes could not be followed for a while: read anew and subscribe again";
                    Some(self.refuse(ErrorCode::Unavailable, detail))
                }
                Err(Missed::Behind) => {
                    let detail =
                        "changes came faster than they were taken, and some are lost: read anew and subscribe again";
                    Some(self.refuse(ErrorCode::LimitExceeded, detail))
                }
            };
            let Some(execution) = shown else { continue };
            if execution.failed.is_some() {
                self.feed = None;
            }
            return Some(execution);
        }
    }

    fn concerns(&self, change: &Change) -> bool {
        let Topic { package, collection, id, .. } = &self.topic;
        change.package == *package && change.collection == *collection && id.is_none_or(|id| id == change.id)
    }

    fn refuse(&self, code: ErrorCode, detail: &str) -> Execution {
        refusal(code, detail, self.locale, Some(&self.trace))
    }

    /// The answer that tells of `change`; none when the viewer may not see it.
    async fn show(&self, change: Arc<Change>) -> Option<Execution> {
        let shown = async {
            let reading = Reading::begin(&self.app, self.scope.clone(), self.locale).await?.below(&self.base);
            let root = self.topic.root;
            if reading.context().set_digest != self.set_digest {
                let detail = "the tenant's packages have changed: subscribe again";
                return Ok(Some(self.refuse(ErrorCode::Unavailable, detail)));
            }
            let installed = Arc::clone(reading.context().package(&change.package)?);
            let record = match change_read::run(&reading.through(root), &installed.package, &change).await? {
                None => return Ok(None),
                Some(Seen::Gone) => None,
                Some(Seen::Record(record)) => Some(record),
            };
            Ok(Some(self.execute(reading, Event { root, installed, change, record }).await))
        };
        let shown: Result<_, AppError> = shown.await;
        shown.unwrap_or_else(|error| Some(failure(&error, self.locale, &self.trace)))
    }

    async fn execute(&self, reading: Reading, event: Event) -> Execution {
        self.tell(reading, event).instrument(meter::span(meter::EVENT)).await
    }

    async fn tell(&self, reading: Reading, event: Event) -> Execution {
        let started = Instant::now();
        let settled = Settled::default();
        let carries = Carries { mutations: false, subscriptions: true };
        // The change was charged to whoever made it.
        let allowance = Arc::new(Unbounded);
        let call = Call { reading, limits: self.limits, carries, trace: self.trace.clone(), allowance };
        let request = request(&self.prepared, self.ask.clone(), call).data(event).data(settled.clone());
        let mut answers = self.schema.schema.execute_stream(request);
        let first = bounded(answers.next(), self.limits.deadline, self.locale, &self.trace).await;
        let first = first.map(|response| {
            let mut response = response.unwrap_or_default();
            response.errors.extend(settled.take());
            response
        });
        let execution = finished(first, &self.prepared, self.locale);
        meter::executed(meter::EVENT, &self.prepared, &execution, started);
        execution
    }
}
