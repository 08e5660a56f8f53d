-- KEYS: the application's schedules
-- ARGV: base, app
local answer = {}
for _, name in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local row, failure = read_schedule(schedule_key(ARGV[2], name))
  answer[#answer + 1] = {name, not failure and row or false}
end
return answer
