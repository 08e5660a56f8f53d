//! The end-to-end suite on Postgres.
use tests::backends::Postgres;

tests::e2e!(Postgres);
