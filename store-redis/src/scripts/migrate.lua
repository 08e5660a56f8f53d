-- KEYS: schema
-- ARGV: the version that this program works with
--
-- Version 2 added queues, delays, schedules and the ids of messages that wait. What version 1 stored stands as it is.
local found = redis.call('GET', KEYS[1])
if not found or found == '1' then redis.call('SET', KEYS[1], ARGV[1]) end
return {'migrated'}
