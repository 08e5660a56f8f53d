-- KEYS: workflow, its steps, its inbox, its messages
-- ARGV: base, id, owner, step, checkpoint without outcome, topic, whether to give up ('1')
local id, step, checkpoint = ARGV[2], ARGV[4], ARGV[5]
local refusal = refuse(id, KEYS[1], KEYS[2], ARGV[3], step)
  or misfit(id, KEYS[3], 'zset', KEYS[4], 'hash')
if refusal then return refusal end

local prefix = topic_prefix(ARGV[6])
local member = redis.call('ZRANGE', KEYS[3], '[' .. prefix .. ':', '(' .. prefix .. ';', 'BYLEX', 'LIMIT', 0, 1)[1]
if not member then
  if ARGV[7] ~= '1' then return {'empty'} end
  return record(KEYS[2], step, checkpoint) or {'gave_up'}
end
local payload = redis.call('HGET', KEYS[4], member)
if not payload or #payload < 4 or 4 + struct.unpack('>I4', payload) > #payload then
  return {'damaged', id, 'a message to it is missing or damaged'}
end
refusal = record(KEYS[2], step, with_success(checkpoint, payload))
if refusal then return refusal end
redis.call('ZREM', KEYS[3], member)
redis.call('HDEL', KEYS[4], member, id_field(member))
return {'received', payload}
