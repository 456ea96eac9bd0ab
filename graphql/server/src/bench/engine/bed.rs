//! A throw-away installation with tenants that have the package of the measurement, and for each what somebody would write by
//! hand: the same tables a second time, in the same file.

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::error::{ErrorInternalServerError, ErrorUnauthorized};
use actix_web::http::header;
use actix_web::web;
use sea_orm::sqlx::sqlite::SqlitePool;
use sea_orm::sqlx::{self, AssertSqlSafe};
use sunlit_app::command::package::{enable, publish};
use sunlit_app::command::tenant::create::{self, NewTenant};
use sunlit_app::{Environment, Package};
use sunlit_domain::id::{ActorId, TenantId, TenantSlug};
use sunlit_domain::{Actor, Role, Scope, ScopeAuthority};
use sunlit_pages::Renderer;
use uuid::Uuid;

use super::super::hand_written::{Access, pool};
use super::super::measure::TemporaryFolder;
use super::super::tenants::open;
use crate::command::Failed;
use crate::config::Config;
use crate::oidc::{ProviderClient, Providers};
use crate::state::State;
use crate::token::{ACCESS_MINUTES, Subject, TokenKeys};

/// The package's id, its namespace in the API, and the collection of many rows.
pub(super) const PACKAGE: &str = "bench-engine";
pub(super) const NAMESPACE: &str = "benchEngine";
pub(super) const ROW: &str = "row";

const MANIFEST: &str = include_str!("manifest.toml");
/// Who writes.
const EDITOR: ActorId = ActorId(Uuid::from_u128(7));

/// Whose table it is. Each contender writes into one of its own, so that all are equally large.
#[derive(Debug, Clone, Copy)]
pub(super) enum Owner {
    /// The hand-written handler, with audit and outbox.
    Hand,
    /// The hand-written import that leaves an event for each record.
    HandWithEvents,
    /// Raw SQLite.
    Raw,
}

impl Owner {
    /// The name of its copy of a table.
    pub(super) fn table(self, name: &str) -> String {
        let prefix = match self {
            Self::Hand => "hand",
            Self::HandWithEvents => "hand_events",
            Self::Raw => "raw",
        };
        format!("{prefix}_{name}")
    }
}

/// The installation.
pub(super) struct Bed {
    pub(super) state: web::Data<State>,
    pub(super) package: Arc<Package>,
    config: Config,
}

/// One tenant, and its file opened by hand.
#[derive(Clone)]
pub(super) struct House {
    pub(super) state: web::Data<State>,
    pub(super) package: Arc<Package>,
    pub(super) tenant: TenantId,
    pub(super) slug: TenantSlug,
    pub(super) readers: SqlitePool,
    pub(super) writer: SqlitePool,
}

impl Bed {
    /// An installation in `folder`, without tenants.
    pub(super) async fn new(
        mut config: Config,
        authority: ScopeAuthority,
        folder: &TemporaryFolder,
    ) -> Result<Self, Failed> {
        // What stands beside it is written for SQLite by hand.
        config.keep_in(folder.path().to_path_buf());
        let app = open(&config).await?;
        let package = publish::run(&app, MANIFEST.to_owned(), None, publish::Existing::Keep).await?;
        let tokens = TokenKeys::new(&[app.keys.tokens])?;
        let state = web::Data::new(State::new(
            app,
            authority,
            tokens,
            Renderer::new()?,
            false,
            Providers::new(ProviderClient::new(false)?),
        ));
        Ok(Self { state, package, config })
    }

    /// A new tenant with empty tables.
    pub(super) async fn house(&self, number: usize) -> Result<House, Failed> {
        let app = &self.state.app;
        let slug: TenantSlug = format!("bench-{number}").parse()?;
        let new = NewTenant::district(slug.clone(), "测量");
        let tenant = create::run(app, &self.state.authority, new).await?.id;
        let file = self.config.data.join("tenants").join(format!("{tenant}.db"));
        let house = House {
            state: self.state.clone(),
            package: Arc::clone(&self.package),
            tenant,
            slug,
            readers: pool(&file, Access::Read),
            writer: pool(&file, Access::Write),
        };
        enable::run(app, &house.editor(), &self.package, &[], &std::collections::BTreeMap::new()).await?;
        house.copy_tables().await?;
        Ok(house)
    }
}

impl House {
    /// The scope of an editor.
    pub(super) fn editor(&self) -> Scope {
        self.state.authority.scope(self.tenant, Actor::known(EDITOR, vec![Role::Editor]))
    }

    /// The `Authorization` of an editor.
    pub(super) fn credential(&self) -> Result<String, Failed> {
        let now = self.state.app.environment.now();
        let editor = Subject { actor: EDITOR, roles: vec![Role::Editor], session: None };
        let token = self.state.tokens.mint(self.tenant, editor, (now, ACCESS_MINUTES))?;
        Ok(format!("Bearer {token}"))
    }

    /// What a handler written by hand does first too: whom the request's token speaks for.
    pub(super) fn check(&self, request: &HttpRequest) -> Result<Uuid, actix_web::Error> {
        let credential = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = credential.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
        let accepted = self.state.tokens.check(token, self.tenant).map_err(ErrorUnauthorized)?;
        accepted.actor.id().map(|id| id.0).ok_or_else(|| ErrorInternalServerError("a token names its actor"))
    }

    pub(super) fn environment(&self) -> &dyn Environment {
        &*self.state.app.environment
    }

    /// The name of a collection's table.
    pub(super) fn table(&self, collection: &str) -> Result<String, Failed> {
        Ok(self.package.table(collection)?.name().to_owned())
    }

    /// How many rows a table has.
    pub(super) async fn count(&self, table: &str) -> Result<usize, Failed> {
        let sql = format!("SELECT COUNT(*) FROM \"{table}\"");
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&self.readers).await?;
        Ok(usize::try_from(count)?)
    }

    /// Lets no contender pay for what the one before left in the log.
    pub(super) async fn checkpoint(&self) -> Result<(), Failed> {
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&self.writer).await?;
        Ok(())
    }

    /// Gives each owner the tables that it writes, with the same columns and indexes.
    async fn copy_tables(&self) -> Result<(), Failed> {
        let row = self.table(ROW)?;
        let wanted = [
            (Owner::Hand, &[row.as_str(), "audit", "outbox"][..]),
            (Owner::HandWithEvents, &[&row, "audit", "outbox"]),
            (Owner::Raw, &[&row]),
        ];
        for (owner, tables) in wanted {
            for table in tables {
                let sql = "SELECT sql FROM sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL ORDER BY type DESC";
                let statements: Vec<String> = sqlx::query_scalar(sql).bind(*table).fetch_all(&self.writer).await?;
                if statements.is_empty() {
                    return Err(format!("there is no table {table}").into());
                }
                for statement in statements {
                    // Names of indexes contain the table's.
                    let copied = statement.replace(table, &owner.table(table));
                    sqlx::query(AssertSqlSafe(copied)).execute(&self.writer).await?;
                }
            }
        }
        Ok(())
    }

    pub(super) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}
