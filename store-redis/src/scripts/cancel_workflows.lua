-- KEYS: workflows
-- ARGV: base, now, whether children too ('1'), ids
local now = ARGV[2]
local found, refusal = read_named(4, ARGV[3] == '1')
if not found then return refusal end
local changed, unchanged = {}, {}
for _, one in ipairs(found.rows) do
  if not IS_FINAL[one.row[STATUS]] then
    refusal = cancel(one.id, one.row, now)
    if refusal then return refusal end
    changed[#changed + 1] = one.id
  elseif one.is_named then
    unchanged[#unchanged + 1] = {one.id, one.row[STATUS]}
  end
end
tell_changed(changed)
return {'done', changed, unchanged, found.unknown, found.faults}
