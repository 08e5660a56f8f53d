-- KEYS: schedule
-- ARGV: base, whether it rests ('1' or '0'), last tick ('' to leave it)
local row, failure = read_schedule(KEYS[1])
if failure then return {'damaged_schedule'} end
if not row then return {'unknown'} end
if row[1] ~= ARGV[2] then
  local revision, refusal = next_revision()
  if refusal then return refusal end
  redis.call('HSET', KEYS[1], 'paused', ARGV[2], 'revision', string.format('%.0f', revision))
end
if ARGV[3] ~= '' and is_before_tick(row[2], ARGV[3]) then
  local _, refusal = attempt('HSET', KEYS[1], 'last_tick', ARGV[3])
  if refusal then return refusal end
end
return {'done'}
