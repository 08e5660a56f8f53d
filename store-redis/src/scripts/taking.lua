-- What a claim and a dequeue have in common. Both read everything and judge it first, then write: a script that fails midway
-- is not rolled back.
--
-- ARGV: base, incarnation, execution, executor id, app, version, whether unversioned ('1'), now, limit, most rows to look at,
--       most checkpoints, most bytes, then what the script wants to know besides
local incarnation, execution, executor_id = ARGV[2], ARGV[3], ARGV[4]
local app, now, limit = ARGV[5], ARGV[8], tonumber(ARGV[9])
local most_rows, most_checkpoints, most_bytes = tonumber(ARGV[10]), tonumber(ARGV[11]), tonumber(ARGV[12])
local owner = incarnation .. '/' .. execution

local versions = {ARGV[6]}
if ARGV[7] == '1' then versions[2] = false end

local accepted, faults = {}, {}
local taken, looked, checkpoints, bytes = 0, 0, 0, 0

local function is_full()
  return taken >= limit or looked >= most_rows or checkpoints >= most_checkpoints or bytes >= most_bytes
end

-- A row that belongs where it was found, as `belongs` judges; otherwise nothing, and the fault is noted.
local function read_candidate(id, belongs)
  looked = looked + 1
  local row, failure = read_row(base .. 'wf:' .. id, #FIELDS)
  local reason
  if failure then
    reason = 'its key holds another type'
  elseif not row then
    reason = 'its row is missing'
  else
    reason = damage(row, #FIELDS)
    if not reason and not belongs(row) then reason = 'its row and the indexes disagree' end
  end
  if not reason then return row end
  faults[#faults + 1] = {id, reason}
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
    local name, child, encoding, completions = open_checkpoint(value)
    if not is_u32(step) or not name or not is_utf8(name) or (child and not is_utf8(child))
      or not is_utf8(encoding) or (completions and not is_utf8(completions)) then
      faults[#faults + 1] = {id, 'its checkpoint ' .. step .. ' is damaged'}
      return nil
    end
    bytes = bytes + #value
  end
  checkpoints = checkpoints + #history / 2
  return history
end

-- Whether the request came too late to take anything.
local function is_settled(executor)
  local settled = redis.call('HGET', executor, 'settled')
  return settled and tonumber(settled) >= tonumber(execution)
end

local function accept(id, row, history)
  taken = taken + 1
  bytes = bytes + #row[INPUT]
  accepted[#accepted + 1] = {id, row, history}
end

-- Accepts what an earlier call with this owner took, as far as `is_wanted`.
local function accept_carried(is_wanted)
  local offset = 0
  while not is_full() do
    local carried = redis.call('ZRANGE', owned_key(incarnation), '[' .. execution .. '/',
      '(' .. execution .. '0', 'BYLEX', 'LIMIT', offset, 100)
    offset = offset + #carried
    for _, member in ipairs(carried) do
      if is_full() then break end
      local place = string.match(member, '^%d+/(.*)$')
      local id = id_of(place)
      local row = read_candidate(id, function(row)
        return row[STATUS] == 'PENDING' and row[OWNER] and incarnation_of(row[OWNER]) == incarnation
          and place_of(row[CREATED], id) == place
      end)
      local is_of_version = row and (row[VERSION] == versions[1] or (not row[VERSION] and versions[2] == false))
      if is_of_version and row[APP] == app and row[OWNER] == owner and is_wanted(row) then
        local history = read_history(id)
        if history then accept(id, row, history) end
      end
    end
    if #carried < 100 then break end
  end
end
