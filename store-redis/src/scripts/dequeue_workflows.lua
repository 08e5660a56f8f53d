-- KEYS: executor
-- ARGV: as all that take, then how many queues ('-' for all), queues, names
if redis.call('EXISTS', KEYS[1]) == 0 then return {'0', accepted, 0, faults, false} end

local asked, first_name = nil, 14
if ARGV[13] ~= '-' then
  asked, first_name = {}, 14 + tonumber(ARGV[13])
  for at = 14, first_name - 1 do asked[ARGV[at]] = true end
end

local names = {}
for at = first_name, #ARGV do names[ARGV[at]] = true end

accept_carried(function(row)
  return names[row[NAME]] and row[QUEUE] and (not asked or asked[row[QUEUE]])
end)
local carried = #accepted

-- The queues that may have something, the one that was served longest ago first.
local function queues_in_turn()
  if not asked then return redis.call('ZRANGE', waiting_key(app), 0, -1) end
  local found = {}
  for name in pairs(asked) do
    local score = redis.call('ZSCORE', waiting_key(app), name)
    if score then found[#found + 1] = {name = name, score = tonumber(score)} end
  end
  table.sort(found, function(one, other) return one.score < other.score end)
  for at, one in ipairs(found) do found[at] = one.name end
  return found
end

-- What the caller may take, by class.
local wanted
local function wanted_classes()
  if wanted then return wanted end
  wanted = {}
  for name in pairs(names) do
    for which = 1, #versions do
      wanted[class_of(app, versions[which] or nil, name)] = {name = name, version = versions[which] or nil}
    end
  end
  return wanted
end

local PAGE = 32
-- Of a partition that may have one turn only.
local FIRST_PAGE = 4

-- The partitions that have something for the caller, in their order.
local function partitions_of(queue)
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

-- Those lines of a partition that the caller may take from, and those that it may not, which move with its turn all the same.
local function open_partition(queue, config, name, turn)
  local prefix = framed(name)
  local partition = {
    name = name, turn = turn, lines = {}, taken = 0, weight = weight_of(config, name), used = 0,
    room = partition_room(queue, name, config.partition_limits, incarnation, tonumber(now)),
  }
  if partition.weight > 1 then
    partition.used = tonumber(redis.call('HGET', unfinished_key(queue), name) or '0')
    if partition.used >= partition.weight then partition.used = 0 end
  end
  local lines = redis.call('ZRANGE', lines_key(queue), '[' .. prefix, '(' .. prefix .. 'z', 'BYLEX')
  for _, member in ipairs(lines) do
    local class = string.sub(member, #prefix + 1)
    local key = line_key(queue, class, name)
    local page = redis.call('ZRANGE', key, 0, FIRST_PAGE - 1)
    partition.lines[#partition.lines + 1] = {
      class = class, key = key, wanted = wanted_classes()[class], head = page[1], page = page, offset = #page, at = 1, gone = {},
    }
  end
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

-- What one workflow needs when it is taken for the first time, or comes back.
local function history_of(id, row)
  if not row[STARTED] and not row[FORKED] then return {} end
  return read_history(id)
end

local changes, touched = {}, {}
local more, retry_at = false, nil
local function note_retry(at)
  if at and (not retry_at or at < retry_at) then retry_at = at end
end

-- Takes the first of a partition's workflows that can be read.
local function take_one(queue, name, config, room, partition, line, member)
  line.at = line.at + 1
  local id = id_of(place_in_line(member))
  local row = read_candidate(id, function(row)
    return row[STATUS] == 'ENQUEUED' and row[APP] == app and row[QUEUE] == name
      and row[NAME] == line.wanted.name and (row[VERSION] or nil) == line.wanted.version
      and partition_of(row[PARTITION]) == partition.name
      and line_place(row[PRIORITY], place_of(row[CREATED], id)) == member
  end)
  local history = row and history_of(id, row)
  if not history then return end
  accept(id, row, history)
  line.gone[#line.gone + 1] = member
  partition.taken, room.taken = partition.taken + 1, room.taken + 1
  changes[#changes + 1] = {id = id, row = row, queue = queue, config = config, room = room, partition = partition, class = line.class}
  return true
end

-- Lets a partition have its turn. What holds it back is judged by whoever comes next.
local function serve(queue, name, config, room, partition)
  while partition.used < partition.weight and not is_full() and room_of(room, room.taken) > 0
    and room_of(partition.room, partition.taken) > 0 do
    local line, member = first_line(partition)
    if not line then break end
    if take_one(queue, name, config, room, partition, line, member) then partition.used = partition.used + 1 end
  end
end

local function serve_queue(name)
  local queue = queue_of(app, name)
  local config = read_queue(app, name)
  -- Who cannot know the limits takes nothing.
  if not config then return end
  local room = queue_room(queue, config.limits, incarnation, tonumber(now))
  room.taken = 0
  local next_partition, again, at = partitions_of(queue), {}, 1
  local last_turn = last_score(served_key(queue)) - 1
  while not more do
    local partition
    local one, turn = next_partition()
    if one then
      partition = open_partition(queue, config, one, turn)
    else
      partition = again[at]
      at = at + 1
      if not partition then break end
    end
    if first_line(partition) then
      local left, retry = room_of(room, room.taken)
      if left <= 0 then
        note_retry(retry)
        return
      end
      left, retry = room_of(partition.room, partition.taken)
      if left <= 0 then
        note_retry(retry)
      elseif is_full() then
        more = taken > 0
        return
      else
        serve(queue, name, config, room, partition)
        if partition.taken > 0 and not touched[partition] then
          touched[#touched + 1] = {queue = queue, name = name, partition = partition}
          touched[partition] = true
        end
        -- A turn that the request or the queue cut short goes on another time.
        local is_over = partition.used >= partition.weight or not first_line(partition)
          or room_of(partition.room, partition.taken) <= 0
        if is_over and partition.taken > 0 then
          last_turn = last_turn + 1
          partition.turn, partition.used = last_turn, 0
        end
        again[#again + 1] = partition
      end
    end
  end
end

if #accepted < limit then
  for _, name in ipairs(queues_in_turn()) do
    if more then break end
    serve_queue(name)
  end
end
more = more or (carried > 0 and is_full())

-- Adds time and a duration.
local function later(time, millis)
  local sum = tonumber(time) + tonumber(millis)
  return sum >= LAST_TIME and '9223372036854775807' or string.format('%.0f', sum)
end

-- The deadline of a workflow that is taken: it counts from the first time.
local function deadline_of(row)
  if row[STARTED] or not row[TIMEOUT] then return row[DEADLINE] end
  local by_timeout = later(now, row[TIMEOUT])
  if row[DEADLINE] and is_before(place_of(row[DEADLINE], ''), place_of(by_timeout, '')) then return row[DEADLINE] end
  return by_timeout
end

-- Notes a start, if a rate counts it.
local function count_start(change)
  local limits, partition_limits = change.config.limits, change.config.partition_limits
  if not limits.starts and not partition_limits.starts then return end
  local at = change.room.rate and change.room.rate.at or tonumber(now)
  local partition_rate = change.partition.room.rate
  note_start(change.queue, change.partition.name, owner .. '/' .. change.id, at, partition_rate and partition_rate.at)
  forget_starts(change.queue, math.max(limits.period or 0, partition_limits.period or 0), at)
end

for _, change in ipairs(changes) do
  local id, row = change.id, change.row
  local place, deadline = place_of(row[CREATED], id), deadline_of(row)
  local fields = {'status', 'PENDING', 'owner', owner, 'executor', executor_id, 'updated', now, 'started', now}
  if deadline and deadline ~= row[DEADLINE] then
    fields[#fields + 1] = 'deadline'
    fields[#fields + 1] = deadline
  end
  local _, refusal = attempt('HSET', base .. 'wf:' .. id, unpack(fields))
  if refusal then return refusal end
  row[STATUS], row[OWNER], row[EXECUTOR], row[UPDATED], row[STARTED] = 'PENDING', owner, executor_id, now, now
  row[DEADLINE] = deadline
  hold(incarnation, change.class, place)
  redis.call('ZADD', owned_key(incarnation), 0, execution .. '/' .. place)
  if deadline then redis.call('ZADD', deadlines_key(app), 0, place_of(deadline, id)) end
  local by_partition, by_executor = running_members(change.partition.name, incarnation, id)
  redis.call('ZADD', running_key(change.queue), 0, by_partition, 0, by_executor)
  count_start(change)
end

for _, one in ipairs(touched) do
  local partition, queue = one.partition, one.queue
  redis.call('ZADD', served_key(queue), partition.turn, partition.name)
  if partition.used > 0 then
    redis.call('HSET', unfinished_key(queue), partition.name, partition.used)
  elseif partition.weight > 1 then
    redis.call('HDEL', unfinished_key(queue), partition.name)
  end
  for _, line in ipairs(partition.lines) do
    for at = 1, #line.gone, 100 do
      redis.call('ZREM', line.key, unpack(line.gone, at, math.min(at + 99, #line.gone)))
    end
    settle_line(app, one.name, line.class, partition.name, line.head, partition.turn)
  end
  -- A queue that was served stands behind the others.
  redis.call('ZADD', waiting_key(app), 'XX', last_score(waiting_key(app)), one.name)
end
return {more and '1' or '0', accepted, carried, faults, retry_at and later(retry_at, 0) or false}
