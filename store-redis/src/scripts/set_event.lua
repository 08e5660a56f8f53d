-- KEYS: workflow, its steps, its events, their values, the steps that set them
-- ARGV: base, id, owner, step, checkpoint ('' for none), key, payload
local id, step, key = ARGV[2], ARGV[4], ARGV[6]
local refusal = refuse(id, KEYS[1], KEYS[2], ARGV[3], step)
  or misfit(id, KEYS[3], 'hash', KEYS[4], 'hash', KEYS[5], 'zset')
if refusal then return refusal end

-- Numbers the values in the order of setting.
local number
number, refusal = attempt('HINCRBY', KEYS[4], '#', 1)
refusal = refusal or record(KEYS[2], step, ARGV[5])
if refusal then return refusal end
local field = step .. ':' .. key
redis.call('HSET', KEYS[4], field, string.format('%.0f', number) .. ':' .. ARGV[7])
redis.call('HSET', KEYS[3], key, step)
redis.call('ZADD', KEYS[5], step, field)
tell_changed({id})
return {'set'}
