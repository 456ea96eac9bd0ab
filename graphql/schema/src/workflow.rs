//! Workflows in the schema: what stands at each record of a collection that declares one, and a mutation for each of its
//! transitions. The types are shared by all collections and stand in schemas that have a workflow.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::{DataLoader, Loader};
use async_graphql::dynamic::{
    Enum, EnumItem, Field, FieldFuture, FieldValue, InputValue, Object, ResolverContext, Type, TypeRef,
};
use async_graphql::{Error, Name, Value as Gql};
use sunlit_app::command::record::transition::{self, Asked};
use sunlit_app::query::record_get;
use sunlit_app::query::record_workflow::{self, Choice, Due, Seen, Step};
use sunlit_app::{AppError, Installed};
use sunlit_domain::access::Root;
use sunlit_domain::error_code::message;
use sunlit_domain::id::{RecordId, upper_camel};
use sunlit_domain::manifest::Collection;
use sunlit_domain::manifest::workflow::{CREATE, CommentRule, Transition, Workflow};
use sunlit_domain::workflow::WhyNot;
use sunlit_domain::workflow::clock::DeadlineState;
use sunlit_domain::{LocalText, Locale};

use crate::argument::record_id;
use crate::loader::Gather;
use crate::mutation::{Payload, expected};
use crate::names::{Names, describe};
use crate::node::{Node, failed, installed, reading, settle};
use crate::scalar::{DATE, DATE_TIME, UserError};

const TRANSITION: &str = "WorkflowTransition";
const STEP: &str = "WorkflowStep";
const DEADLINE: &str = "WorkflowDeadline";
const STATE: &str = "DeadlineState";

/// The record fields that answer lists, with how many items each usually has.
pub(crate) const LISTS: [(&str, u32); 3] = [("transitions", 8), ("history", 20), ("deadlines", 4)];

/// The workflow of a record, gathered for a page of records.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct WorkflowKey {
    root: Root,
    package: Arc<str>,
    collection: Arc<str>,
    id: RecordId,
}

impl Loader<WorkflowKey> for Gather {
    type Value = Arc<Seen>;
    type Error = Arc<AppError>;

    async fn load(&self, keys: &[WorkflowKey]) -> Result<HashMap<WorkflowKey, Arc<Seen>>, Arc<AppError>> {
        let mut groups: HashMap<_, Vec<RecordId>> = HashMap::new();
        for key in keys {
            groups.entry((key.root, &key.package, &key.collection)).or_default().push(key.id);
        }
        let mut found = HashMap::new();
        for ((root, package, collection), ids) in groups {
            let reading = self.0.through(root);
            let installed = self.0.context().package(package).map_err(Arc::new)?;
            let seen = record_workflow::run(&reading, &installed.package, collection, &ids).await.map_err(Arc::new)?;
            found.extend(seen.into_iter().map(|(id, seen)| {
                let (package, collection) = (Arc::clone(package), Arc::clone(collection));
                let key = WorkflowKey { root, package, collection, id };
                (key, Arc::new(seen))
            }));
        }
        Ok(found)
    }
}

/// An item of a list, with what gives it its titles.
#[derive(Debug)]
struct Item<T> {
    installed: Arc<Installed>,
    collection: Arc<str>,
    locale: Locale,
    item: T,
}

impl<T> Item<T> {
    fn workflow(&self) -> Option<&Workflow> {
        self.installed.package.table(&self.collection).ok()?.collection().workflow.as_ref()
    }

    fn text(&self, text: Option<&LocalText>) -> String {
        text.map(|text| text.get(self.locale).to_owned()).unwrap_or_default()
    }
}

/// The fields of a record whose collection has a workflow. Nullable, since they can fail by themselves.
pub(crate) fn record_fields(collection: &Collection) -> Vec<Field> {
    if collection.workflow.is_none() {
        return Vec::new();
    }
    let own = collection.name.as_str();
    vec![
        list(own, "transitions", TRANSITION, |seen: &Seen| seen.transitions.clone())
            .description("可以进行的操作；办理人员另可看到不能进行的操作及原因。 / What the viewer may do now."),
        list(own, "history", STEP, |seen: &Seen| seen.history.clone())
            .description("办理过程，由早到晚；公众为空。 / What was done, the oldest first; empty for the public."),
        list(own, "deadlines", DEADLINE, |seen: &Seen| seen.deadlines.clone())
            .description("期限；公众为空。 / What has to be done by when; empty for the public."),
    ]
}

