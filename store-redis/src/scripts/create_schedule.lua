-- KEYS: schedule
-- ARGV: base, app, then the schedule
local row, failure = read_schedule(KEYS[1])
if failure then return {'damaged_schedule'} end
if row then
  if says_the_same(row, 3) then return {'created'} end
  return {'exists', row}
end
local refusal = write_schedule(ARGV[2], 3, ARGV[3 + PAUSED_AT], ARGV[3 + TICK_AT])
return refusal or {'created'}
