-- KEYS: the application's workflows that are over
-- ARGV: base, app, end of the range, how many to keep, how many to pass over, how many to look at
local passed = tonumber(ARGV[5])
-- Both conditions hold for a number of the earliest, so the smaller number counts.
local count = math.min(tonumber(ARGV[6]), redis.call('ZCARD', KEYS[1]) - tonumber(ARGV[4]) - passed)
if count <= 0 then return {0, 0} end
local places = redis.call('ZRANGE', KEYS[1], '-', ARGV[3], 'BYLEX', 'LIMIT', passed, string.format('%.0f', count))
local finished, changed = {}, {}
for _, place in ipairs(places) do
  local id = id_of(place)
  local row = read_row(base .. 'wf:' .. id, PLAIN)
  -- A damaged row stays as it is.
  if row and not damage(row, PLAIN) and IS_FINAL[row[STATUS]] and row[APP] == ARGV[2]
    and row[COMPLETED] and place_of(row[COMPLETED], id) == place then
    finished[#finished + 1] = {id = id, row = row}
  end
end
for _, one in ipairs(finished) do
  local refusal = delete(one.id, one.row)
  if refusal then return refusal end
  changed[#changed + 1] = one.id
end
tell_changed(changed)
return {#places, #changed}
