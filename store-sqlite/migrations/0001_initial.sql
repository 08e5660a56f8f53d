-- Workflows. `seq` is what other tables refer to; ids sort in byte order, as everywhere in SQLite.
-- The roles are a JSON array and the attributes a JSON object; null stands for an empty one.
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
    forked_from       TEXT,
    deadline          INTEGER,
    caller_user       TEXT,
    caller_role       TEXT,
    caller_roles      TEXT,
    attributes        TEXT,
    trace_context     TEXT,
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

-- What is over its deadline.
CREATE INDEX workflows_by_deadline ON workflows (app, deadline, id)
    WHERE status = 'PENDING' AND deadline IS NOT NULL;

-- Retention: what ended, the earliest first.
CREATE INDEX workflows_by_completion ON workflows (app, completed_at, id)
    WHERE completed_at IS NOT NULL;

CREATE INDEX workflows_by_parent ON workflows (parent_id) WHERE parent_id IS NOT NULL;

CREATE INDEX workflows_by_source ON workflows (forked_from) WHERE forked_from IS NOT NULL;

-- The attributes once more, to find workflows by. A value is JSON in a form in which equal values are equal texts.
CREATE TABLE attributes (
    workflow INTEGER NOT NULL REFERENCES workflows (seq) ON DELETE CASCADE,
    name     TEXT    NOT NULL,
    value    TEXT    NOT NULL,
    PRIMARY KEY (workflow, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX attributes_by_value ON attributes (name, value);

-- Checkpoints. `failed` is null where the step came to no outcome.
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

-- Messages, in the order in which they were accepted. One that was consumed stays without its payload, so that its id
-- is known for as long as its destination exists.
CREATE TABLE messages (
    seq        INTEGER PRIMARY KEY,
    workflow   INTEGER NOT NULL REFERENCES workflows (seq) ON DELETE CASCADE,
    topic      TEXT    NOT NULL,
    message_id TEXT    NOT NULL,
    encoding   TEXT,
    payload    BLOB,
    UNIQUE (workflow, message_id)
) STRICT;

CREATE INDEX messages_waiting ON messages (workflow, topic, seq) WHERE encoding IS NOT NULL;

-- Events: what each step set. The row that was written last holds the present value.
CREATE TABLE events (
    seq      INTEGER PRIMARY KEY,
    workflow INTEGER NOT NULL REFERENCES workflows (seq) ON DELETE CASCADE,
    key      TEXT    NOT NULL,
    step_id  INTEGER NOT NULL,
    encoding TEXT    NOT NULL,
    value    BLOB    NOT NULL,
    UNIQUE (workflow, key, step_id)
) STRICT;

CREATE INDEX events_latest ON events (workflow, key, seq);

-- Streams. A row without a value closes its stream, and stands behind the last value.
CREATE TABLE stream_values (
    workflow INTEGER NOT NULL REFERENCES workflows (seq) ON DELETE CASCADE,
    key      TEXT    NOT NULL,
    position INTEGER NOT NULL,
    step_id  INTEGER NOT NULL,
    write_id BLOB    NOT NULL,
    encoding TEXT,
    value    BLOB,
    PRIMARY KEY (workflow, key, position),
    UNIQUE (workflow, write_id)
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

-- Versions of applications, with the time of their first registration or later promotion.
CREATE TABLE versions (
    app           TEXT    NOT NULL,
    version       TEXT    NOT NULL,
    registered_at INTEGER NOT NULL,
    PRIMARY KEY (app, version)
) STRICT, WITHOUT ROWID;
