-- KEYS: executor
-- ARGV: execution
if redis.call('EXISTS', KEYS[1]) == 0 then return {'done'} end
local settled, refusal = attempt('HGET', KEYS[1], 'settled')
if refusal then return refusal end
if not settled or tonumber(settled) < tonumber(ARGV[1]) then redis.call('HSET', KEYS[1], 'settled', ARGV[1]) end
return {'done'}
