-- Whose turn it is, when workflows are taken from queues: for the caller of the script, and as far as it gets in one call.

-- The queues that may have something, of those that are asked for, the one that was served longest ago first.
local function queues_in_turn(asked)
  local key = waiting_key(app)
  if not asked then return redis.call('ZRANGE', key, 0, -1) end
  local found = {}
  for name in pairs(asked) do
    local score = redis.call('ZSCORE', key, name)
    if score then found[#found + 1] = {name = name, score = tonumber(score)} end
  end
  table.sort(found, function(one, other) return one.score < other.score end)
  for at, one in ipairs(found) do found[at] = one.name end
  return found
end

-- What the caller may take, by class: made when it is first asked for.
local wanted
local function wanted_classes()
  if wanted then return wanted end
  wanted = {}
  for at = 14 + (tonumber(ARGV[13]) or 0), #ARGV do
    for which = 1, #versions do
      local version = versions[which] or nil
      wanted[class_of(app, version, ARGV[at])] = {name = ARGV[at], version = version}
    end
  end
  return wanted
end

local PAGE = 32
-- Of a line that may have one turn only.
local FIRST_PAGE = 4

-- The names and turns of the partitions that have something for the caller, in their order.
local function each_partition(queue)
  local cursors, seen = {}, {}
  for _, class in ipairs(redis.call('SMEMBERS', classes_key(queue))) do
    if wanted_classes()[class] then
      cursors[#cursors + 1] = {key = turns_key(queue, class), offset = 0, at = 1, page = {}}
    end
  end
  local function head(cursor)
    if cursor.at > #cursor.page then
      cursor.page = redis.call('ZRANGE', cursor.key, cursor.offset, cursor.offset + PAGE - 1, 'WITHSCORES')
      cursor.offset, cursor.at = cursor.offset + PAGE, 1
    end
    return cursor.page[cursor.at], tonumber(cursor.page[cursor.at + 1])
  end
  return function()
    while true do
      local best, member, score
      for _, cursor in ipairs(cursors) do
        local one, its_score = head(cursor)
        if one and (not best or its_score < score or (its_score == score and is_before(one, member))) then
          best, member, score = cursor, one, its_score
        end
      end
      if not best then return nil end
      best.at = best.at + 2
      local partition = partition_of_turn(member)
      if not seen[partition] then
        seen[partition] = true
        return partition, score
      end
    end
  end
end

-- A partition: its lines that the caller may take from, and those that it may not, which move with its turn all the same.
local function open_partition(queue, name, turn, used)
  local prefix = framed(name)
  local partition = {
    name = name, turn = turn, lines = {}, taken = 0, weight = weight_of(queue.config, name), used = used,
    room = partition_room(queue.key, name, queue.config.partition_limits, incarnation, queue.at),
  }
  local lines = redis.call('ZRANGE', lines_key(queue.key), '[' .. prefix, '(' .. prefix .. 'z', 'BYLEX')
  for at, member in ipairs(lines) do
    local class = string.sub(member, #prefix + 1)
    local key = line_key(queue.key, class, name)
    local page = redis.call('ZRANGE', key, 0, FIRST_PAGE - 1)
    partition.lines[at] = {
      class = class, key = key, wanted = wanted_classes()[class], head = page[1], page = page, offset = #page, at = 1, gone = {},
    }
  end
  if partition.used >= partition.weight then partition.used = 0 end
  return partition
end

-- The line of a partition whose first workflow is due first, and that one's place in it; nothing, when nothing waits.
local function first_line(partition)
  local best, member
  for _, line in ipairs(partition.lines) do
    if line.wanted then
      if line.at > #line.page then
        line.page = redis.call('ZRANGE', line.key, line.offset, line.offset + PAGE - 1)
        line.offset, line.at = line.offset + #line.page, 1
      end
      local one = line.page[line.at]
      if one and (not best or is_before(one, member)) then best, member = line, one end
    end
  end
  return best, member
end

-- The partitions of a queue, as long as they have something: the one in the midst of its turn, those that were served longest
-- ago, and then again those that this script served.
local function partitions_in_turn(queue)
  local next_name, at = each_partition(queue.key), 0
  local unfinished, used = nil, nil
  if next(queue.config.weights) then
    unfinished, used = unpack(redis.call('HGETALL', unfinished_key(queue.key)))
  end
  local is_first = true
  return function()
    while true do
      local partition
      if is_first and unfinished then
        partition = open_partition(queue, unfinished, tonumber(turn_of(queue.key, unfinished)), tonumber(used) or 0)
      else
        local name, turn = next_name()
        if name and name == unfinished then
          name, turn = next_name()
        end
        if name then
          partition = open_partition(queue, name, turn, 0)
        else
          at = at + 1
          partition = queue.again[at]
          if not partition then return nil end
        end
      end
      is_first = false
      if first_line(partition) then return partition end
    end
  end
end

-- A queue that may be served; nothing, when its configuration cannot be read.
local function open_queue(name)
  local config = read_queue(app, name)
  if not config then return nil end
  local queue = {name = name, key = queue_of(app, name), config = config, taken = 0, again = {}, touched = {}}
  local limits, partition_limits = config.limits, config.partition_limits
  if limits.starts or partition_limits.starts then
    queue.period = math.max(limits.period or 0, partition_limits.period or 0)
  end
  queue.at = queue.period and time_of_start(queue.key, tonumber(now)) or tonumber(now)
  queue.room = queue_room(queue.key, limits, incarnation, queue.at)
  queue.last_turn = last_score(served_key(queue.key)) - 1
  queue.next_partition = partitions_in_turn(queue)
  return queue
end

-- Writes what became of the lines and the turns of a queue from which something was taken.
local function close_queue(queue)
  for partition in pairs(queue.touched) do
    redis.call('ZADD', served_key(queue.key), partition.turn, partition.name)
    for _, line in ipairs(partition.lines) do
      for at = 1, #line.gone, 100 do
        redis.call('ZREM', line.key, unpack(line.gone, at, math.min(at + 99, #line.gone)))
      end
      settle_line(app, queue.name, line.class, partition.name, line.head, partition.turn)
    end
  end
  -- Whoever else was in the midst of a turn has had it.
  if next(queue.config.weights) then
    redis.call('DEL', unfinished_key(queue.key))
    if queue.last.used > 0 then redis.call('HSET', unfinished_key(queue.key), queue.last.name, queue.last.used) end
  end
  if queue.period then forget_starts(queue.key, queue.period, queue.at) end
  -- A queue that was served stands behind the others.
  redis.call('ZADD', waiting_key(app), 'XX', last_score(waiting_key(app)), queue.name)
end
