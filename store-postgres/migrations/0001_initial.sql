-- `{schema}` stands for the quoted schema name.

-- Finishing a workflow writes a second version of its row: fillfactor leaves room for it on the same
-- page. The table is analyzed late, so that plans are not made for a table of ten rows and kept.
CREATE TABLE {schema}.workflows (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    app text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    status text COLLATE "C" NOT NULL,
    version text COLLATE "C",
    executor_id text COLLATE "C",
    owner_incarnation uuid,
    owner_execution bigint,
    recovery_attempts bigint NOT NULL DEFAULT 0,
    parent_id text COLLATE "C",
    parent_step bigint,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    started_at bigint,
    completed_at bigint,
    input_encoding text COLLATE "C",
    input bytea,
    outcome_encoding text COLLATE "C",
    outcome bytea
) WITH (fillfactor = 75, autovacuum_analyze_threshold = 2000);

-- Who owns unfinished work. Small, because it holds that alone.
CREATE INDEX workflows_pending ON {schema}.workflows (owner_incarnation, owner_execution)
    WHERE status = 'PENDING';

CREATE INDEX workflows_created ON {schema}.workflows (created_at, id);

CREATE INDEX workflows_parent ON {schema}.workflows (parent_id) WHERE parent_id IS NOT NULL;

-- No foreign key: every write locks the workflow's row and judges its owner, which is more.
CREATE TABLE {schema}.steps (
    workflow_id text COLLATE "C" NOT NULL,
    step_id bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    failed boolean,
    child_id text COLLATE "C",
    started_at bigint NOT NULL,
    completed_at bigint NOT NULL,
    outcome_encoding text COLLATE "C",
    outcome bytea,
    PRIMARY KEY (workflow_id, step_id)
) WITH (autovacuum_analyze_threshold = 2000);

-- Heartbeats rewrite these few rows all the time: room for updates that touch no index.
CREATE TABLE {schema}.executors (
    incarnation uuid NOT NULL PRIMARY KEY,
    app text COLLATE "C" NOT NULL,
    executor_id text COLLATE "C" NOT NULL,
    version text COLLATE "C" NOT NULL,
    host text COLLATE "C",
    process text COLLATE "C",
    beat bigint NOT NULL DEFAULT 0,
    registered_at bigint NOT NULL,
    UNIQUE (app, executor_id)
) WITH (fillfactor = 40);

CREATE TABLE {schema}.versions (
    app text COLLATE "C" NOT NULL,
    version text COLLATE "C" NOT NULL,
    registered_at bigint NOT NULL,
    PRIMARY KEY (app, version)
);
