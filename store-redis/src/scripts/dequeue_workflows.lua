-- KEYS: executor, the application's queues in which something waits, what the executor owns
-- ARGV: as all that take, then how many queues ('-' for all), queues, names

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

local served, changes, held, retry_at = {}, {}, false, nil
local function note_retry(at)
  if at and (not retry_at or at < retry_at) then retry_at = at end
end

-- What one workflow needs when it is taken for the first time, or comes back.
local function history_of(id, row)
  if not row[STARTED] and not row[FORKED] then return {} end
  return read_history(id)
end

-- Takes the first of a partition's workflows, if it can be read.
local function take_one(queue, partition, line, member)
  line.at = line.at + 1
  local id = id_in_line(member)
  local row = read_candidate(id, function(row)
    return row[STATUS] == 'ENQUEUED' and row[APP] == app and row[QUEUE] == queue.name
      and row[NAME] == line.wanted.name and (row[VERSION] or nil) == line.wanted.version
      and partition_of(row[PARTITION]) == partition.name
      and line_place(row[PRIORITY], row[ACCEPTED], id) == member
  end)
  local history = row and history_of(id, row)
  if not history then return end
  accept(id, row, history)
  line.gone[#line.gone + 1] = member
  changes[#changes + 1] = {id = id, row = row, queue = queue, partition = partition, class = line.class}
  if partition.used == 0 then
    queue.last_turn = queue.last_turn + 1
    partition.turn = queue.last_turn
  end
  partition.used, partition.taken, queue.taken = partition.used + 1, partition.taken + 1, queue.taken + 1
  queue.last = partition
end

-- Lets a partition have its turn, as far as the limits let it.
local function serve(queue, partition)
  while partition.used < partition.weight and not is_full() and room_of(queue.room, queue.taken) > 0
    and room_of(partition.room, partition.taken) > 0 do
    local line, member = first_line(partition)
    if not line then break end
    take_one(queue, partition, line, member)
  end
  if partition.used >= partition.weight then partition.used = 0 end
  if partition.taken > 0 then queue.touched[partition] = true end
end

-- How many partitions are asked when a rate of the queue is in the way.
local ASKED_FOR_RETRY = 100

-- Notes when the next one may start, of partitions that have something, the rate of the queue being in the way until `at`.
local function note_retries(queue, partition, at)
  for _ = 1, ASKED_FOR_RETRY do
    local left, retry = room_of(partition.room, partition.taken)
    if left > 0 then retry = at end
    if retry then note_retry(math.max(at, retry)) end
    if retry and retry <= at then return end
    partition = queue.next_partition()
    if not partition then return end
  end
end

local function serve_queue(name)
  local queue = open_queue(name)
  -- Who cannot know the limits takes nothing.
  if not queue then return end
  served[#served + 1] = queue
  held = held or limits_running(queue.config)
  while true do
    local partition = queue.next_partition()
    if not partition then return end
    local left, retry = room_of(queue.room, queue.taken)
    if left <= 0 then
      if retry then note_retries(queue, partition, retry) end
      return
    end
    left, retry = room_of(partition.room, partition.taken)
    if left <= 0 then
      note_retry(retry)
    elseif is_full() then
      return
    else
      serve(queue, partition)
      queue.again[#queue.again + 1] = partition
    end
  end
end

if carried == 0 and not is_settled(KEYS[1]) then
  for _, name in ipairs(queues_in_turn(asked)) do
    if is_full() then break end
    serve_queue(name)
  end
end

-- A time, later by a duration.
local function later(time, millis)
  local sum = tonumber(time) + tonumber(millis)
  return sum >= LAST_TIME and '9223372036854775807' or string.format('%.0f', sum)
end

-- The deadline of a workflow that is taken: a timeout counts from the first time.
local function deadline_of(row)
  if row[STARTED] or not row[TIMEOUT] then return row[DEADLINE] end
  local by_timeout = later(now, row[TIMEOUT])
  if row[DEADLINE] and is_before(place_of(row[DEADLINE], ''), place_of(by_timeout, '')) then return row[DEADLINE] end
  return by_timeout
end

-- Members to add to sorted sets, many at once.
local added = {}
local function add(key, member)
  local members = added[key] or {}
  added[key] = members
  members[#members + 1] = 0
  members[#members + 1] = member
end

for _, change in ipairs(changes) do
  local id, row, queue, partition = change.id, change.row, change.queue, change.partition
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
  if not added[held_key(incarnation, change.class)] then
    redis.call('SADD', holders_key(change.class), incarnation)
  end
  add(held_key(incarnation, change.class), place)
  add(owned_key(incarnation), execution .. '/' .. place)
  if deadline then add(deadlines_key(app), place_of(deadline, id)) end
  local by_partition, by_executor = running_members(partition.name, incarnation, id)
  add(running_key(queue.key), by_partition)
  add(running_key(queue.key), by_executor)
  if queue.period then note_start(queue.key, partition.name, owner .. '/' .. id, queue.at) end
end

for key, members in pairs(added) do
  for at = 1, #members, 200 do
    redis.call('ZADD', key, unpack(members, at, math.min(at + 199, #members)))
  end
end

for _, queue in ipairs(served) do
  if queue.last then close_queue(queue) end
end
return {(taken > 0 and is_full()) and '1' or '0', accepted, carried, faults, held and '1' or '0',
  retry_at and later(retry_at, 0) or false}
