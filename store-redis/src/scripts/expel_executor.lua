-- KEYS: executor
-- ARGV: base, incarnation, beat
local row = redis.call('HMGET', KEYS[1], 'beat', 'app', 'executor')
if not row[1] then return {'expelled'} end
if row[1] ~= ARGV[3] then return {'alive'} end
local _, refusal = attempt('DEL', KEYS[1])
if refusal then return refusal end
local executors = base .. 'executors:' .. row[2]
if redis.call('HGET', executors, row[3]) == ARGV[2] then
  redis.call('HDEL', executors, row[3])
end
tell_claimable()
return {'expelled'}
