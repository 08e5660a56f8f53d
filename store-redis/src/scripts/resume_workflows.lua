-- KEYS: workflows
-- ARGV: base, now, queue ('' or '=' and it), ids
local now, into = ARGV[2], ARGV[3] ~= '' and string.sub(ARGV[3], 2)
local found, refusal = read_named(4, false)
if not found then return refusal end
local changed, unchanged = {}, {}
local is_claimable, is_enqueued = false, false
for _, one in ipairs(found.rows) do
  local id, row = one.id, one.row
  if row[STATUS] == 'CANCELLED' or row[STATUS] == 'MAX_RECOVERY_ATTEMPTS_EXCEEDED' then
    local key, _ = base .. 'wf:' .. id, nil
    local moved = {}
    if into and into ~= row[QUEUE] then
      local accepted
      accepted, refusal = next_accepted()
      if refusal then return refusal end
      row[QUEUE], row[ACCEPTED] = into, string.format('%.0f', accepted)
      moved = {'queue', into, 'accepted', row[ACCEPTED]}
    end
    _, refusal = attempt('HSET', key, 'status', row[QUEUE] and 'ENQUEUED' or 'PENDING', 'updated', now, 'attempts', '0',
      unpack(moved))
    if refusal then return refusal end
    redis.call('HDEL', key, 'owner', 'completed', 'deadline', 'timeout', 'outcome_encoding', 'outcome')
    if row[COMPLETED] then redis.call('ZREM', finished_key(row[APP]), place_of(row[COMPLETED], id)) end
    if row[QUEUE] then
      if row[DEDUPLICATION] and not acquire_deduplication(queue_of(row[APP], row[QUEUE]), row[DEDUPLICATION], id) then
        redis.call('HDEL', key, 'deduplication')
      end
      stand_in_line(id, row)
      is_enqueued = true
    else
      hold(NOBODY, class_of(row[APP], row[VERSION], row[NAME]), place_of(row[CREATED], id))
      is_claimable = true
    end
    changed[#changed + 1] = id
  else
    unchanged[#unchanged + 1] = {id, row[STATUS]}
  end
end
tell_changed(changed)
if is_claimable then tell_claimable() end
if is_enqueued then tell_enqueued() end
return {'done', changed, unchanged, found.unknown, found.faults}
