-- KEYS: the application's queues
-- ARGV: base, app, name
local queue = queue_of(ARGV[2], ARGV[3])
if redis.call('EXISTS', lines_key(queue), running_key(queue), delayed_in_key(queue)) > 0 then return {'in_use'} end
local _, refusal = attempt('HDEL', KEYS[1], ARGV[3])
if refusal then return refusal end
redis.call('UNLINK', base .. 'starts:' .. queue)
return {'deleted'}
