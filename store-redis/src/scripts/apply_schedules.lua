-- Reads all first, so that a damaged one keeps all from being written.
--
-- KEYS: schedule revision
-- ARGV: base, then the schedules, each after its application
local function each(act)
  for at = 2, #ARGV, WIDTH + 1 do
    local answer = act(ARGV[at], at + 1)
    if answer then return answer end
  end
end

local damaged = each(function(app, at)
  local _, failure = read_schedule(schedule_key(app, ARGV[at]))
  if failure then return {'damaged_schedule', ARGV[at]} end
end)
if damaged then return damaged end

return each(function(app, at)
  local row = read_schedule(schedule_key(app, ARGV[at]))
  if not row then return write_schedule(app, at, ARGV[at + PAUSED_AT], ARGV[at + TICK_AT]) end
  if says_the_same(row, at) then return nil end
  local last_tick = row[2]
  if is_before_tick(last_tick, ARGV[at + TICK_AT]) then last_tick = ARGV[at + TICK_AT] end
  return write_schedule(app, at, row[1], last_tick)
end) or {'applied'}
