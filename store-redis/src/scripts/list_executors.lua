-- KEYS: the application's executors
-- ARGV: base
local answer = {}
local known = redis.call('HGETALL', KEYS[1])
for at = 2, #known, 2 do
  local row = redis.call('HMGET', base .. 'executor:' .. known[at],
    'app', 'executor', 'version', 'host', 'process', 'beat', 'registered')
  answer[#answer + 1] = {known[at], row}
end
return answer
