-- What a fork copies: fields of hashes, chosen by the step that wrote them.

local function steps_before(id, from)
  local key, fields = base .. 'steps:' .. id, {}
  if from <= redis.call('HLEN', key) then
    for step = 0, from - 1 do fields[#fields + 1] = string.format('%.0f', step) end
    return fields
  end
  for _, step in ipairs(redis.call('HKEYS', key)) do
    if string.find(step, '^%d+$') and tonumber(step) < from then fields[#fields + 1] = step end
  end
  return fields
end

-- The members that steps before `from` left in one of the indexes by step, each followed by its step.
local function left_before(index, id, from)
  return redis.call('ZRANGE', base .. index .. id, '-inf', '(' .. string.format('%.0f', from), 'BYSCORE', 'WITHSCORES')
end

-- How many entries and bytes a fork copies. Stops counting bytes where there are more than `most` entries.
local function measure(id, from, most)
  local till = '(' .. string.format('%.0f', from)
  local entries = math.min(from, redis.call('HLEN', base .. 'steps:' .. id))
  for _, index in ipairs({'event_steps:', 'stream_steps:'}) do
    entries = entries + redis.call('ZCOUNT', base .. index .. id, '-inf', till)
  end
  if entries > most then return entries, 0 end

  local bytes = redis.call('HSTRLEN', base .. 'wf:' .. id, 'input')
  for _, field in ipairs(steps_before(id, from)) do
    bytes = bytes + redis.call('HSTRLEN', base .. 'steps:' .. id, field)
  end
  for index, values in pairs({['event_steps:'] = 'event_values:', ['stream_steps:'] = 'stream_values:'}) do
    local left = left_before(index, id, from)
    for at = 1, #left, 2 do
      bytes = bytes + redis.call('HSTRLEN', base .. values .. id, left[at])
    end
  end
  return entries, bytes
end

-- How many fields go over at once.
local PIECE = 100

-- Copies fields of a hash, each to a field of the same name or of the one in `names`. Hands every value to `see`.
local function copy_fields(source, target, fields, names, see)
  for first = 1, #fields, PIECE do
    local last = math.min(first + PIECE - 1, #fields)
    local values = redis.call('HMGET', source, unpack(fields, first, last))
    local found = {}
    for at = first, last do
      local value = values[at - first + 1]
      if value then
        found[#found + 1] = names and names[at] or fields[at]
        found[#found + 1] = value
        if see then see(fields[at], value) end
      end
    end
    if #found > 0 then redis.call('HSET', target, unpack(found)) end
  end
end

local function copy_steps(source, target, from)
  copy_fields(base .. 'steps:' .. source, base .. 'steps:' .. target, steps_before(source, from))
end

-- Of what several steps set, the value that was set last is the present one.
local function copy_events(source, target, from)
  local left, fields, latest, last = left_before('event_steps:', source, from), {}, {}, 0
  for at = 1, #left, 2 do
    fields[#fields + 1] = left[at]
    redis.call('ZADD', base .. 'event_steps:' .. target, left[at + 1], left[at])
  end
  local values = base .. 'event_values:'
  copy_fields(values .. source, values .. target, fields, nil, function(field, value)
    local number = tonumber(string.match(value, '^(%d+):')) or 0
    local step, key = string.match(field, '^(%d+):(.*)$')
    if not latest[key] or latest[key].number < number then latest[key] = {number = number, step = step} end
    last = math.max(last, number)
  end)
  for key, one in pairs(latest) do redis.call('HSET', base .. 'events:' .. target, key, one.step) end
  if last > 0 then redis.call('HSET', values .. target, '#', string.format('%.0f', last)) end
end

-- The values that are copied close up.
local function copy_streams(source, target, from)
  local left, streams = left_before('stream_steps:', source, from), {}
  for at = 1, #left, 2 do
    local offset, key = string.match(left[at], '^([%d!]+):(.*)$')
    local stream = streams[key] or {offsets = {}, steps = {}}
    streams[key] = stream
    if offset == '!' then
      stream.closed_by = left[at + 1]
    else
      stream.offsets[#stream.offsets + 1] = tonumber(offset)
      stream.steps[tonumber(offset)] = left[at + 1]
    end
  end
  local index, values = base .. 'stream_steps:' .. target, base .. 'stream_values:'
  for key, stream in pairs(streams) do
    table.sort(stream.offsets)
    local fields, names = {}, {}
    for at, offset in ipairs(stream.offsets) do
      fields[at] = string.format('%.0f', offset) .. ':' .. key
      names[at] = string.format('%.0f', at - 1) .. ':' .. key
      redis.call('ZADD', index, stream.steps[offset], names[at])
    end
    copy_fields(values .. source, values .. target, fields, names)
    if stream.closed_by then redis.call('ZADD', index, stream.closed_by, '!:' .. key) end
    redis.call('HSET', base .. 'streams:' .. target, key, #fields .. (stream.closed_by and '!' or ''))
  end
end
