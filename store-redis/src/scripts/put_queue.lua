-- KEYS: the application's queues
-- ARGV: base, app, name, record, whether a rate counts starts ('1')
local _, refusal = attempt('HSET', KEYS[1], ARGV[3], ARGV[4])
if refusal then return refusal end
if ARGV[5] ~= '1' then redis.call('UNLINK', base .. 'starts:' .. queue_of(ARGV[2], ARGV[3])) end
tell_enqueued()
return {'put'}
