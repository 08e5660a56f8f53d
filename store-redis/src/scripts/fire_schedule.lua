-- KEYS: schedule
-- ARGV: base, revision, last tick that the caller saw, tick, then the request for its run, if there is one
local row, failure = read_schedule(KEYS[1])
if failure then return {'damaged_schedule'} end
if not row or row[1] ~= '0' or row[3] ~= ARGV[2] or row[2] ~= ARGV[3] then return {'stale'} end
if not is_before_tick(ARGV[3], ARGV[4]) then return {'stale'} end
if ARGV[5] then
  -- Whatever else becomes of it, the id belongs to a workflow, or another stands for it.
  local answer = accept_request(read_request(5))
  if answer.err or answer[1] == 'damaged' then return answer end
end
local _, refusal = attempt('HSET', KEYS[1], 'last_tick', ARGV[4])
return refusal or {'fired'}
