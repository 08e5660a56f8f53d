-- Functions find the tables by the search path that they set, and keep to the indexes, whatever the settings of the session.

-- By which the dequeues of a queue and the changes of its configuration exclude each other.
CREATE FUNCTION {schema}.queue_key(p_app text, p_queue text) RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = {schema}, pg_temp
AS $body$
BEGIN
    -- (A function in SQL would be planned anew by each call.)
    RETURN hashtextextended(format('durable queue %L %L %L', current_schema(), p_app, p_queue), 0);
END
$body$;

-- The keys of JSON objects are text, their values need not be JSON.
CREATE FUNCTION {schema}.is_json(p_text text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE
AS $body$
BEGIN
    PERFORM p_text::json;
    RETURN true;
EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
    RETURN false;
END
$body$;

-- How many more may start now from the partitions `p_from` to `p_to` of a queue, and when a rate that is used up allows another one.
CREATE FUNCTION {schema}.queue_room(
    p_app text, p_queue text, p_from text, p_to text,
    p_concurrency bigint, p_executor_concurrency bigint, p_starts bigint, p_millis numeric,
    p_incarnation uuid, p_now bigint,
    OUT room bigint, OUT retry_at bigint)
LANGUAGE plpgsql
SET search_path = {schema}, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan
AS $body$
DECLARE
    counted bigint;
    since numeric;
    full_at bigint;
BEGIN
    room := 9223372036854775807;
    IF p_concurrency IS NOT NULL THEN
        SELECT count(*) INTO counted
        FROM (SELECT 1 FROM workflows w
              WHERE w.status = 'PENDING' AND w.queue IS NOT NULL AND w.app = p_app AND w.queue = p_queue
                AND coalesce('.' || w.partition_key, '') BETWEEN p_from AND p_to
              LIMIT p_concurrency) AS running;
        room := least(room, p_concurrency - counted);
    END IF;
    IF p_executor_concurrency IS NOT NULL THEN
        SELECT count(*) INTO counted
        FROM (SELECT 1 FROM workflows w
              WHERE w.status = 'PENDING' AND w.queue IS NOT NULL AND w.app = p_app AND w.queue = p_queue
                AND coalesce('.' || w.partition_key, '') BETWEEN p_from AND p_to
                AND w.owner_incarnation = p_incarnation
              LIMIT p_executor_concurrency) AS running;
        room := least(room, p_executor_concurrency - counted);
    END IF;
    IF p_starts IS NOT NULL THEN
        SELECT greatest(p_now, max(s.at))::numeric - p_millis INTO since
        FROM queue_starts s WHERE s.app = p_app AND s.queue = p_queue;
        IF p_from = p_to THEN
            SELECT coalesce(sum(t.count), 0), max(t.at) FILTER (WHERE t.from_here >= p_starts) INTO counted, full_at
            FROM (SELECT s.at, s.count, sum(s.count) OVER (ORDER BY s.at DESC) AS from_here
                  FROM queue_starts s
                  WHERE s.app = p_app AND s.queue = p_queue AND s.partition = p_from AND s.at > since) AS t;
        ELSE
            SELECT coalesce(sum(t.count), 0), max(t.at) FILTER (WHERE t.from_here >= p_starts) INTO counted, full_at
            FROM (SELECT s.at, s.count, sum(s.count) OVER (ORDER BY s.at DESC) AS from_here
                  FROM queue_starts s
                  WHERE s.app = p_app AND s.queue = p_queue AND s.at > since) AS t;
        END IF;
        room := least(room, p_starts - counted);
        IF p_starts > 0 AND counted >= p_starts THEN
            retry_at := least(full_at::numeric + p_millis, 9223372036854775807);
        END IF;
    END IF;
END
$body$;

-- Forgets some partitions that have nothing in their queues. Waits for nobody.
CREATE FUNCTION {schema}.sweep_partitions(p_app text) RETURNS void
LANGUAGE plpgsql
SET search_path = {schema}, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan
AS $body$
DECLARE
    idle record;
BEGIN
    -- Those that were served longest ago, and some from anywhere, so that long runs in the former hide nothing. (Subqueries, because the
    -- planner may make `NOT EXISTS` a scan of all that waits.)
    FOR idle IN
        SELECT o.queue, o.partition
        FROM ((SELECT s.queue, s.partition FROM queue_partitions s WHERE s.app = p_app ORDER BY s.served LIMIT 10)
              UNION
              (SELECT s.queue, s.partition FROM queue_partitions s
               WHERE s.app = p_app
                 AND s.served >= (SELECT (random() * max(m.served))::bigint FROM queue_partitions m WHERE m.app = p_app)
               ORDER BY s.served LIMIT 10)) AS o
        WHERE (SELECT true FROM workflows w
               WHERE w.status = 'ENQUEUED' AND w.queue IS NOT NULL AND w.app = p_app AND w.queue = o.queue
                 AND coalesce('.' || w.partition_key, '') = o.partition
               LIMIT 1) IS NOT TRUE
          AND (SELECT true FROM workflows w
               WHERE w.status = 'PENDING' AND w.queue IS NOT NULL AND w.app = p_app AND w.queue = o.queue
                 AND coalesce('.' || w.partition_key, '') = o.partition
               LIMIT 1) IS NOT TRUE
    LOOP
        PERFORM 1 FROM queue_partitions s
        WHERE s.app = p_app AND s.queue = idle.queue AND s.partition = idle.partition
        FOR UPDATE SKIP LOCKED;
        IF FOUND THEN
            DELETE FROM queue_partitions s
            WHERE s.app = p_app AND s.queue = idle.queue AND s.partition = idle.partition;
        END IF;
    END LOOP;
END
$body$;
