-- Numbers that only go up: places in queues, turns of partitions, revisions of schedules. Whoever may use the schema may
-- draw one, so that a user who did not migrate needs no privilege but those on tables.
CREATE SEQUENCE {schema}.numbers;

GRANT USAGE ON SEQUENCE {schema}.numbers TO PUBLIC;

-- All of them nullable: a workflow without queue has none of it, and its row is as short as before.
ALTER TABLE {schema}.workflows
    ADD COLUMN timeout bigint,
    ADD COLUMN queue text COLLATE "C",
    ADD COLUMN priority integer,
    -- In the order of acceptance; kept when the workflow goes back into its queue.
    ADD COLUMN place bigint,
    ADD COLUMN deduplication_id text COLLATE "C",
    ADD COLUMN partition_key text COLLATE "C",
    ADD COLUMN delayed_until bigint,
    ADD COLUMN debounce_key text COLLATE "C",
    ADD COLUMN debounce_until bigint,
    ADD COLUMN schedule text COLLATE "C";

-- The last execution of an executor whose requests to take work are settled: such a request takes nothing more.
ALTER TABLE {schema}.executors ADD COLUMN settled bigint NOT NULL DEFAULT -1;

-- What waits, in lanes: a queue, a partition, a name and a version, each lane in its order. A dequeue hops from lane to lane, so what it
-- may not take costs it one look, however much there is of it. (The dot tells an empty key from none.)
CREATE INDEX workflows_waiting ON {schema}.workflows
    (app, queue, (coalesce('.' || partition_key, '')), name, (coalesce('.' || version, '')), priority, place)
    WHERE queue IS NOT NULL AND status = 'ENQUEUED';

-- What limits count.
CREATE INDEX workflows_running ON {schema}.workflows
    (app, queue, (coalesce('.' || partition_key, '')), owner_incarnation)
    WHERE queue IS NOT NULL AND status = 'PENDING';

CREATE INDEX workflows_delayed ON {schema}.workflows (app, delayed_until, id) WHERE status = 'DELAYED';

CREATE UNIQUE INDEX workflows_deduplication ON {schema}.workflows (app, queue, deduplication_id)
    WHERE deduplication_id IS NOT NULL AND status IN ('ENQUEUED', 'DELAYED', 'PENDING');

CREATE UNIQUE INDEX workflows_debounce ON {schema}.workflows (app, name, debounce_key)
    WHERE debounce_key IS NOT NULL AND status = 'DELAYED';

CREATE INDEX workflows_schedule ON {schema}.workflows (schedule, created_at) WHERE schedule IS NOT NULL;

-- Which workflow each debounced request went into, by what tells the request from all others: its repetition is answered the same,
-- also when that workflow has started meanwhile.
CREATE TABLE {schema}.debounced (
    token bytea NOT NULL PRIMARY KEY,
    workflow_id text COLLATE "C" NOT NULL
) WITH (autovacuum_analyze_threshold = 2000);

CREATE INDEX debounced_workflow ON {schema}.debounced (workflow_id);

-- The configurations. Whoever changes one, or dequeues by it, holds the lock `queue_key`.
CREATE TABLE {schema}.queues (
    app text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    concurrency bigint,
    executor_concurrency bigint,
    rate_starts bigint,
    rate_millis numeric,
    partition_concurrency bigint,
    partition_executor_concurrency bigint,
    partition_rate_starts bigint,
    partition_rate_millis numeric,
    weights jsonb NOT NULL,
    PRIMARY KEY (app, name)
);

-- When partitions had their last turn, and how much of the present one is used up. A partition that has nothing in its
-- queue has no row.
CREATE TABLE {schema}.queue_partitions (
    app text COLLATE "C" NOT NULL,
    queue text COLLATE "C" NOT NULL,
    partition text COLLATE "C" NOT NULL,
    served bigint NOT NULL,
    used bigint NOT NULL,
    PRIMARY KEY (app, queue, partition)
);

CREATE INDEX queue_partitions_served ON {schema}.queue_partitions (app, served);

-- What was started from queues that have a rate, as long as the rate counts it.
CREATE TABLE {schema}.queue_starts (
    app text COLLATE "C" NOT NULL,
    queue text COLLATE "C" NOT NULL,
    at bigint NOT NULL,
    number bigint NOT NULL,
    partition text COLLATE "C" NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (app, queue, at, number)
);

CREATE INDEX queue_starts_partition ON {schema}.queue_starts (app, queue, partition, at);

CREATE TABLE {schema}.schedules (
    app text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    workflow text COLLATE "C" NOT NULL,
    cron text COLLATE "C" NOT NULL,
    timezone text COLLATE "C" NOT NULL,
    input_encoding text COLLATE "C" NOT NULL,
    input bytea NOT NULL,
    queue text COLLATE "C" NOT NULL,
    backfill boolean NOT NULL,
    paused boolean NOT NULL,
    last_tick bigint NOT NULL,
    revision bigint NOT NULL,
    PRIMARY KEY (app, name)
);

ALTER TABLE {schema}.steps ADD COLUMN completions text;
