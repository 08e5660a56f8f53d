-- KEYS: workflow
-- ARGV: id, now, attributes ('' for none)
if redis.call('EXISTS', KEYS[1]) == 0 then return {'unknown_workflow'} end
local _, refusal = attempt('HSET', KEYS[1], 'updated', ARGV[2])
if refusal then return blame(ARGV[1], refusal) end
if ARGV[3] == '' then
  redis.call('HDEL', KEYS[1], 'attributes')
else
  redis.call('HSET', KEYS[1], 'attributes', ARGV[3])
end
return {'set'}
