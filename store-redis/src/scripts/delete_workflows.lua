-- KEYS: workflows
-- ARGV: base, whether children too ('1'), ids
local found, refusal = read_named(3, ARGV[2] == '1')
if not found then return refusal end
local changed = {}
for _, one in ipairs(found.rows) do
  refusal = delete(one.id, one.row)
  if refusal then return refusal end
  changed[#changed + 1] = one.id
end
tell_changed(changed)
return {'done', changed, {}, found.unknown, found.faults}
