-- KEYS: schedule, the application's schedules
-- ARGV: name
local _, refusal = attempt('SREM', KEYS[2], ARGV[1])
if refusal then return refusal end
return {redis.call('UNLINK', KEYS[1]) == 1 and 'done' or 'unknown'}
