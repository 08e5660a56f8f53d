-- Lines: the workflows of one queue, partition and class that wait, by priority and number of acceptance. A line stands among those of its
-- class by the turn of its partition, and where that was never served, by its head.

-- The queues of an application in which something waits, by when they were last served.
local function waiting_key(app)
  return base .. 'waiting:' .. app
end

-- The classes of what waits in a queue.
local function classes_key(queue)
  return base .. 'waiting_classes:' .. queue
end

-- The lines of a class in a queue, in their order.
local function turns_key(queue, class)
  return base .. 'turns:' .. framed(queue) .. class
end

local function line_key(queue, class, partition)
  return base .. 'line:' .. framed(queue) .. framed(class) .. partition
end

-- The number of a workflow that is accepted into a queue; or an error.
local function next_accepted()
  return attempt('INCR', base .. 'accepted')
end

-- A workflow's place in its line.
local function line_place(priority, accepted, id)
  return string.format('%010.0f:%016.0f:', tonumber(priority or '0') + 2147483648, tonumber(accepted or '0')) .. id
end

local function id_in_line(member)
  return string.match(member, '^%d+:%d+:(.*)$')
end

-- How a line stands among those of its class. Ids hold no NUL.
local function turn_member(head, partition)
  return head .. '\0' .. partition
end

local function partition_of_turn(member)
  return string.sub(member, (string.find(member, '\0', 1, true)) + 1)
end

local function first_of(key)
  return redis.call('ZRANGE', key, 0, 0)[1]
end

-- A score that is later than all.
local function last_score(key)
  local last = redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')
  return last[2] and tonumber(last[2]) + 1 or 1
end

local function turn_of(queue, partition)
  return redis.call('ZSCORE', served_key(queue), partition) or '0'
end

local function enter_line(app, name, class, partition, member)
  local queue = queue_of(app, name)
  local line = line_key(queue, class, partition)
  local head = first_of(line)
  redis.call('ZADD', line, 0, member)
  if head and not is_before(member, head) then return end
  local turns = turns_key(queue, class)
  if head then
    redis.call('ZREM', turns, turn_member(head, partition))
  else
    redis.call('ZADD', lines_key(queue), 0, framed(partition) .. class)
    redis.call('SADD', classes_key(queue), class)
    local waiting = waiting_key(app)
    -- A queue that comes anew stands behind those that wait.
    if not redis.call('ZSCORE', waiting, name) then redis.call('ZADD', waiting, last_score(waiting), name) end
  end
  redis.call('ZADD', turns, turn_of(queue, partition), turn_member(member, partition))
end

-- Puts a line where it belongs, once its head or the turn of its partition has changed; `head` is the one that it had.
local function settle_line(app, name, class, partition, head, turn)
  local queue = queue_of(app, name)
  local turns, now_first = turns_key(queue, class), first_of(line_key(queue, class, partition))
  if head ~= now_first then redis.call('ZREM', turns, turn_member(head, partition)) end
  if now_first then
    redis.call('ZADD', turns, turn, turn_member(now_first, partition))
    return
  end
  redis.call('ZREM', lines_key(queue), framed(partition) .. class)
  if redis.call('EXISTS', turns) == 1 then return end
  redis.call('SREM', classes_key(queue), class)
  if redis.call('EXISTS', classes_key(queue)) == 0 then redis.call('ZREM', waiting_key(app), name) end
end

local function leave_line(app, name, class, partition, member)
  local queue = queue_of(app, name)
  local line = line_key(queue, class, partition)
  local head = first_of(line)
  redis.call('ZREM', line, member)
  if head ~= member then return end
  settle_line(app, name, class, partition, head, turn_of(queue, partition))
  forget_partition(queue, partition)
end
