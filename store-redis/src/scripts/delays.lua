-- Workflows that are delayed.

-- Those of an application, by when they are due.
local function delayed_key(app)
  return base .. 'delayed:' .. app
end

-- Those of a queue.
local function delayed_in_key(queue)
  return base .. 'delayed_in:' .. queue
end

-- Which of them a debounce key means, among those of an application and name.
local function debounced_key(app, name)
  return base .. 'debounced:' .. framed(app) .. name
end

local function enter_delayed(id, app, name, queue, delayed, debounce)
  redis.call('ZADD', delayed_key(app), 0, place_of(delayed, id))
  redis.call('SADD', delayed_in_key(queue_of(app, queue)), id)
  if debounce then redis.call('HSETNX', debounced_key(app, name), debounce, id) end
end

local function leave_delayed(id, app, name, queue, delayed, debounce)
  redis.call('ZREM', delayed_key(app), place_of(delayed, id))
  redis.call('SREM', delayed_in_key(queue_of(app, queue)), id)
  if debounce then
    local key = debounced_key(app, name)
    if redis.call('HGET', key, debounce) == id then redis.call('HDEL', key, debounce) end
  end
end

-- Changes when a delayed workflow is due. Answers an error.
local function delay(id, row, delayed, now, ...)
  local _, refusal = attempt('HSET', base .. 'wf:' .. id, 'delayed', delayed, 'updated', now, ...)
  if refusal then return refusal end
  redis.call('ZREM', delayed_key(row[APP]), place_of(row[DELAYED], id))
  redis.call('ZADD', delayed_key(row[APP]), 0, place_of(delayed, id))
end