fn list<T: Send + Sync + 'static>(own: &str, name: &str, item: &str, of: fn(&Seen) -> Vec<T>) -> Field {
    let collection: Arc<str> = own.into();
    Field::new(name, TypeRef::named_nn_list(item), move |ctx| {
        let collection = Arc::clone(&collection);
        FieldFuture::new(async move {
            let items = seen(&ctx, &collection).await.map(|(installed, locale, seen)| {
                let item = |item| Item {
                    installed: Arc::clone(&installed),
                    collection: Arc::clone(&collection),
                    locale,
                    item,
                };
                let items = seen.map(|seen| of(&seen)).unwrap_or_default();
                Some(FieldValue::list(items.into_iter().map(item).map(FieldValue::owned_any)))
            });
            settle(&ctx, items)
        })
    })
}

async fn seen(
    ctx: &ResolverContext<'_>,
    collection: &Arc<str>,
) -> Result<(Arc<Installed>, Locale, Option<Arc<Seen>>), Error> {
    let node = ctx.parent_value.try_downcast_ref::<Node>()?;
    let loader = ctx.ctx.data::<DataLoader<Gather>>()?;
    let package = node.installed.package.id().into();
    let key = WorkflowKey { root: node.root, package, collection: Arc::clone(collection), id: node.record.id };
    let seen = loader.load_one(key).await.map_err(|error| failed(ctx, &error))?;
    Ok((Arc::clone(&node.installed), reading(ctx)?.locale(), seen))
}

/// The shared types.
pub(crate) fn types() -> Vec<Type> {
    vec![transition_type().into(), step_type().into(), deadline_type().into(), state_type().into()]
}

/// A field of an item: its value, none for null.
fn of_item<T: Send + Sync + 'static>(name: &str, type_ref: TypeRef, get: fn(&Item<T>) -> Option<Gql>) -> Field {
    Field::new(name, type_ref, move |ctx| {
        let item = ctx.parent_value.try_downcast_ref::<Item<T>>().ok();
        FieldFuture::Value(item.and_then(get).map(FieldValue::value))
    })
}

fn transition_type() -> Object {
    Object::new(TRANSITION)
        .description("流程中的一步操作。 / A way from one state to another.")
        .field(of_item("name", TypeRef::named_nn(TypeRef::STRING), |item: &Item<Choice>| {
            Some(item.item.name.clone().into())
        }))
        .field(of_item("title", TypeRef::named_nn(TypeRef::STRING), |item| {
            Some(item.text(declared(item).map(|rule| &rule.title)).into())
        }))
        .field(of_item("to", TypeRef::named(TypeRef::STRING), |item| Some(declared(item)?.to.to_string().into())))
        .field(of_item("allowed", TypeRef::named_nn(TypeRef::BOOLEAN), |item: &Item<Choice>| {
            Some(item.item.why_not.is_none().into())
        }))
        .field(of_item("whyNot", TypeRef::named(TypeRef::STRING), |item: &Item<Choice>| {
            Some(message(item.item.why_not?.key(), item.locale).into())
        }))
        .field(of_item("commentRequired", TypeRef::named_nn(TypeRef::BOOLEAN), |item| {
            Some(declared(item).is_some_and(|rule| rule.comment == CommentRule::Required).into())
        }))
}

fn declared(item: &Item<Choice>) -> Option<&Transition> {
    item.workflow()?.transition(&item.item.name)
}

