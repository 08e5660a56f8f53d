-- KEYS: executor, the application's executors
-- ARGV: base, incarnation, executor id, then the fields of the executor and their values
local incarnation, executor_id = ARGV[2], ARGV[3]
if redis.call('EXISTS', KEYS[1]) == 1 then
  return {redis.call('HGET', KEYS[1], 'superseded')}
end
local earlier = redis.call('HGET', KEYS[2], executor_id)
local _, refusal = attempt('HSET', KEYS[1], unpack(ARGV, 4))
if refusal then return refusal end
redis.call('HSET', KEYS[2], executor_id, incarnation)
if earlier and earlier ~= incarnation then
  -- Kept, so that a repetition answers the same.
  redis.call('HSET', KEYS[1], 'superseded', earlier)
  redis.call('DEL', base .. 'executor:' .. earlier)
end
return {earlier}
