-- As in migration 2, but for the order of the queues at hand: without it, the planner could begin with a later one (where only some queues
-- have a configuration, say), and what waited in those before it was not seen. And
-- an executor that is not registered is given nothing, nor again what it was given before.

-- Takes workflows, in one go for all queues. `kind` is `taken`, `resumed` (taken, and perhaps with a history), `damaged`, or, once, `end`,
-- with `more` and `retry_at`.
CREATE OR REPLACE FUNCTION {schema}.dequeue(
    p_app text, p_versions text[], p_names text[], p_queues text[],
    p_executor_id text, p_incarnation uuid, p_execution bigint, p_limit bigint, p_turn bigint, p_now bigint)
RETURNS TABLE (kind text, more boolean, retry_at bigint, workflow {schema}.workflows)
LANGUAGE plpgsql
SET search_path = {schema}, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan
AS $body$
DECLARE
    q record;
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
                   num_nonnulls(r.concurrency, r.executor_concurrency, r.rate_starts, r.partition_concurrency,
                                r.partition_executor_concurrency, r.partition_rate_starts) > 0 AS is_limited,
                   (SELECT true FROM queue_partitions s WHERE s.app = p_app AND s.queue = hop.queue LIMIT 1) IS TRUE
                   AS is_partitioned
            FROM hop LEFT JOIN queues r ON r.app = p_app AND r.name = hop.queue
            WHERE hop.queue IS NOT NULL AND (p_queues IS NULL OR hop.queue = ANY (p_queues))
            -- The lanes are looked for from the first of these names on.
            ORDER BY hop.queue
        LOOP
            IF q.is_limited THEN
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
    ELSE
        taken := '{}';
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
            SELECT CASE WHEN t.id = ANY (resumed) THEN 'resumed' ELSE 'taken' END, NULL::boolean, NULL::bigint, w
            FROM unnest(taken) WITH ORDINALITY AS t (id, place) JOIN workflows w ON w.id = t.id
            ORDER BY t.place;
    END IF;
    IF cardinality(damaged) > 0 THEN
        RETURN QUERY
            SELECT 'damaged', NULL::boolean, NULL::bigint, w FROM workflows w WHERE w.id = ANY (damaged);
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
