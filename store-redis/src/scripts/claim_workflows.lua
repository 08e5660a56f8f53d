-- KEYS: executor
-- ARGV: as all that take, then names and their most attempts
local dead, requeued, changes = {}, {}, {}
-- Whoever is not registered would be robbed of its claim at once.
if redis.call('EXISTS', KEYS[1]) == 0 then return {'0', accepted, dead, faults, requeued} end

local names, attempts_of = {}, {}
for at = 13, #ARGV, 2 do
  if not attempts_of[ARGV[at]] then
    names[#names + 1] = ARGV[at]
    attempts_of[ARGV[at]] = tonumber(ARGV[at + 1])
  end
end

accept_carried(function(row) return attempts_of[row[NAME]] end)
if is_settled(KEYS[1]) then return {is_full() and '1' or '0', accepted, dead, faults, requeued} end

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

-- What becomes of a candidate: claimed, back to its queue, or a dead letter.
local function judge(id, row, source, place)
  local change = {id = id, place = place, source = source, owner = row[OWNER], row = row}
  if source.holder ~= NOBODY and tonumber(row[ATTEMPTS]) >= source.attempts then
    taken = taken + 1
    dead[#dead + 1] = id
    change.fate = 'dead'
  elseif row[QUEUE] then
    taken = taken + 1
    requeued[#requeued + 1] = id
    change.fate = 'requeued'
  else
    local history = read_history(id)
    if not history then return end
    accept(id, row, history)
    change.fate = 'claimed'
  end
  changes[#changes + 1] = change
end

while not is_full() do
  local best, place
  for _, source in ipairs(sources) do
    local candidate = head(source)
    if candidate and (not place or is_before(candidate, place)) then best, place = source, candidate end
  end
  if not best then break end
  best.at = best.at + 1

  local id = id_of(place)
  local row = read_candidate(id, function(row)
    local holder = row[OWNER] and incarnation_of(row[OWNER]) or NOBODY
    return row[STATUS] == 'PENDING' and holder == best.holder and place_of(row[CREATED], id) == place
      and row[APP] == app and row[NAME] == best.name and (row[VERSION] or nil) == best.version
  end)
  if row then judge(id, row, best, place) end
end

for _, change in ipairs(changes) do
  local key, id, row = base .. 'wf:' .. change.id, change.id, change.row
  local _, refusal
  if change.fate == 'dead' then
    _, refusal = attempt('HSET', key, 'status', 'MAX_RECOVERY_ATTEMPTS_EXCEEDED', 'updated', now, 'completed', now)
    if refusal then return refusal end
    depart(id, row)
    redis.call('ZADD', finished_key(app), 0, place_of(now, id))
  else
    if change.owner then
      row[ATTEMPTS] = string.format('%.0f', tonumber(row[ATTEMPTS]) + 1)
    end
    if change.fate == 'requeued' then
      _, refusal = attempt('HSET', key, 'status', 'ENQUEUED', 'attempts', row[ATTEMPTS], 'updated', now)
      if refusal then return refusal end
      redis.call('HDEL', key, 'owner')
      go_back_in_line(id, row)
    else
      row[OWNER], row[EXECUTOR], row[UPDATED], row[STARTED] = owner, executor_id, now, row[STARTED] or now
      _, refusal = attempt('HSET', key, 'owner', owner, 'executor', executor_id,
        'attempts', row[ATTEMPTS], 'updated', now, 'started', row[STARTED])
      if refusal then return refusal end
      leave_pending(id, change.place, app, change.source.class, change.owner)
      hold(incarnation, change.source.class, change.place)
      redis.call('ZADD', owned_key(incarnation), 0, execution .. '/' .. change.place)
    end
  end
end
tell_changed(dead)
if #requeued > 0 then tell_enqueued() end
return {is_full() and '1' or '0', accepted, dead, faults, requeued}
