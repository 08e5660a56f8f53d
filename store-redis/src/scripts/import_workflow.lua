-- KEYS: workflow
-- ARGV: base, id, then lists, each after its length: fields of the row and their values; steps and checkpoints; of events the
--       steps, keys and values; of streams the keys, the steps that closed them (or ''), and how many values they have; of
--       these the steps and values; of messages the topics, ids and payloads
local id, at = ARGV[2], 3

-- Hands each group of `width` arguments of the next list to `act`.
local function each(width, act)
  local count = tonumber(ARGV[at])
  at = at + 1
  for _ = 1, count / width do
    act(unpack(ARGV, at, at + width - 1))
    at = at + width
  end
end

if redis.call('EXISTS', KEYS[1]) == 1 then return {'exists'} end
local row, which = {}, {}
for field, name in ipairs(FIELDS) do
  row[field] = false
  which[name] = field
end
each(2, function(name, value) row[which[name]] = value end)
local reason = damage(row, #FIELDS)
if reason then return {'invalid', reason} end

local queue = row[QUEUE] and queue_of(row[APP], row[QUEUE])
if queue and row[DEDUPLICATION] and redis.call('HEXISTS', deduplicated_key(queue), row[DEDUPLICATION]) == 1 then
  row[DEDUPLICATION] = false
end
if row[STATUS] == 'DELAYED' and row[DEBOUNCE] then
  local holder_id = debounced_by(row[APP], row[NAME], row[DEBOUNCE])
  if holder_id and redis.call('HGET', base .. 'wf:' .. holder_id, 'status') == 'DELAYED' then
    row[DEBOUNCE], row[DEBOUNCE_UNTIL] = false, false
  end
end
local fields = {}
for field, name in ipairs(FIELDS) do
  if row[field] then
    fields[#fields + 1] = name
    fields[#fields + 1] = row[field]
  end
end
local _, refusal
if queue then
  local accepted
  accepted, refusal = next_accepted()
  if refusal then return refusal end
  row[ACCEPTED] = string.format('%.0f', accepted)
  fields[#fields + 1] = 'accepted'
  fields[#fields + 1] = row[ACCEPTED]
end
_, refusal = attempt('HSET', KEYS[1], unpack(fields))
if refusal then return refusal end

local place = place_of(row[CREATED], id)
redis.call('ZADD', base .. 'workflows', 0, place)
if row[PARENT] then redis.call('ZADD', base .. 'children:' .. row[PARENT], 0, place) end
if row[FORKED] then redis.call('ZADD', base .. 'forks:' .. row[FORKED], 0, place) end
if IS_FINAL[row[STATUS]] then
  if row[COMPLETED] then redis.call('ZADD', finished_key(row[APP]), 0, place_of(row[COMPLETED], id)) end
else
  if row[STATUS] == 'ENQUEUED' then
    stand_in_line(id, row)
    tell_enqueued()
  elseif row[STATUS] == 'DELAYED' then
    enter_delayed(id, row[APP], row[NAME], row[QUEUE], row[CREATED], row[DELAYED], row[DEBOUNCE])
    tell_enqueued()
  else
    hold(NOBODY, class_of(row[APP], row[VERSION], row[NAME]), place)
    if row[DEADLINE] then redis.call('ZADD', deadlines_key(row[APP]), 0, place_of(row[DEADLINE], id)) end
    tell_claimable()
  end
  if queue and row[DEDUPLICATION] then acquire_deduplication(queue, row[DEDUPLICATION], id) end
end

each(2, function(step, checkpoint) redis.call('HSET', base .. 'steps:' .. id, step, checkpoint) end)

local shown = 0
each(3, function(step, key, value)
  shown = shown + 1
  local field = step .. ':' .. key
  redis.call('HSET', base .. 'event_values:' .. id, field, string.format('%.0f', shown) .. ':' .. value)
  redis.call('HSET', base .. 'events:' .. id, key, step)
  redis.call('ZADD', base .. 'event_steps:' .. id, step, field)
end)
if shown > 0 then redis.call('HSET', base .. 'event_values:' .. id, '#', string.format('%.0f', shown)) end

local streams = {}
each(3, function(key, closed_by, count)
  streams[#streams + 1] = {key = key, count = tonumber(count)}
  redis.call('HSET', base .. 'streams:' .. id, key, count .. (closed_by ~= '' and '!' or ''))
  if closed_by ~= '' then redis.call('ZADD', base .. 'stream_steps:' .. id, closed_by, '!:' .. key) end
end)
local stream, offset = 1, 0
each(2, function(step, value)
  while offset >= streams[stream].count do
    stream, offset = stream + 1, 0
  end
  local member = string.format('%.0f', offset) .. ':' .. streams[stream].key
  redis.call('HSET', base .. 'stream_values:' .. id, member, value)
  redis.call('ZADD', base .. 'stream_steps:' .. id, step, member)
  offset = offset + 1
end)

each(3, function(topic, message_id, payload)
  if redis.call('SADD', base .. 'sent:' .. id, message_id) == 1 then
    local number = string.format('%019.0f', redis.call('SCARD', base .. 'sent:' .. id))
    local member = topic_prefix(topic) .. ':' .. number
    redis.call('HSET', base .. 'messages:' .. id, member, payload, id_field(member), message_id)
    redis.call('ZADD', base .. 'inbox:' .. id, 0, member)
  end
end)
tell_changed({id})
return {'imported'}
