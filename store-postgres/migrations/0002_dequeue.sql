-- Dequeuing, in one round trip. Statements of a function each take a snapshot of their own under READ COMMITTED, so what is counted
-- after a lock was taken includes what its last holder committed.

-- (The planner puts what the functions in SQL say in place of their calls.)

-- Whether a queue of this configuration has limits.
CREATE FUNCTION {schema}.is_limited(q {schema}.queues) RETURNS boolean
LANGUAGE sql IMMUTABLE
AS $body$
    SELECT num_nonnulls(q.concurrency, q.executor_concurrency, q.rate_starts, q.partition_concurrency,
                        q.partition_executor_concurrency, q.partition_rate_starts) > 0
$body$;

-- Whether a row fits together, as far as can be said without looking further.
CREATE FUNCTION {schema}.is_whole(w {schema}.workflows) RETURNS boolean
LANGUAGE sql IMMUTABLE
AS $body$
    SELECT w.recovery_attempts BETWEEN 0 AND 4294967295
       AND (w.owner_incarnation IS NULL) = (w.owner_execution IS NULL)
       AND coalesce(w.owner_execution, 0) >= 0
       AND (w.parent_id IS NULL) = (w.parent_step IS NULL)
       AND coalesce(w.parent_step, 0) BETWEEN 0 AND 4294967295
       AND coalesce(jsonb_typeof(w.caller_roles), 'array') = 'array'
       AND jsonb_path_exists(w.caller_roles, '$[*] ? (@.type() != "string")') IS NOT TRUE
       AND coalesce(w.timeout, 0) >= 0
       AND (w.debounce_key IS NULL) = (w.debounce_until IS NULL)
       AND (w.input_encoding IS NULL) = (w.input IS NULL)
       AND (w.outcome_encoding IS NULL) = (w.outcome IS NULL)
$body$;

-- Whether it needs no partition, no history and no second look.
CREATE FUNCTION {schema}.is_plain(w {schema}.workflows, names text[], versions text[], queues text[]) RETURNS boolean
LANGUAGE sql IMMUTABLE
AS $body$
    SELECT w.partition_key IS NULL AND w.started_at IS NULL AND w.forked_from IS NULL AND w.attributes IS NULL
       AND w.name = ANY (names) AND coalesce('.' || w.version, '') = ANY (versions)
       AND (queues IS NULL OR w.queue = ANY (queues))
$body$;

-- Gives workflows, which the caller has locked, to an execution, unless it may take nothing any more.
CREATE FUNCTION {schema}.give(
    p_ids text[], p_executor_id text, p_incarnation uuid, p_execution bigint, p_now bigint)
RETURNS boolean
LANGUAGE plpgsql
AS $body$
BEGIN
    -- Whoever removes the executor, or settles this request, waits for this transaction and finds what it took, or is done, and
    -- nothing is taken.
    PERFORM 1 FROM executors e WHERE e.incarnation = p_incarnation AND e.settled < p_execution FOR SHARE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE workflows w
    SET status = 'PENDING', executor_id = p_executor_id,
        owner_incarnation = p_incarnation, owner_execution = p_execution,
        updated_at = p_now, started_at = p_now,
        deadline = CASE WHEN w.started_at IS NULL AND w.timeout IS NOT NULL
                        THEN least(w.deadline, p_now::numeric + w.timeout, 9223372036854775807)::bigint
                        ELSE w.deadline END
    WHERE w.id = ANY (p_ids);
    RETURN true;
END
$body$;

-- Takes up to `p_budget` workflows from one queue, out of the given lanes. The caller holds the queue's lock: alone if the queue has
-- limits or partitions, else together with others, whose rows are passed over.
CREATE FUNCTION {schema}.dequeue_from(
    p_app text, p_queue text, p_exclusive boolean, p_partitioned boolean,
    p_partitions text[], p_names text[], p_versions text[], p_priorities integer[], p_places bigint[],
    p_damaged text[],
    p_executor_id text, p_incarnation uuid, p_execution bigint, p_budget bigint, p_now bigint,
    OUT taken text[], OUT resumed text[], OUT damaged text[], OUT cut boolean, OUT retry_at bigint)