fn step_type() -> Object {
    let text = || TypeRef::named(TypeRef::STRING);
    Object::new(STEP)
        .description("办理过程中的一步。 / A step of a record's history.")
        .field(of_item("name", TypeRef::named_nn(TypeRef::STRING), |item: &Item<Step>| {
            Some(item.item.transition.clone().into())
        }))
        .field(of_item("title", TypeRef::named_nn(TypeRef::STRING), |item: &Item<Step>| Some(step_title(item).into())))
        .field(of_item("from", text(), |item: &Item<Step>| item.item.from.clone().map(Into::into)))
        .field(of_item("to", TypeRef::named_nn(TypeRef::STRING), |item: &Item<Step>| Some(item.item.to.clone().into())))
        .field(of_item("actor", TypeRef::named(TypeRef::ID), |item: &Item<Step>| {
            Some(item.item.actor?.to_string().into())
        }))
        .field(of_item("comment", text(), |item: &Item<Step>| item.item.comment.clone().map(Into::into)))
        .field(of_item("at", TypeRef::named_nn(DATE_TIME), |item: &Item<Step>| Some(item.item.at.to_string().into())))
        .field(of_item("version", TypeRef::named_nn(TypeRef::INT), |item: &Item<Step>| Some(item.item.version.into())))
}

fn step_title(item: &Item<Step>) -> String {
    let name = item.item.transition.as_str();
    if name == CREATE {
        return message("workflow.create", item.locale).to_owned();
    }
    item.text(item.workflow().and_then(|workflow| workflow.transition(name)).map(|transition| &transition.title))
}

fn deadline_type() -> Object {
    Object::new(DEADLINE)
        .description("期限。 / Something that has to be done in time.")
        .field(of_item("name", TypeRef::named_nn(TypeRef::STRING), |item: &Item<Due>| Some(item.item.name.clone().into())))
        .field(of_item("title", TypeRef::named_nn(TypeRef::STRING), |item: &Item<Due>| {
            let rule = item.workflow().and_then(|workflow| workflow.deadline(&item.item.name));
            Some(item.text(rule.map(|rule| &rule.title)).into())
        }))
        .field(of_item("state", TypeRef::named_nn(STATE), |item: &Item<Due>| {
            Some(Gql::Enum(Name::new(item.item.state.name().to_ascii_uppercase())))
        }))
        .field(of_item("startsOn", TypeRef::named_nn(DATE), |item: &Item<Due>| Some(item.item.starts_on.to_string().into())))
        .field(
            of_item("dueOn", TypeRef::named(DATE), |item: &Item<Due>| Some(item.item.due_on?.to_string().into()))
                .description("最后一日；中止期间为空。 / The last day; null while it is paused."),
        )
        .field(
            of_item("daysLeft", TypeRef::named(TypeRef::INT), |item: &Item<Due>| item.item.days_left.map(Into::into))
                .description("剩余天数，以工作日计的期限为工作日；逾期为负，办结后为空。 / Days left, working days where it counts them."),
        )
        .field(of_item("extendedBy", TypeRef::named_nn(TypeRef::INT), |item: &Item<Due>| Some(item.item.extended.into())))
        .field(of_item("excludedDays", TypeRef::named_nn(TypeRef::INT), |item: &Item<Due>| Some(item.item.excluded_days.into())))
        .field(
            of_item("provisional", TypeRef::named_nn(TypeRef::BOOLEAN), |item: &Item<Due>| Some(item.item.provisional.into()))
                .description("放假安排尚未公布，日期可能变动。 / It reaches into a year whose notice is not published yet."),
        )
}

fn state_type() -> Enum {
    let start = Enum::new(STATE).description("期限状态：进行、中止、按期、逾期。 / How a deadline stands.");
    DeadlineState::ALL
        .into_iter()
        .fold(start, |item, state| item.item(EnumItem::new(state.name().to_ascii_uppercase())))
}

/// The root fields that move `collection`'s records, each one command.
pub(crate) fn mutations(names: &Names, collection: &Collection) -> Vec<Field> {
    let transitions =
        collection.workflow.iter().flat_map(|workflow| workflow.transitions.iter().map(move |t| (workflow, t)));
    transitions.map(|(workflow, transition)| mutation(names, collection, workflow, transition)).collect()
}

