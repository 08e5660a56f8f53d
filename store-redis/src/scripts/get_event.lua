-- KEYS: workflow, its events, their values
-- ARGV: id, key
if redis.call('EXISTS', KEYS[1]) == 0 then return {'unknown_workflow'} end
local step, failure = attempt('HGET', KEYS[2], ARGV[2])
if failure then return blame(ARGV[1], failure) end
if not step then return {'absent'} end
local value
value, failure = attempt('HGET', KEYS[3], step .. ':' .. ARGV[2])
if failure then return blame(ARGV[1], failure) end
return {'value', value or ''}
