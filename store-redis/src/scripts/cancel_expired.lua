-- KEYS: the application's deadlines
-- ARGV: base, app, now, end of the range, how many to pass over, how many to look at
local now = ARGV[3]
local places = redis.call('ZRANGE', KEYS[1], '-', ARGV[4], 'BYLEX', 'LIMIT', ARGV[5], ARGV[6])
local expired, changed = {}, {}
for _, place in ipairs(places) do
  local id = id_of(place)
  local row = read_row(base .. 'wf:' .. id, PLAIN)
  -- A damaged row stays as it is.
  if row and not damage(row, PLAIN) and row[STATUS] == 'PENDING' and row[APP] == ARGV[2]
    and row[DEADLINE] and place_of(row[DEADLINE], id) == place then
    expired[#expired + 1] = {id = id, row = row}
  end
end
for _, one in ipairs(expired) do
  local refusal = cancel(one.id, one.row, now)
  if refusal then return refusal end
  changed[#changed + 1] = one.id
end
tell_changed(changed)
return {#places, changed}