fn mutation(names: &Names, collection: &Collection, workflow: &Workflow, transition: &Transition) -> Field {
    let place: [Arc<str>; 3] =
        [names.package().into(), collection.name.as_str().into(), transition.name.as_str().into()];
    let type_ref = TypeRef::named(names.type_of(collection.name.as_str(), "Payload"));
    let name = names.mutation(&upper_camel(transition.name.as_str()), collection);
    let mut field = Field::new(name, type_ref, move |ctx| {
        let place = place.clone();
        FieldFuture::new(async move { settle(&ctx, run(&ctx, &place).await) })
    })
    .description(describe(&transition.title, Some(&collection.title)))
    .argument(InputValue::new("id", TypeRef::named_nn(TypeRef::ID)))
    .argument(
        InputValue::new("version", TypeRef::named_nn(TypeRef::INT))
            .description("读取时的版本；已被他人修改时返回 CONFLICT。 / The version that you read."),
    );
    field = match transition.comment {
        CommentRule::None => field,
        CommentRule::Optional => field.argument(InputValue::new("comment", TypeRef::named(TypeRef::STRING))),
        CommentRule::Required => field.argument(InputValue::new("comment", TypeRef::named_nn(TypeRef::STRING))),
    };
    if workflow.extended_by(transition.name.as_str()).next().is_some() {
        let days = InputValue::new("days", TypeRef::named(TypeRef::INT));
        field = field
            .argument(days.description("延长天数；不填为最长。 / By how many days; as many as may be when left out."));
    }
    field
}

async fn run<'a>(ctx: &ResolverContext<'a>, place: &[Arc<str>; 3]) -> Result<Option<FieldValue<'a>>, Error> {
    let [package, collection, transition] = place;
    let installed = installed(ctx, package)?;
    // What was shown of a command before holds a connection.
    reading(ctx)?.renew().await;
    let outcome = make(ctx, &installed, collection, transition).await?;
    let reading = reading(ctx)?.own();
    reading.renew().await;
    let (record, errors) = match outcome {
        // What the actor may no longer read is not shown.
        Ok(id) => match record_get::by_ids(&reading, &installed.package, collection, &[id]).await {
            Ok(mut found) => (found.pop().map(Arc::new), Vec::new()),
            Err(AppError::Denied | AppError::Unauthenticated) => (None, Vec::new()),
            Err(error) => return Err(failed(ctx, &error)),
        },
        Err(AppError::Refused(why)) => (None, vec![refused(&AppError::Refused(why), why, reading.locale())]),
        Err(error) => (None, expected(ctx, &error)?),
    };
    Ok(Some(FieldValue::owned_any(Payload { root: reading.root(), installed, record, errors })))
}

async fn make(
    ctx: &ResolverContext<'_>,
    installed: &Installed,
    collection: &str,
    transition: &str,
) -> Result<Result<RecordId, AppError>, Error> {
    let Some(id) = record_id(ctx) else { return Ok(Err(AppError::NotFound)) };
    let version = ctx.args.try_get("version")?.i64()?;
    let comment = ctx.args.get("comment").filter(|comment| !comment.is_null());
    let comment = comment.map(|comment| comment.string().map(ToOwned::to_owned)).transpose()?;
    let days = ctx.args.get("days").filter(|days| !days.is_null()).map(|days| days.i64()).transpose()?;
    // What is not a number of days at all is refused like one that is too large.
    let days = days.map(|days| u32::try_from(days).unwrap_or(0));
    let asked = Asked { transition, comment: comment.as_deref(), days };
    let (app, scope) = (reading(ctx)?.app(), reading(ctx)?.scope());
    let made = transition::run(app, scope, &installed.package, collection, (id, version), asked).await;
    Ok(made.map(|record| record.id))
}

fn refused(error: &AppError, why: WhyNot, locale: Locale) -> UserError {
    let path = match why {
        WhyNot::CommentRequired | WhyNot::CommentNotTaken | WhyNot::CommentForm => "comment",
        WhyNot::ExtensionForm => "days",
        _ => "id",
    };
    UserError { code: error.code(), message: message(why.key(), locale).to_owned(), path: vec![path.to_owned()] }
}
