-- Workflows have more columns, which belong before the payloads; so the table is made anew. Foreign keys are off
-- meanwhile, because dropping the table would otherwise take with it what belongs to its rows.
CREATE TABLE new_workflows (
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
    timeout           INTEGER,
    queue             TEXT,
    priority          INTEGER NOT NULL DEFAULT 0,
    place             INTEGER,
    deduplication_id  TEXT,
    partition_key     TEXT,
    delayed_until     INTEGER,
    debounce_key      TEXT,
    debounce_until    INTEGER,
    schedule          TEXT,
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

INSERT INTO new_workflows (seq, id, app, name, status, version, executor_id, owner_incarnation, owner_execution,
    recovery_attempts, parent_id, parent_step, forked_from, deadline, caller_user, caller_role, caller_roles, attributes,
    trace_context, created_at, updated_at, started_at, completed_at, input_encoding, input, outcome_encoding, outcome)
SELECT seq, id, app, name, status, version, executor_id, owner_incarnation, owner_execution,
    recovery_attempts, parent_id, parent_step, forked_from, deadline, caller_user, caller_role, caller_roles, attributes,
    trace_context, created_at, updated_at, started_at, completed_at, input_encoding, input, outcome_encoding, outcome
FROM workflows ORDER BY seq;

DROP TABLE workflows;

ALTER TABLE new_workflows RENAME TO workflows;

-- The indexes of version 1.
CREATE INDEX workflows_by_creation ON workflows (created_at, id);

CREATE INDEX workflows_pending ON workflows (owner_incarnation, app, created_at, id)
    WHERE status = 'PENDING';

CREATE INDEX workflows_by_deadline ON workflows (app, deadline, id)
    WHERE status = 'PENDING' AND deadline IS NOT NULL;

CREATE INDEX workflows_by_completion ON workflows (app, completed_at, id)
    WHERE completed_at IS NOT NULL;

CREATE INDEX workflows_by_parent ON workflows (parent_id) WHERE parent_id IS NOT NULL;

CREATE INDEX workflows_by_source ON workflows (forked_from) WHERE forked_from IS NOT NULL;

-- The last execution of an executor whose requests to take work are settled: such a request takes nothing more.
ALTER TABLE executors ADD COLUMN settled INTEGER NOT NULL DEFAULT -1;

-- What a checkpoint says of the order in which earlier calls completed.
ALTER TABLE steps ADD COLUMN completions TEXT;

-- What waits. The rows of one version and name stand in the order in which they are taken: by priority, and by acceptance into
-- their queue, of which `place` is the number.
CREATE INDEX workflows_waiting ON workflows (app, queue, partition_key, version, name, priority, place)
    WHERE status = 'ENQUEUED';

-- The place of whoever is accepted next.
CREATE TABLE places (
    next INTEGER NOT NULL
) STRICT;

INSERT INTO places (next) VALUES (1);

CREATE TRIGGER workflows_placed AFTER INSERT ON workflows
WHEN new.place IS NOT NULL
BEGIN
    UPDATE places SET next = new.place + 1;
END;

-- Whoever comes into another queue stands behind those that are there.
CREATE TRIGGER workflows_moved AFTER UPDATE OF queue ON workflows
WHEN new.queue IS NOT old.queue
BEGIN
    UPDATE workflows SET place = (SELECT next FROM places) WHERE seq = new.seq;
    UPDATE places SET next = next + 1;
END;

-- What runs from a queue, to be counted.
CREATE INDEX workflows_running ON workflows (app, queue, partition_key, owner_incarnation)
    WHERE status = 'PENDING' AND queue IS NOT NULL;

-- What one call took from queues.
CREATE INDEX workflows_taken ON workflows (owner_incarnation, owner_execution)
    WHERE status = 'PENDING' AND queue IS NOT NULL;

CREATE INDEX workflows_delayed ON workflows (app, delayed_until, id) WHERE status = 'DELAYED';

CREATE INDEX workflows_by_debounce_key ON workflows (app, name, debounce_key)
    WHERE status = 'DELAYED' AND debounce_key IS NOT NULL;

-- Which workflow each debounced request pushed back, by what tells the request from all others: its repetition is answered the
-- same, also after another push, or when that workflow has started meanwhile.
CREATE TABLE pushes (
    token    BLOB    NOT NULL PRIMARY KEY,
    workflow INTEGER NOT NULL REFERENCES workflows (seq) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX pushes_of_workflow ON pushes (workflow);

-- Deduplication: one workflow that has not ended.
CREATE UNIQUE INDEX workflows_deduplicated ON workflows (app, queue, deduplication_id)
    WHERE deduplication_id IS NOT NULL AND status IN ('ENQUEUED', 'DELAYED', 'PENDING');

-- Configurations of queues: the record as JSON.
CREATE TABLE queues (
    app    TEXT NOT NULL,
    name   TEXT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (app, name)
) STRICT, WITHOUT ROWID;

-- The partitions of queues that have work waiting or running; those without a key are one. Whose `served` is lowest has its
-- turn next: 0, if it was never served; -1, if it is in the midst of a turn, of which it has `used` so many. `waiting` is not 0
-- while it has work waiting; `best` is the lowest priority of what has waited since.
CREATE TABLE partitions (
    seq           INTEGER PRIMARY KEY,
    app           TEXT    NOT NULL,
    queue         TEXT    NOT NULL,
    partition_key TEXT,
    scope         TEXT    NOT NULL AS (ifnull('=' || partition_key, '')) STORED,
    waiting       INTEGER NOT NULL DEFAULT 1,
    served        INTEGER NOT NULL DEFAULT 0,
    used          INTEGER NOT NULL DEFAULT 0,
    best          INTEGER NOT NULL,
    UNIQUE (app, queue, scope)
) STRICT;

CREATE INDEX partitions_in_turn ON partitions (app, queue, waiting, served, best);

-- However a workflow comes to wait, its partition gets turns.
CREATE TRIGGER workflows_accepted AFTER INSERT ON workflows
WHEN new.status = 'ENQUEUED' AND new.queue IS NOT NULL
BEGIN
    INSERT INTO partitions (app, queue, partition_key, best)
    VALUES (new.app, new.queue, new.partition_key, new.priority)
    ON CONFLICT (app, queue, scope) DO UPDATE SET waiting = 1,
        best = iif(waiting, min(best, excluded.best), excluded.best)
    WHERE NOT waiting OR excluded.best < best;
END;

CREATE TRIGGER workflows_enqueued AFTER UPDATE OF status ON workflows
WHEN new.status = 'ENQUEUED' AND new.queue IS NOT NULL
BEGIN
    INSERT INTO partitions (app, queue, partition_key, best)
    VALUES (new.app, new.queue, new.partition_key, new.priority)
    ON CONFLICT (app, queue, scope) DO UPDATE SET waiting = 1,
        best = iif(waiting, min(best, excluded.best), excluded.best)
    WHERE NOT waiting OR excluded.best < best;
END;

-- What was taken from queues that limit a rate. The scope is the partition's.
CREATE TABLE starts (
    app        TEXT    NOT NULL,
    queue      TEXT    NOT NULL,
    scope      TEXT    NOT NULL,
    started_at INTEGER NOT NULL
) STRICT;

CREATE INDEX starts_of_queue ON starts (app, queue, started_at);

CREATE INDEX starts_of_partition ON starts (app, queue, scope, started_at);

-- Schedules. Every change makes a row anew, and so gives it a number that was never used.
CREATE TABLE schedules (
    revision       INTEGER PRIMARY KEY AUTOINCREMENT,
    app            TEXT    NOT NULL,
    name           TEXT    NOT NULL,
    workflow       TEXT    NOT NULL,
    cron           TEXT    NOT NULL,
    timezone       TEXT    NOT NULL,
    input_encoding TEXT    NOT NULL,
    input          BLOB    NOT NULL,
    queue          TEXT    NOT NULL,
    backfill       INTEGER NOT NULL,
    paused         INTEGER NOT NULL,
    last_tick      INTEGER NOT NULL,
    UNIQUE (app, name)
) STRICT;
