-- KEYS: workflow, its steps, its streams, their values, its writes, the steps that wrote
-- ARGV: base, id, owner, step, checkpoint ('' for none), key, write id [, payload; without it, the stream is closed]
local id, step, key, write_id, payload = ARGV[2], ARGV[4], ARGV[6], ARGV[7], ARGV[8]
local refusal = refuse(id, KEYS[1], KEYS[2], ARGV[3], step)
  or misfit(id, KEYS[3], 'hash', KEYS[4], 'hash', KEYS[5], 'hash', KEYS[6], 'zset')
if refusal then return refusal end
local known = redis.call('HGET', KEYS[5], write_id)
if known then return {'appended', known} end
local count, is_closed = open_stream(redis.call('HGET', KEYS[3], key))
if not count then return {'damaged', id, 'one of its streams is damaged'} end
if is_closed then return {'closed'} end

refusal = record(KEYS[2], step, ARGV[5])
if refusal then return refusal end
local offset = number_text(count)
local _
_, refusal = attempt('HSET', KEYS[5], write_id, offset)
if refusal then return refusal end
if payload then
  redis.call('HSET', KEYS[4], offset .. ':' .. key, payload)
  redis.call('HSET', KEYS[3], key, number_text(count + 1))
  redis.call('ZADD', KEYS[6], step, offset .. ':' .. key)
else
  redis.call('HSET', KEYS[3], key, offset .. '!')
  redis.call('ZADD', KEYS[6], step, '!:' .. key)
end
tell_changed({id})
return {'appended', offset}
