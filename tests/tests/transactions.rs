//! Transactional steps and sends in a caller's transaction, where the store has transactions.
mod postgres {
    use tests::backends::Postgres;

    tests::transactions!(Postgres);
    tests::serializable!(Postgres);
}

mod sqlite {
    use tests::backends::Sqlite;

    tests::transactions!(Sqlite);
}
