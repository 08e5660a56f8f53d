-- Queues: who runs what of them, and what is known of their partitions.

local function framed(text)
  return #text .. ':' .. text
end

-- A queue, as keys name it.
local function queue_of(app, queue)
  return framed(app) .. queue
end

-- A partition, as keys name it, for a key that may be absent.
local function partition_of(partition)
  return partition and ('=' .. partition) or '-'
end

-- The pending workflows of a queue, each twice: by partition and executor, and by executor.
local function running_key(queue)
  return base .. 'running:' .. queue
end

local function running_members(partition, incarnation, id)
  local tail = incarnation .. '/' .. id
  return 'p' .. framed(partition) .. tail, 'e' .. tail
end

-- The lines of a queue: partitions and classes that have workflows waiting.
local function lines_key(queue)
  return base .. 'lines:' .. queue
end

-- When partitions were last served, counted in turns.
local function served_key(queue)
  return base .. 'served:' .. queue
end

-- Of partitions in the middle of a turn, how many workflows of it were taken.
local function unfinished_key(queue)
  return base .. 'unfinished:' .. queue
end

-- Who has a deduplication id of a queue.
local function deduplicated_key(queue)
  return base .. 'deduplicated:' .. queue
end

-- Whether a sorted set has a member that begins so. What follows in the member comes before `z`.
local function has_prefix(key, prefix)
  return redis.call('ZRANGE', key, '[' .. prefix, '(' .. prefix .. 'z', 'BYLEX', 'LIMIT', 0, 1)[1] ~= nil
end

-- Keeps nothing of a partition of which nothing waits or runs.
local function forget_partition(queue, partition)
  if has_prefix(running_key(queue), 'p' .. framed(partition)) then return end
  if has_prefix(lines_key(queue), framed(partition)) then return end
  redis.call('ZREM', served_key(queue), partition)
  redis.call('HDEL', unfinished_key(queue), partition)
end

local function stop_running(queue, partition, incarnation, id)
  redis.call('ZREM', running_key(queue), running_members(partition, incarnation, id))
  forget_partition(queue, partition)
end

-- Whether a workflow has a deduplication id from now on: nobody had it.
local function acquire_deduplication(queue, deduplication, id)
  return redis.call('HSETNX', deduplicated_key(queue), deduplication, id) == 1
end

local function release_deduplication(queue, deduplication, id)
  local key = deduplicated_key(queue)
  if redis.call('HGET', key, deduplication) == id then redis.call('HDEL', key, deduplication) end
end
