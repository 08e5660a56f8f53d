//! The schema, version by version.
use sqlx::{SqliteConnection, raw_sql};

/// Tells our files from others': `PRAGMA application_id`, "drbl" in ASCII.
pub(crate) const APPLICATION_ID: i64 = 0x6472_626c;

/// The scripts; the first makes version 1. A script that was released is never changed.
const SCRIPTS: &[&str] = &[
    include_str!("../migrations/0001_initial.sql"),
    include_str!("../migrations/0002_queues.sql"),
];

/// The version that this program works with.
pub(crate) const VERSION: i64 = SCRIPTS.len() as i64;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Schema {
    /// It has no tables, and nobody has claimed it.
    Empty,
    /// It belongs to something else.
    Foreign,
    /// It is ours, in this version.
    Ours(i64),
}

impl Schema {
    /// Reads what the file is, in one snapshot.
    pub(crate) const QUERY: &str = "SELECT \
         (SELECT application_id FROM pragma_application_id) AS application_id, \
         (SELECT user_version FROM pragma_user_version) AS user_version, \
         (SELECT count(*) FROM sqlite_schema) AS objects";

    pub(crate) fn new(application_id: i64, version: i64, objects: i64) -> Self {
        match (application_id, version, objects) {
            (APPLICATION_ID, version, _) => Self::Ours(version),
            (0, 0, 0) => Self::Empty,
            _ => Self::Foreign,
        }
    }
}

/// Brings the schema from `version` to [`VERSION`], within the transaction that is open. Foreign keys must be off.
pub(crate) async fn run(
    connection: &mut SqliteConnection,
    version: i64,
) -> Result<(), sqlx::Error> {
    let done = usize::try_from(version).unwrap_or(0);
    for script in SCRIPTS.iter().skip(done) {
        raw_sql(*script).execute(&mut *connection).await?;
    }
    let stamp =
        format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION}");
    raw_sql(sqlx::AssertSqlSafe(stamp))
        .execute(connection)
        .await?;
    Ok(())
}
