-- KEYS: a workflow's events, their values
-- ARGV: id
local events, failure = attempt('HGETALL', KEYS[1])
if failure then return blame(ARGV[1], failure) end
local answer = {'events'}
for at = 1, #events, 2 do
  local value
  value, failure = attempt('HGET', KEYS[2], events[at + 1] .. ':' .. events[at])
  if failure then return blame(ARGV[1], failure) end
  answer[#answer + 1] = events[at]
  answer[#answer + 1] = value or ''
end
return answer
