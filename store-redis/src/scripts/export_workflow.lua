-- KEYS: workflow, its steps, the values of its events, its streams, their values, the steps that wrote them, its inbox, its
--       messages
-- ARGV: id, most entries, most bytes
local id, most_entries, most_bytes = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local row, failure = read_row(KEYS[1], #FIELDS)
if failure then return blame(id, failure) end
if not row then return {'none'} end
local reason = damage(row, #FIELDS)
if reason then return {'damaged', id, reason} end
local fault = misfit(id, KEYS[2], 'hash', KEYS[3], 'hash', KEYS[4], 'hash', KEYS[5], 'hash', KEYS[6], 'zset', KEYS[7], 'zset',
  KEYS[8], 'hash')
if fault then return fault end

local entries = redis.call('ZCARD', KEYS[7])
for _, key in ipairs({KEYS[2], KEYS[3], KEYS[5]}) do entries = entries + redis.call('HLEN', key) end
if entries > most_entries then return {'too_large'} end

local bytes = 0
local function read_hash(key)
  if bytes > most_bytes then return {} end
  local pairs_of = redis.call('HGETALL', key)
  for at = 2, #pairs_of, 2 do bytes = bytes + #pairs_of[at] end
  return pairs_of
end
local steps, events, streams, values, messages = read_hash(KEYS[2]), read_hash(KEYS[3]), read_hash(KEYS[4]), read_hash(KEYS[5]),
  read_hash(KEYS[8])
if bytes > most_bytes then return {'too_large'} end
return {
  'archive', row, steps, events, streams, values, redis.call('ZRANGE', KEYS[6], 0, -1, 'WITHSCORES'),
  redis.call('ZRANGE', KEYS[7], 0, -1), messages,
}
