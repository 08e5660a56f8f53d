//! The end-to-end suite on Sqlite.
use tests::backends::Sqlite;

tests::e2e!(Sqlite);
