-- Reads everything and judges it first, then writes: a script that fails midway is not rolled back.
--
-- KEYS: executor
-- ARGV: base, incarnation, execution, executor id, app, version, whether unversioned ('1'), now,
--       limit, most rows to look at, most checkpoints, most bytes, then names and their most attempts
local incarnation, execution, executor_id = ARGV[2], ARGV[3], ARGV[4]
local app, now, limit = ARGV[5], ARGV[8], tonumber(ARGV[9])
local most_rows, most_checkpoints, most_bytes = tonumber(ARGV[10]), tonumber(ARGV[11]), tonumber(ARGV[12])
local owner = incarnation .. '/' .. execution

local versions = {ARGV[6]}
if ARGV[7] == '1' then versions[2] = false end

local claimed, dead, faults, more = {}, {}, {}, false
-- Whoever is not registered would be robbed of its claim at once.
if redis.call('EXISTS', KEYS[1]) == 0 then return {'0', claimed, dead, faults} end

local names, attempts_of = {}, {}
for at = 13, #ARGV, 2 do
  if not attempts_of[ARGV[at]] then
    names[#names + 1] = ARGV[at]
    attempts_of[ARGV[at]] = tonumber(ARGV[at + 1])
  end
end

local taken, looked, checkpoints, bytes = 0, 0, 0, 0

local function is_full()
  return taken >= limit or looked >= most_rows or checkpoints >= most_checkpoints or bytes >= most_bytes
end

-- A row that belongs at this place of this holder; otherwise nothing, and the fault is noted.
local function read_candidate(place, holder)
  local id = id_of(place)
  looked = looked + 1
  local row, failure = read_row(base .. 'wf:' .. id, #FIELDS)
  local reason
  if failure then
    reason = 'its key holds another type'
  elseif not row then
    reason = 'its row is missing'
  else
    reason = damage(row, #FIELDS)
  end
  if not reason then
    local found = row[OWNER] and incarnation_of(row[OWNER]) or NOBODY
    if row[STATUS] ~= 'PENDING' or found ~= holder or place_of(row[CREATED], id) ~= place then
      reason = 'its row and the indexes disagree'
    end
  end
  if reason then
    faults[#faults + 1] = {id, reason}
    return nil, id
  end
  return row, id
end

-- The checkpoints of a workflow; nothing, with the fault noted, when one is damaged.
local function read_history(id)
  local history = attempt('HGETALL', base .. 'steps:' .. id)
  if not history then
    faults[#faults + 1] = {id, 'the key of its checkpoints holds another type'}
    return nil
  end
  for at = 1, #history, 2 do
    local step, value = history[at], history[at + 1]
    local name, child, encoding = open_checkpoint(value)
    if not is_u32(step) or not name or not is_utf8(name) or (child and not is_utf8(child))
      or not is_utf8(encoding) then
      faults[#faults + 1] = {id, 'its checkpoint ' .. step .. ' is damaged'}
      return nil
    end
    bytes = bytes + #value
  end
  checkpoints = checkpoints + #history / 2
  return history
end

local function accept(id, row, history)
  taken = taken + 1
  bytes = bytes + #row[INPUT]
  claimed[#claimed + 1] = {id, row, history}
end

-- What an earlier call with this owner took.
local offset = 0
while not is_full() do
  local carried = redis.call('ZRANGE', owned_key(incarnation), '[' .. execution .. '/',
    '(' .. execution .. '0', 'BYLEX', 'LIMIT', offset, 100)
  offset = offset + #carried
  for _, member in ipairs(carried) do
    if is_full() then break end
    local row, id = read_candidate(string.match(member, '^%d+/(.*)$'), incarnation)
    local fits = row and row[APP] == app and attempts_of[row[NAME]] and row[OWNER] == owner
      and (row[VERSION] == versions[1] or (not row[VERSION] and versions[2] == false))
    local history = fits and read_history(id)
    if history then accept(id, row, history) end
  end
  if #carried < 100 then break end
end

-- Whose pending workflows may be taken: nobody's, and those of executors that are not registered.
local registered = {[NOBODY] = false}
local function is_registered(holder)
  if registered[holder] == nil then
    registered[holder] = redis.call('EXISTS', base .. 'executor:' .. holder) == 1
  end
  return registered[holder]
end

local sources = {}
for _, name in ipairs(names) do
  for which = 1, #versions do
    local version = versions[which] or nil
    local class = class_of(app, version, name)
    for _, holder in ipairs(redis.call('SMEMBERS', holders_key(class))) do
      if not is_registered(holder) then
        sources[#sources + 1] = {
          class = class, holder = holder, name = name, version = version,
          attempts = attempts_of[name], places = {}, at = 1, offset = 0,
        }
      end
    end
  end
end

-- The oldest place of a source that was not looked at.
local PAGE = 32
local function head(source)
  if source.at > #source.places then
    local key = held_key(source.holder, source.class)
    source.places = redis.call('ZRANGE', key, source.offset, source.offset + PAGE - 1)
    source.offset = source.offset + #source.places
    source.at = 1
  end
  return source.places[source.at]
end

local changes = {}
while not is_full() do
  local best, place
  for _, source in ipairs(sources) do
    local candidate = head(source)
    if candidate and (not place or is_before(candidate, place)) then best, place = source, candidate end
  end
  if not best then break end
  best.at = best.at + 1

  local row, id = read_candidate(place, best.holder)
  if row and (row[APP] ~= app or row[NAME] ~= best.name or (row[VERSION] or nil) ~= best.version) then
    faults[#faults + 1] = {id, 'its row and the indexes disagree'}
  elseif row and best.holder ~= NOBODY and tonumber(row[ATTEMPTS]) >= best.attempts then
    taken = taken + 1
    dead[#dead + 1] = id
    changes[#changes + 1] = {id = id, place = place, source = best, owner = row[OWNER], deadline = row[DEADLINE]}
  elseif row then
    local history = read_history(id)
    if history then
      accept(id, row, history)
      changes[#changes + 1] = {id = id, place = place, source = best, owner = row[OWNER], row = row}
    end
  end
end
more = is_full()

for _, change in ipairs(changes) do
  local key, source, row = base .. 'wf:' .. change.id, change.source, change.row
  local _, refusal
  if row then
    if change.owner then
      row[ATTEMPTS] = string.format('%.0f', tonumber(row[ATTEMPTS]) + 1)
    end
    row[OWNER], row[EXECUTOR], row[UPDATED], row[STARTED] = owner, executor_id, now, row[STARTED] or now
    _, refusal = attempt('HSET', key, 'owner', owner, 'executor', executor_id,
      'attempts', row[ATTEMPTS], 'updated', now, 'started', row[STARTED])
  else
    _, refusal = attempt('HSET', key, 'status', 'MAX_RECOVERY_ATTEMPTS_EXCEEDED', 'updated', now, 'completed', now)
  end
  if refusal then return refusal end
  leave_pending(change.id, change.place, app, source.class, change.owner, change.deadline)
  if not row then
    redis.call('ZADD', finished_key(app), 0, place_of(now, change.id))
  else
    hold(incarnation, source.class, change.place)
    redis.call('ZADD', owned_key(incarnation), 0, execution .. '/' .. change.place)
  end
end
tell_changed(dead)
return {more and '1' or '0', claimed, dead, faults}
