-- KEYS: destination, ids sent to it, its inbox, its messages [, sender, sender's steps]
-- ARGV: base, destination, topic, message id, payload [, sender, its owner, step, checkpoint]
local destination, sender = ARGV[2], ARGV[6]
if sender then
  local refusal = refuse(sender, KEYS[5], KEYS[6], ARGV[7], ARGV[8])
  if refusal then return refusal end
end
if redis.call('EXISTS', KEYS[1]) == 0 then return {'unknown_destination'} end
local fault = misfit(destination, KEYS[2], 'set', KEYS[3], 'zset', KEYS[4], 'hash')
if fault then return fault end

if sender then
  local refusal = record(KEYS[6], ARGV[8], ARGV[9])
  if refusal then return refusal end
end
local added, refusal = attempt('SADD', KEYS[2], ARGV[4])
if refusal then return refusal end
if added == 1 then
  -- Ids are never forgotten, so their number orders the messages.
  local number = string.format('%019.0f', redis.call('SCARD', KEYS[2]))
  local member = topic_prefix(ARGV[3]) .. ':' .. number
  redis.call('HSET', KEYS[4], member, ARGV[5], id_field(member), ARGV[4])
  redis.call('ZADD', KEYS[3], 0, member)
  tell_changed({destination})
end
return {'sent'}
