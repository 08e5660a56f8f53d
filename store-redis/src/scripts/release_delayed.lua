-- KEYS: the application's delayed workflows
-- ARGV: base, app, now, how many at most, how many damaged ones to pass over
local app, now, limit, most_damaged = ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local PAGE = 100
-- What is due comes before this: a semicolon comes after the colon.
local latest = string.sub(place_of(now, ''), 1, -2) .. ';'
local due, next_due, passed, offset = {}, false, 0, 0
while not next_due and passed <= most_damaged do
  local places = redis.call('ZRANGE', KEYS[1], offset, offset + PAGE - 1)
  for _, place in ipairs(places) do
    local id = id_of(place)
    local row = read_row(base .. 'wf:' .. id, PLAIN)
    -- A damaged row stays as it is, and is not waited for.
    if row and not damage(row, PLAIN) and row[STATUS] == 'DELAYED' and row[APP] == app
      and place_of(row[DELAYED], id) == place then
      if #due >= limit or not is_before(place, latest) then
        next_due = row[DELAYED]
        break
      end
      due[#due + 1] = {id = id, row = row}
    else
      passed = passed + 1
    end
  end
  if #places < PAGE then break end
  offset = offset + PAGE
end

for _, one in ipairs(due) do
  local _, refusal = attempt('HSET', base .. 'wf:' .. one.id, 'status', 'ENQUEUED', 'updated', now)
  if refusal then return refusal end
  stand_down(one.id, one.row)
  stand_in_line(one.id, one.row)
end
if #due > 0 then tell_enqueued() end
return {#due, next_due}