LANGUAGE plpgsql
SET search_path = {schema}, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan
AS $body$
DECLARE
    unbounded CONSTANT bigint := 9223372036854775807;
    q queues%ROWTYPE;
    space record;
    picked record;
    left_over bigint := p_budget;
    -- The partitions in the order of their turns, and the state of each: how much of its turn is used up, what its limits leave (-1 as long
    -- as nobody asked), when in this call it ended a turn, and how many were taken from it.
    partitions text[];
    weights bigint[];
    used bigint[];
    rooms bigint[];
    ended bigint[];
    counts bigint[];
    active integer[];
    width integer;
    cycles bigint;
    weight bigint;
    turns bigint := 0;
    seen text[] := p_damaged;
    latest bigint;
    i integer;
BEGIN
    taken := '{}';
    resumed := '{}';
    damaged := '{}';
    cut := false;
    SELECT * INTO q FROM queues r WHERE r.app = p_app AND r.name = p_queue;
    IF NOT p_exclusive AND is_limited(q) THEN
        -- It got its limits after the lock was chosen; the change is followed by a hint.
        RETURN;
    END IF;
    SELECT * INTO space FROM queue_room(p_app, p_queue, '', '/', q.concurrency, q.executor_concurrency,
                                        q.rate_starts, q.rate_millis, p_incarnation, p_now);
    retry_at := space.retry_at;
    left_over := least(left_over, space.room);
    IF left_over <= 0 THEN
        RETURN;
    END IF;

    SELECT array_agg(o.partition ORDER BY o.turn), array_agg(o.weight ORDER BY o.turn), array_agg(o.used ORDER BY o.turn),
           array_agg(CASE WHEN num_nonnulls(q.partition_concurrency, q.partition_executor_concurrency,
                                            q.partition_rate_starts) > 0 THEN -1 ELSE unbounded END),
           array_agg(0::bigint), array_agg(0::bigint), array_agg(o.turn::integer ORDER BY o.turn)
    INTO partitions, weights, used, rooms, ended, counts, active
    FROM (SELECT l.partition, coalesce(s.used, 0) AS used,
                 greatest((q.weights ->> substr(l.partition, 2))::bigint, 1) AS weight,
                 row_number() OVER (ORDER BY coalesce(s.served, 0), l.priority, l.place) AS turn
          FROM (SELECT DISTINCT ON (u.partition) u.partition, u.priority, u.place
                FROM unnest(p_partitions, p_priorities, p_places) AS u (partition, priority, place)
                ORDER BY u.partition, u.priority, u.place) AS l
          LEFT JOIN queue_partitions s
          ON p_partitioned AND s.app = p_app AND s.queue = p_queue AND s.partition = l.partition) AS o;

    WHILE left_over > 0 AND cardinality(active) > 0 LOOP
        width := least(left_over, cardinality(active));
        weight := 0;
        FOREACH i IN ARRAY active[1:width] LOOP
            IF rooms[i] < 0 THEN
                SELECT * INTO space
                FROM queue_room(p_app, p_queue, partitions[i], partitions[i], q.partition_concurrency,
                                q.partition_executor_concurrency, q.partition_rate_starts, q.partition_rate_millis,
                                p_incarnation, p_now);
                rooms[i] := greatest(space.room, 0);
                retry_at := least(retry_at, space.retry_at);
            END IF;
            weight := weight + weights[i];
        END LOOP;
        cycles := greatest(left_over / weight, 1);

        WITH turn AS (
            SELECT a.i, a.rank, partitions[a.i] AS partition, weights[a.i] AS weight, used[a.i] AS used,
                   least(greatest(weights[a.i] * cycles - used[a.i], 1), rooms[a.i], left_over) AS budget
            FROM unnest(active[1:width]) WITH ORDINALITY AS a (i, rank)
            WHERE rooms[a.i] > 0
        ), found AS (
            SELECT t.i, t.rank, t.weight, t.used, t.budget, c.*
            FROM turn t
            JOIN unnest(p_partitions, p_names, p_versions) AS l (partition, name, version) ON l.partition = t.partition
            CROSS JOIN LATERAL (
                SELECT w.id, w.priority, w.place,
                       w.started_at IS NOT NULL OR w.forked_from IS NOT NULL AS resumed,
                       is_whole(w)
                       AND CASE
                           WHEN w.attributes IS NULL THEN true
                           WHEN jsonb_typeof(w.attributes) <> 'object' THEN false
                           ELSE NOT EXISTS (SELECT 1 FROM jsonb_each(w.attributes) AS a
                                            WHERE jsonb_typeof(a.value) <> 'string' OR NOT is_json(a.value #>> '{}'))
                       END
                       AND CASE
                           WHEN w.started_at IS NULL AND w.forked_from IS NULL THEN true
                           ELSE NOT EXISTS (SELECT 1 FROM steps s
                                            WHERE s.workflow_id = w.id
                                              AND (s.step_id NOT BETWEEN 0 AND 4294967295
                                                   OR (s.outcome IS NULL) <> (s.failed IS NULL)
                                                   OR (s.outcome_encoding IS NULL) <> (s.failed IS NULL)))
                       END AS sound
                FROM workflows w
                WHERE w.status = 'ENQUEUED' AND w.queue IS NOT NULL AND w.app = p_app AND w.queue = p_queue
                  AND coalesce('.' || w.partition_key, '') = l.partition
                  AND w.name = l.name AND coalesce('.' || w.version, '') = l.version
                  AND w.id <> ALL (seen)
                ORDER BY w.priority, w.place
                LIMIT t.budget
                FOR NO KEY UPDATE SKIP LOCKED
            ) AS c
        ), chosen AS (
            SELECT f.*, row_number() OVER (ORDER BY (f.number - 1 + f.used) / f.weight, f.rank, f.number) AS turn
            FROM (SELECT d.*, row_number() OVER (PARTITION BY d.i ORDER BY d.priority, d.place) AS number
                  FROM found d WHERE d.sound) AS f
            WHERE f.number <= f.budget
        )
        SELECT (SELECT array_agg(c.id ORDER BY c.turn) FROM chosen c WHERE c.turn <= left_over) AS ids,
               (SELECT array_agg(c.i ORDER BY c.turn) FROM chosen c WHERE c.turn <= left_over) AS partitions,
               (SELECT array_agg(c.id) FROM chosen c WHERE c.turn <= left_over AND c.resumed) AS resumed,
               (SELECT array_agg(f.id) FROM found f WHERE NOT f.sound) AS damaged,
               coalesce((SELECT array_agg(g.i)
                         FROM (SELECT f.i FROM found f GROUP BY f.i, f.budget HAVING count(*) >= f.budget) AS g), '{}') AS more
        INTO picked;

        FOREACH i IN ARRAY coalesce(picked.partitions, '{}') LOOP
            left_over := left_over - 1;
            counts[i] := counts[i] + 1;
            rooms[i] := rooms[i] - 1;
            used[i] := used[i] + 1;
            IF used[i] >= weights[i] THEN
                turns := turns + 1;
                ended[i] := turns;
                used[i] := 0;
            END IF;
        END LOOP;
        -- A turn ends, too, when nothing is left to take.
        FOREACH i IN ARRAY active[1:width] LOOP
            IF used[i] > 0 AND rooms[i] > 0 AND i <> ALL (picked.more) THEN
                turns := turns + 1;
                ended[i] := turns;
                used[i] := 0;
            END IF;
        END LOOP;
        active := ARRAY(SELECT a.i FROM unnest(active) WITH ORDINALITY AS a (i, rank)
                        WHERE a.rank > width OR (rooms[a.i] > 0 AND a.i = ANY (picked.more))
                        ORDER BY a.rank);
        taken := taken || coalesce(picked.ids, '{}');
        resumed := resumed || coalesce(picked.resumed, '{}');
        damaged := damaged || coalesce(picked.damaged, '{}');
        seen := seen || coalesce(picked.ids, '{}') || coalesce(picked.damaged, '{}');
    END LOOP;
    IF cardinality(taken) = 0 THEN
        RETURN;
    END IF;

    IF NOT give(taken, p_executor_id, p_incarnation, p_execution, p_now) THEN
        taken := '{}';
        resumed := '{}';
        retry_at := NULL;
        RETURN;
    END IF;

    IF q.rate_starts IS NOT NULL OR q.partition_rate_starts IS NOT NULL THEN
        SELECT greatest(p_now, max(s.at)) INTO latest FROM queue_starts s WHERE s.app = p_app AND s.queue = p_queue;
        DELETE FROM queue_starts s
        WHERE s.app = p_app AND s.queue = p_queue
          AND s.at <= latest::numeric - greatest(q.rate_millis, q.partition_rate_millis);
        INSERT INTO queue_starts (app, queue, at, number, partition, count)
        SELECT p_app, p_queue, latest, nextval('numbers'), s.partition, s.count
        FROM unnest(partitions, counts) AS s (partition, count)
        WHERE s.count > 0;
        -- A rate is in the way if it is used up and something still waits.
        IF q.rate_starts IS NOT NULL THEN
            SELECT * INTO space FROM queue_room(p_app, p_queue, '', '/', NULL, NULL, q.rate_starts, q.rate_millis,
                                                p_incarnation, p_now);
            IF EXISTS (SELECT 1 FROM unnest(p_partitions, p_names, p_versions) AS l (partition, name, version)
                       CROSS JOIN LATERAL (
                           SELECT 1 FROM workflows w
                           WHERE w.status = 'ENQUEUED' AND w.queue IS NOT NULL AND w.app = p_app AND w.queue = p_queue
                             AND coalesce('.' || w.partition_key, '') = l.partition
                             AND w.name = l.name AND coalesce('.' || w.version, '') = l.version
                             AND w.id <> ALL (seen)
                           LIMIT 1) AS waiting) THEN
                retry_at := least(retry_at, space.retry_at);
            END IF;
        END IF;
        IF q.partition_rate_starts IS NOT NULL THEN
            FOR i IN 1..cardinality(partitions) LOOP
                CONTINUE WHEN counts[i] = 0 OR rooms[i] > 0;
                SELECT * INTO space FROM queue_room(p_app, p_queue, partitions[i], partitions[i], NULL, NULL,
                                                    q.partition_rate_starts, q.partition_rate_millis, p_incarnation, p_now);
                CONTINUE WHEN space.retry_at IS NULL;
                IF EXISTS (SELECT 1 FROM unnest(p_partitions, p_names, p_versions) AS l (partition, name, version)
                           CROSS JOIN LATERAL (
                               SELECT 1 FROM workflows w
                               WHERE w.status = 'ENQUEUED' AND w.queue IS NOT NULL AND w.app = p_app AND w.queue = p_queue
                                 AND coalesce('.' || w.partition_key, '') = l.partition
                                 AND w.name = l.name AND coalesce('.' || w.version, '') = l.version
                                 AND w.id <> ALL (seen)
                               LIMIT 1) AS waiting
                           WHERE l.partition = partitions[i]) THEN
                    retry_at := least(retry_at, space.retry_at);
                END IF;
            END LOOP;
        END IF;
    END IF;

    IF p_partitioned THEN
        INSERT INTO queue_partitions AS s (app, queue, partition, served, used)
        SELECT p_app, p_queue, t.partition, CASE WHEN t.ended > 0 THEN nextval('numbers') ELSE 0 END, t.used
        FROM unnest(partitions, ended, used, counts) AS t (partition, ended, used, count)
        WHERE t.count > 0
        ORDER BY t.ended
        ON CONFLICT (app, queue, partition)
        DO UPDATE SET used = EXCLUDED.used,
                      served = CASE WHEN EXCLUDED.served > 0 THEN EXCLUDED.served ELSE s.served END;
    END IF;
    cut := cardinality(taken) = p_budget AND cardinality(active) > 0;
END
$body$;

-- Takes workflows, in one go for all queues. `kind` is `taken`, `resumed` (taken, and perhaps with a history), `damaged`, or, once, `end`,
-- with `more`, `held` and `retry_at`.
CREATE FUNCTION {schema}.dequeue(
    p_app text, p_versions text[], p_names text[], p_queues text[],
    p_executor_id text, p_incarnation uuid, p_execution bigint, p_limit bigint, p_turn bigint, p_now bigint)
RETURNS TABLE (kind text, more boolean, held boolean, retry_at bigint, workflow {schema}.workflows)
LANGUAGE plpgsql
SET search_path = {schema}, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan
AS $body$
DECLARE
    q record;
    -- How many wait, as far as two, one of them, and whether it is all that there is to judge.
    waiting bigint := 0;
    head_id text;
    head_queue text;
    is_single boolean := false;
    one record;
    space record;
    taken text[];
    resumed text[] := '{}';
    damaged text[] := '{}';
    soonest bigint;
    left_over bigint := p_limit;
    -- The queues at hand, and where the lanes of each are.
    names text[] := '{}';
    exclusive boolean[] := '{}';
    partitioned boolean[] := '{}';
    first integer[];
    last integer[];
    lane record;
    turns integer[];
    again integer[];
    i integer;
BEGIN
    held := false;
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'a dequeue needs READ COMMITTED' USING ERRCODE = '25001';
    END IF;
    -- What a call whose answer was lost has taken is the answer. (The concatenation keeps the planner off the index of
    -- all that runs from queues.)
    SELECT array_agg(w.id ORDER BY w.queue, w.priority, w.place) INTO taken
    FROM workflows w
    WHERE w.status = 'PENDING' AND w.owner_incarnation = p_incarnation AND w.owner_execution = p_execution
      AND w.queue || '' IS NOT NULL;
    IF taken IS NOT NULL THEN
        IF NOT EXISTS (SELECT 1 FROM executors e WHERE e.incarnation = p_incarnation) THEN
            -- Whoever is not registered is about to be robbed of it.
            taken := '{}';
        END IF;
        resumed := taken;
        left_over := p_limit - cardinality(taken);
    ELSIF p_limit > 0 THEN
        taken := '{}';
        -- As a rule nothing waits, or one workflow does: what needs no judgement of its turn.
        SELECT count(*), min(w.id), min(w.queue), bool_and(w.is_plain) INTO waiting, head_id, head_queue, is_single
        FROM (SELECT w.id, w.queue, is_whole(w) AND is_plain(w, p_names, p_versions, p_queues) AS is_plain
              FROM workflows w
              WHERE w.status = 'ENQUEUED' AND w.queue IS NOT NULL AND w.app = p_app
              ORDER BY w.queue LIMIT 2) AS w;
        is_single := waiting = 1 AND is_single
                     AND NOT EXISTS (SELECT 1 FROM queues r WHERE r.app = p_app AND r.name = head_queue AND is_limited(r))
                     AND NOT EXISTS (SELECT 1 FROM queue_partitions s WHERE s.app = p_app);
    ELSE
        taken := '{}';
    END IF;

    IF is_single THEN
        PERFORM pg_advisory_xact_lock_shared(queue_key(p_app, head_queue));
        taken := ARRAY(SELECT w.id FROM workflows w
                       WHERE w.id = head_id AND w.status || '' = 'ENQUEUED' AND w.app = p_app AND w.queue = head_queue
                         AND is_whole(w) AND is_plain(w, p_names, p_versions, p_queues)
                         AND NOT EXISTS (SELECT 1 FROM queues r
                                         WHERE r.app = p_app AND r.name = head_queue AND is_limited(r))
                       FOR NO KEY UPDATE SKIP LOCKED);
        IF cardinality(taken) > 0 AND NOT give(taken, p_executor_id, p_incarnation, p_execution, p_now) THEN
            taken := '{}';
        END IF;
        left_over := p_limit - cardinality(taken);
    ELSIF waiting > 0 THEN
        -- Queues where something waits, but for those that are full anyhow.
        FOR q IN
            WITH RECURSIVE hop (queue) AS (
                (SELECT w.queue FROM workflows w
                 WHERE w.status = 'ENQUEUED' AND w.queue IS NOT NULL AND w.app = p_app
                 ORDER BY w.queue LIMIT 1)
                UNION ALL
                SELECT (SELECT w.queue FROM workflows w
                        WHERE w.status = 'ENQUEUED' AND w.queue IS NOT NULL AND w.app = p_app AND w.queue > hop.queue
                        ORDER BY w.queue LIMIT 1)
                FROM hop
                WHERE hop.queue IS NOT NULL
            )
            SELECT hop.queue, r.*,
                   is_limited(r) AS is_limited,
                   (SELECT true FROM queue_partitions s WHERE s.app = p_app AND s.queue = hop.queue LIMIT 1) IS TRUE
                   AS is_partitioned
            FROM hop LEFT JOIN queues r ON r.app = p_app AND r.name = hop.queue
            WHERE hop.queue IS NOT NULL AND (p_queues IS NULL OR hop.queue = ANY (p_queues))
            -- The lanes are looked for from the first of these names on.
            ORDER BY hop.queue
        LOOP
            IF q.is_limited THEN
                held := true;
                SELECT * INTO space
                FROM queue_room(p_app, q.queue, '', '/', q.concurrency, q.executor_concurrency, q.rate_starts,
                                q.rate_millis, p_incarnation, p_now);
                soonest := least(soonest, space.retry_at);
                CONTINUE WHEN space.room <= 0;
            END IF;
            names := names || q.queue;
            exclusive := exclusive || (q.is_limited OR q.is_partitioned);
            partitioned := partitioned || q.is_partitioned;
        END LOOP;
    END IF;

    IF cardinality(names) > 0 THEN
        -- Lanes of interest, each with the first that waits in it. Of the others, whole names or queues are passed over.
        WITH RECURSIVE hop AS (
            (SELECT w.queue, coalesce('.' || w.partition_key, '') AS partition, w.name,
                    coalesce('.' || w.version, '') AS version, w.priority, w.place
             FROM workflows w
             WHERE w.status = 'ENQUEUED' AND w.queue IS NOT NULL AND w.app = p_app AND w.queue >= names[1]
             ORDER BY w.queue, coalesce('.' || w.partition_key, ''), w.name, coalesce('.' || w.version, ''),
                      w.priority, w.place
             LIMIT 1)
            UNION ALL
            SELECT n.*
            FROM hop
            CROSS JOIN LATERAL (
                SELECT w.queue, coalesce('.' || w.partition_key, '') AS partition, w.name,
                       coalesce('.' || w.version, '') AS version, w.priority, w.place
                FROM workflows w
                WHERE w.status = 'ENQUEUED' AND w.queue IS NOT NULL AND w.app = p_app
                  AND (w.queue, coalesce('.' || w.partition_key, ''), w.name, coalesce('.' || w.version, ''))
                      > (hop.queue, CASE WHEN hop.queue = ANY (names) THEN hop.partition ELSE '/' END,
                         hop.name, CASE WHEN hop.name = ANY (p_names) THEN hop.version ELSE '/' END)
                ORDER BY w.queue, coalesce('.' || w.partition_key, ''), w.name, coalesce('.' || w.version, ''),
                         w.priority, w.place
                LIMIT 1
            ) AS n
        )
        SELECT array_agg(h.queue ORDER BY h.queue, h.partition) AS queues,
               array_agg(h.partition ORDER BY h.queue, h.partition) AS partitions,
               array_agg(h.name ORDER BY h.queue, h.partition) AS names,
               array_agg(h.version ORDER BY h.queue, h.partition) AS versions,
               array_agg(h.priority ORDER BY h.queue, h.partition) AS priorities,
               array_agg(h.place ORDER BY h.queue, h.partition) AS places
        INTO lane
        FROM hop h
        WHERE h.queue = ANY (names) AND h.name = ANY (p_names) AND h.version = ANY (p_versions);

        FOR place IN 1..coalesce(cardinality(lane.queues), 0) LOOP
            i := array_position(names, lane.queues[place]);
            first[i] := coalesce(first[i], place);
            last[i] := place;
            IF lane.partitions[place] <> '' THEN
                partitioned[i] := true;
                exclusive[i] := true;
            END IF;
        END LOOP;

        -- In the order of the keys, so that nobody waits in a circle.
        FOR q IN
            SELECT queue_key(p_app, n.name) AS key, bool_or(exclusive[n.i]) AS alone
            FROM unnest(names) WITH ORDINALITY AS n (name, i)
            WHERE first[n.i] IS NOT NULL
            GROUP BY 1
            ORDER BY 1
        LOOP
            IF q.alone THEN
                PERFORM pg_advisory_xact_lock(q.key);
            ELSE
                PERFORM pg_advisory_xact_lock_shared(q.key);
            END IF;
        END LOOP;

        -- Each queue gets its share, a different one first at each call; what one leaves goes to the others.
        turns := ARRAY(SELECT n.i::integer FROM unnest(names) WITH ORDINALITY AS n (name, i)
                       WHERE first[n.i] IS NOT NULL
                       ORDER BY (n.i - 1 + p_turn) % cardinality(names));
        WHILE left_over > 0 AND cardinality(turns) > 0 LOOP
            again := '{}';
            FOR place IN 1..cardinality(turns) LOOP
                EXIT WHEN left_over <= 0;
                i := turns[place];
                SELECT * INTO one
                FROM dequeue_from(
                    p_app, names[i], exclusive[i], partitioned[i],
                    lane.partitions[first[i]:last[i]], lane.names[first[i]:last[i]], lane.versions[first[i]:last[i]],
                    lane.priorities[first[i]:last[i]], lane.places[first[i]:last[i]], damaged,
                    p_executor_id, p_incarnation, p_execution,
                    ceil(left_over::numeric / (cardinality(turns) - place + 1))::bigint, p_now);
                taken := taken || one.taken;
                resumed := resumed || one.resumed;
                damaged := damaged || one.damaged;
                soonest := least(soonest, one.retry_at);
                left_over := left_over - cardinality(one.taken);
                IF one.cut THEN
                    again := again || i;
                END IF;
            END LOOP;
            turns := again;
        END LOOP;
    END IF;

    IF cardinality(taken) > 0 THEN
        RETURN QUERY
            SELECT CASE WHEN t.id = ANY (resumed) THEN 'resumed' ELSE 'taken' END, NULL::boolean, NULL::boolean, NULL::bigint, w
            FROM unnest(taken) WITH ORDINALITY AS t (id, place) JOIN workflows w ON w.id = t.id
            ORDER BY t.place;
    END IF;
    IF cardinality(damaged) > 0 THEN
        RETURN QUERY
            SELECT 'damaged', NULL::boolean, NULL::boolean, NULL::bigint, w FROM workflows w WHERE w.id = ANY (damaged);
    END IF;
    kind := 'end';
    more := p_limit > 0 AND left_over <= 0;
    retry_at := soonest;
    workflow := NULL;
    RETURN NEXT;
    IF (SELECT true FROM queue_partitions s WHERE s.app = p_app LIMIT 1) THEN
        PERFORM sweep_partitions(p_app);
    END IF;
END
$body$;
