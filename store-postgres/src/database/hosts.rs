use std::io;

use sqlx::{PgConnection, Row as _, postgres::PgConnectOptions};

/// What a session must be good for: the values of libpq's `target_session_attrs` that suit a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SessionAttrs {
    Any,
    /// Its transactions can write unless they say otherwise.
    ReadWrite,
    /// The server is no standby.
    Primary,
}

impl SessionAttrs {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "any" => Some(Self::Any),
            "read-write" => Some(Self::ReadWrite),
            "primary" => Some(Self::Primary),
            _ => None,
        }
    }

    /// What is asked, which `off` is the right answer to.
    fn question(self) -> Option<&'static str> {
        match self {
            Self::Any => None,
            // Also true of a standby, always.
            Self::ReadWrite => Some("SHOW transaction_read_only"),
            Self::Primary => Some("SELECT CASE WHEN pg_is_in_recovery() THEN 'on' ELSE 'off' END"),
        }
    }

    /// Fails on a connection that is not good for it.
    pub(super) async fn check(self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let Some(question) = self.question() else {
            return Ok(());
        };
        let row = sqlx::raw_sql(question).fetch_one(connection).await?;
        let answer: String = row.try_get(0)?;
        if answer == "off" {
            return Ok(());
        }
        Err(standby())
    }
}

/// In the driver's terms: as if nobody listened there.
pub(super) fn standby() -> sqlx::Error {
    sqlx::Error::Io(io::Error::other(
        "the server is a standby, or read-only, and another is wanted",
    ))
}

/// The servers that one database may be found on.
#[derive(Clone)]
pub(crate) struct Hosts {
    candidates: Vec<PgConnectOptions>,
    wanted: SessionAttrs,
}

impl Hosts {
    /// At least one. Of several, that is wanted which accepts writes.
    pub(crate) fn new(candidates: Vec<PgConnectOptions>) -> Self {
        assert!(!candidates.is_empty(), "a database is somewhere");
        let wanted = match candidates.len() {
            1 => SessionAttrs::Any,
            _ => SessionAttrs::ReadWrite,
        };
        Self { candidates, wanted }
    }

    pub(crate) fn wanting(mut self, wanted: SessionAttrs) -> Self {
        self.wanted = wanted;
        self
    }

    /// The same servers, connected to in another way.
    pub(crate) fn map(mut self, change: impl Fn(PgConnectOptions) -> PgConnectOptions) -> Self {
        self.candidates = self.candidates.into_iter().map(change).collect();
        self
    }

    pub(crate) fn wanted(&self) -> SessionAttrs {
        self.wanted
    }

    pub(super) fn candidates(&self) -> &[PgConnectOptions] {
        &self.candidates
    }

    /// `host:port,host:port/database`, without credentials.
    pub(crate) fn location(&self) -> String {
        let addresses: Vec<String> = self.candidates.iter().map(address).collect();
        let first = &self.candidates[0];
        let database = first.get_database().unwrap_or(first.get_username());
        format!("{}/{database}", addresses.join(","))
    }
}

impl Default for Hosts {
    /// The server that the `PG*` environment variables name.
    fn default() -> Self {
        Self::new(vec![PgConnectOptions::default()])
    }
}

impl From<PgConnectOptions> for Hosts {
    fn from(options: PgConnectOptions) -> Self {
        Self::new(vec![options])
    }
}

/// `host:port`.
pub(super) fn address(options: &PgConnectOptions) -> String {
    match options.get_socket() {
        Some(socket) => format!("{}:{}", socket.display(), options.get_port()),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    }
}
