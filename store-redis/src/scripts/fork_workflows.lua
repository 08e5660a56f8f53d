-- Judges all forks first, then makes them one after the other: one may be made of another.
--
-- KEYS: workflows
-- ARGV: base, most entries to copy, most bytes, then for each fork: source, id, first step that is not
--       copied, version ('' or '=' and it), queue (likewise), now
local is_claimable, is_enqueued = false, false
local most_entries, most_bytes = tonumber(ARGV[2]), tonumber(ARGV[3])
local answers, planned, plans, entries, bytes = {}, {}, {}, 0, 0

-- Judges one fork: its answer, or the reason for which all are refused.
local function judge(source, id, from)
  local forked, failure = planned[id], nil
  if not forked then
    local row
    row, failure = attempt('HMGET', base .. 'wf:' .. id, 'app', 'status', 'forked')
    if failure then return nil, blame(id, failure) end
    forked = row[3] or ((row[1] or row[2]) and '')
  end
  if forked == source then return 'forked' end
  if forked then return 'conflict' end

  -- What is copied of a fork that this very call makes is no more than would be of its own source.
  local root = source
  while planned[root] do root = planned[root] end
  local row
  row, failure = read_row(base .. 'wf:' .. root, #FIELDS)
  if failure then return nil, blame(root, failure) end
  if not row then return 'unknown_source' end
  local reason = damage(row, #FIELDS)
  if reason then return nil, {'damaged', root, reason} end
  local fault = misfit(root, base .. 'steps:' .. root, 'hash', base .. 'event_steps:' .. root, 'zset',
    base .. 'event_values:' .. root, 'hash', base .. 'stream_steps:' .. root, 'zset', base .. 'stream_values:' .. root, 'hash')
  if fault then return nil, fault end
  local more_entries, more_bytes = measure(root, from, most_entries)
  entries, bytes = entries + more_entries, bytes + more_bytes
  if entries > most_entries or bytes > most_bytes then return nil, {'too_large', source} end
  planned[id] = source
  return 'planned'
end

for at = 4, #ARGV, 6 do
  local source, id, from = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
  local answer, refusal = judge(source, id, from)
  if refusal then return refusal end
  if answer == 'planned' then
    plans[#plans + 1] = {source = source, id = id, from = from, version = ARGV[at + 3], queue = ARGV[at + 4], now = ARGV[at + 5]}
    answer = 'forked'
  end
  answers[#answers + 1] = answer
end

for _, plan in ipairs(plans) do
  local row = read_row(base .. 'wf:' .. plan.source, #FIELDS)
  local version = row[VERSION] or nil
  if plan.version ~= '' then version = string.sub(plan.version, 2) end
  local fields = {
    'status', plan.queue ~= '' and 'ENQUEUED' or 'PENDING', 'attempts', '0', 'created', plan.now, 'updated', plan.now,
    'forked', plan.source,
  }
  for _, field in ipairs({APP, NAME, USER, ROLE, ROLES, ATTRIBUTES, INPUT_ENCODING, INPUT}) do
    if row[field] then
      fields[#fields + 1] = FIELDS[field]
      fields[#fields + 1] = row[field]
    end
  end
  if version then
    fields[#fields + 1] = 'version'
    fields[#fields + 1] = version
  end
  local queue = plan.queue ~= '' and string.sub(plan.queue, 2)
  local accepted, refusal, _
  if queue then
    accepted, refusal = next_accepted()
    if refusal then return refusal end
    accepted = string.format('%.0f', accepted)
    for _, text in ipairs({'queue', queue, 'accepted', accepted}) do fields[#fields + 1] = text end
  end
  _, refusal = attempt('HSET', base .. 'wf:' .. plan.id, unpack(fields))
  if refusal then return refusal end
  local place = place_of(plan.now, plan.id)
  redis.call('ZADD', KEYS[1], 0, place)
  redis.call('ZADD', base .. 'forks:' .. plan.source, 0, place)
  local class = class_of(row[APP], version, row[NAME])
  if queue then
    enter_line(row[APP], queue, class, partition_of(nil), line_place(nil, accepted, plan.id))
    is_enqueued = true
  else
    hold(NOBODY, class, place)
    is_claimable = true
  end
  copy_steps(plan.source, plan.id, plan.from)
  copy_events(plan.source, plan.id, plan.from)
  copy_streams(plan.source, plan.id, plan.from)
end
if is_claimable then tell_claimable() end
if is_enqueued then tell_enqueued() end
return {'done', answers}
