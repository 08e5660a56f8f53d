-- Hands back some workflows of an executor; removes the executor with the last of them.
--
-- KEYS: executor, what it owns
-- ARGV: base, incarnation, how many at most
local incarnation, limit = ARGV[2], tonumber(ARGV[3])
local owned = redis.call('ZRANGE', KEYS[2], 0, limit - 1)
local released = 0
for _, member in ipairs(owned) do
  local place = string.match(member, '^%d+/(.*)$')
  local id = id_of(place)
  local key = base .. 'wf:' .. id
  local row = attempt('HMGET', key, 'status', 'owner', 'app', 'version', 'name')
  -- A damaged row stays as it is, among what the executor held.
  if row and row[1] == 'PENDING' and row[2] and incarnation_of(row[2]) == incarnation
    and row[3] and row[5] then
    local _, refusal = attempt('HDEL', key, 'owner')
    if refusal then return refusal end
    local class = class_of(row[3], row[4], row[5])
    let_go(incarnation, class, place)
    hold(NOBODY, class, place)
    released = released + 1
  end
  local _, refusal = attempt('ZREM', KEYS[2], member)
  if refusal then return refusal end
end
if released > 0 then tell_claimable() end
if #owned == limit then return {released, 'more'} end

local row = redis.call('HMGET', KEYS[1], 'app', 'executor')
local _, refusal = attempt('DEL', KEYS[1])
if refusal then return refusal end
if row[1] and row[2] then
  local executors = base .. 'executors:' .. row[1]
  if redis.call('HGET', executors, row[2]) == incarnation then
    redis.call('HDEL', executors, row[2])
  end
end
return {released, 'done'}
