-- Hands back some workflows of an executor; removes the executor with the last of them.
--
-- KEYS: executor, what it owns
-- ARGV: base, incarnation, how many at most
local incarnation, limit = ARGV[2], tonumber(ARGV[3])
local owned = redis.call('ZRANGE', KEYS[2], 0, limit - 1)
local released, is_claimable, is_enqueued = 0, false, false
for _, member in ipairs(owned) do
  local place = string.match(member, '^%d+/(.*)$')
  local id = id_of(place)
  local key = base .. 'wf:' .. id
  local row = read_row(key, PLAIN)
  -- A damaged row stays as it is, among what the executor held.
  if row and row[STATUS] == 'PENDING' and row[OWNER] and incarnation_of(row[OWNER]) == incarnation
    and not damage(row, PLAIN) then
    local _, refusal
    if row[QUEUE] then
      _, refusal = attempt('HSET', key, 'status', 'ENQUEUED')
    end
    if not refusal then _, refusal = attempt('HDEL', key, 'owner') end
    if refusal then return refusal end
    if row[QUEUE] then
      go_back_in_line(id, row)
      is_enqueued = true
    else
      local class = class_of(row[APP], row[VERSION], row[NAME])
      let_go(incarnation, class, place)
      hold(NOBODY, class, place)
      is_claimable = true
    end
    released = released + 1
  end
  local _, refusal = attempt('ZREM', KEYS[2], member)
  if refusal then return refusal end
end
if is_claimable then tell_claimable() end
if is_enqueued then tell_enqueued() end
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
