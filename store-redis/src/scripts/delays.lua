-- Workflows that are delayed.

-- Those of an application, by when they are due.
local function delayed_key(app)
  return base .. 'delayed:' .. app
end

-- Those of a queue.
local function delayed_in_key(queue)
  return base .. 'delayed_in:' .. queue
end

-- Those of an application and name that can be pushed back, by debounce key and age.
local function debounced_key(app, name)
  return base .. 'debounced:' .. framed(app) .. name
end

local function debounced_member(debounce, created, id)
  return framed(debounce) .. place_of(created, id)
end

-- The oldest of those that a debounce key means, and its member.
local function debounced_by(app, name, debounce)
  local prefix = framed(debounce)
  local member = redis.call('ZRANGE', debounced_key(app, name), '[' .. prefix, '(' .. prefix .. ':', 'BYLEX', 'LIMIT', 0, 1)[1]
  if member then return id_of(string.sub(member, #prefix + 1)), member end
end

-- Which workflow each push of an application and name went into, by its debounce key and token. Known until that is deleted, so
-- that a repetition is recognized after another push, and when the workflow is delayed no more.
local function pushed_key(app, name)
  return base .. 'pushed:' .. framed(app) .. name
end

-- The pushes of a workflow.
local function pushes_key(id)
  return base .. 'pushes:' .. id
end

local function push_of(debounce, token)
  return framed(debounce) .. token
end

local function note_push(id, row, token)
  local push = push_of(row[DEBOUNCE], token)
  redis.call('HSET', pushed_key(row[APP], row[NAME]), push, id)
  redis.call('SADD', pushes_key(id), push)
end

local function forget_pushes(id, row)
  local pushes = redis.call('SMEMBERS', pushes_key(id))
  if #pushes == 0 then return end
  for _, push in ipairs(pushes) do redis.call('HDEL', pushed_key(row[APP], row[NAME]), push) end
  redis.call('UNLINK', pushes_key(id))
end

local function enter_delayed(id, app, name, queue, created, delayed, debounce)
  redis.call('ZADD', delayed_key(app), 0, place_of(delayed, id))
  redis.call('SADD', delayed_in_key(queue_of(app, queue)), id)
  if debounce then redis.call('ZADD', debounced_key(app, name), 0, debounced_member(debounce, created, id)) end
end

local function leave_delayed(id, app, name, queue, created, delayed, debounce)
  redis.call('ZREM', delayed_key(app), place_of(delayed, id))
  redis.call('SREM', delayed_in_key(queue_of(app, queue)), id)
  if debounce then redis.call('ZREM', debounced_key(app, name), debounced_member(debounce, created, id)) end
end

-- Changes when a delayed workflow is due. Answers an error.
local function delay(id, row, delayed, now, ...)
  local _, refusal = attempt('HSET', base .. 'wf:' .. id, 'delayed', delayed, 'updated', now, ...)
  if refusal then return refusal end
  redis.call('ZREM', delayed_key(row[APP]), place_of(row[DELAYED], id))
  redis.call('ZADD', delayed_key(row[APP]), 0, place_of(delayed, id))
end
