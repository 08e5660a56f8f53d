-- Workflows. `seq` is what other tables refer to; ids sort in byte order, as everywhere in SQLite.
-- The payloads come last, so that a read that leaves them out does not touch their pages.
CREATE TABLE workflows (
    seq               INTEGER PRIMARY KEY,
    id                TEXT    NOT NULL UNIQUE,
    app               TEXT    NOT NULL,
    name              TEXT    NOT NULL,
    status            TEXT    NOT NULL,
    version           TEXT,
    executor_id       TEXT,
    owner_incarnation BLOB,
    owner_execution   INTEGER,
    recovery_attempts INTEGER NOT NULL,
    parent_id         TEXT,
    parent_step       INTEGER,
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL,
    started_at        INTEGER,
    completed_at      INTEGER,
    input_encoding    TEXT,
    input             BLOB,
    outcome_encoding  TEXT,
    outcome           BLOB
) STRICT;

-- Listings.
CREATE INDEX workflows_by_creation ON workflows (created_at, id);

-- Claims and handing back: what an executor runs, oldest first.
CREATE INDEX workflows_pending ON workflows (owner_incarnation, app, created_at, id)
    WHERE status = 'PENDING';

CREATE INDEX workflows_by_parent ON workflows (parent_id) WHERE parent_id IS NOT NULL;

-- Checkpoints. `failed` is null where the step only started a child.
CREATE TABLE steps (
    workflow         INTEGER NOT NULL REFERENCES workflows (seq) ON DELETE CASCADE,
    step_id          INTEGER NOT NULL,
    name             TEXT    NOT NULL,
    child_id         TEXT,
    started_at       INTEGER NOT NULL,
    completed_at     INTEGER NOT NULL,
    failed           INTEGER,
    outcome_encoding TEXT,
    outcome          BLOB,
    PRIMARY KEY (workflow, step_id)
) STRICT, WITHOUT ROWID;

-- Executors that live.
CREATE TABLE executors (
    incarnation   BLOB    NOT NULL PRIMARY KEY,
    app           TEXT    NOT NULL,
    executor_id   TEXT    NOT NULL,
    version       TEXT    NOT NULL,
    host          TEXT,
    process       TEXT,
    beat          INTEGER NOT NULL,
    registered_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Versions of applications, as first registered.
CREATE TABLE versions (
    app           TEXT    NOT NULL,
    version       TEXT    NOT NULL,
    registered_at INTEGER NOT NULL,
    PRIMARY KEY (app, version)
) STRICT, WITHOUT ROWID;
