-- KEYS: workflows
-- ARGV: base, now, ids
local now = ARGV[2]
local found, refusal = read_named(3, false)
if not found then return refusal end
local changed, unchanged = {}, {}
for _, one in ipairs(found.rows) do
  local id, row = one.id, one.row
  if row[STATUS] == 'CANCELLED' or row[STATUS] == 'MAX_RECOVERY_ATTEMPTS_EXCEEDED' then
    local key, _ = base .. 'wf:' .. id, nil
    _, refusal = attempt('HSET', key, 'status', 'PENDING', 'updated', now, 'attempts', '0')
    if refusal then return refusal end
    redis.call('HDEL', key, 'owner', 'completed', 'deadline', 'outcome_encoding', 'outcome')
    if row[COMPLETED] then redis.call('ZREM', finished_key(row[APP]), place_of(row[COMPLETED], id)) end
    hold(NOBODY, class_of(row[APP], row[VERSION], row[NAME]), place_of(row[CREATED], id))
    changed[#changed + 1] = id
  else
    unchanged[#unchanged + 1] = {id, row[STATUS]}
  end
end
tell_changed(changed)
if #changed > 0 then tell_claimable() end
return {'done', changed, unchanged, found.unknown, found.faults}
