//! A database of its own for every test, on the Postgres server of the run.
//!
//! Databases stay until the run ends: the server is thrown away with them, or `servers sweep`
//! drops them by the name of the run. What fails here fails the test that asked.
#![expect(clippy::expect_used, reason = "a test whose database cannot be made has failed")]

use sea_orm::{
    ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, DbBackend, DbErr, Statement,
};
use url::Url;

use crate::run;

/// The longest name of a template.
const TEMPLATE_BYTES_MAX: usize = 16;

/// The server of the run, as a role that may make databases.
pub fn server() -> Url {
    run::server(run::POSTGRES_URL)
}

/// An empty database nobody else uses.
pub async fn fresh() -> Url {
    let admin = connect(&server()).await.expect("Postgres answers");
    let url = create(&admin, "template0").await;
    admin.close().await.expect("closing the connection");
    url
}

/// A database like the one `prepare` made of an empty one, earlier in the run or now.
///
/// `prepare` (migrations, say) runs once per run and name, whatever the number of test processes;
/// the others wait for it. It must close its connections: a database in use cannot be copied.
pub async fn from_template(template: &str, prepare: impl AsyncFnOnce(Url)) -> Url {
    assert!(
        template.len() <= TEMPLATE_BYTES_MAX && template.bytes().all(|it| it.is_ascii_lowercase()),
        "`{template}` is not a name of at most {TEMPLATE_BYTES_MAX} lower-case letters"
    );
    let admin = connect(&server()).await.expect("Postgres answers");
    let name = format!("{}{template}", prefix(&run::name()));
    let lock = format!("select pg_advisory_lock(hashtextextended('{name}', 0))");
    run_all(&admin, &[lock]).await;
    if !exists(&admin, &name).await {
        // Renamed once it is whole: a template whose preparation failed is made again.
        let draft = format!("{name}_draft");
        let begin = [
            format!("drop database if exists {draft} with (force)"),
            format!("create database {draft} template template0"),
        ];
        run_all(&admin, &begin).await;
        prepare(database(&server(), &draft)).await;
        run_all(&admin, &[format!("alter database {draft} rename to {name}")]).await;
    }
    let url = create(&admin, &name).await;
    // The lock goes with the connection.
    admin.close().await.expect("closing the connection");
    url
}

/// Drops every database of this run; how many there were.
pub async fn sweep() -> Result<usize, DbErr> {
    let admin = connect(&server()).await?;
    let pattern = prefix(&run::name()).replace('_', "\\_");
    let found = format!("select datname from pg_database where datname like '{pattern}%'");
    let rows = admin.query_all_raw(Statement::from_string(DbBackend::Postgres, found)).await?;
    for row in &rows {
        let name: String = row.try_get("", "datname")?;
        admin.execute_unprepared(&format!("drop database if exists {name} with (force)")).await?;
    }
    admin.close().await?;
    Ok(rows.len())
}

/// One connection that says nothing in the log.
pub(crate) async fn connect(url: &Url) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(url.as_str());
    options.max_connections(1).min_connections(1).sqlx_logging(false);
    Database::connect(options).await
}

async fn create(admin: &DatabaseConnection, template: &str) -> Url {
    let name = format!("{}{}", prefix(&run::name()), run::unique());
    run_all(admin, &[format!("create database {name} template {template}")]).await;
    database(&server(), &name)
}

async fn exists(admin: &DatabaseConnection, name: &str) -> bool {
    let sql = format!("select 1 from pg_database where datname = '{name}'");
    let row = admin.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await;
    row.expect("reading the list of databases").is_some()
}

async fn run_all(admin: &DatabaseConnection, statements: &[String]) {
    for statement in statements {
        let done = admin.execute_unprepared(statement).await;
        done.unwrap_or_else(|error| failed(statement, &error));
    }
}

#[expect(clippy::panic, reason = "a test whose database cannot be made has failed")]
fn failed<T>(statement: &str, error: &DbErr) -> T {
    panic!("`{statement}` failed: {error}")
}

fn prefix(run: &str) -> String {
    format!("it_{run}_")
}

fn database(server: &Url, name: &str) -> Url {
    let mut url = server.clone();
    url.set_path(name);
    url
}
