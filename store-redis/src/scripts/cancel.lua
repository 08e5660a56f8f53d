-- Ends a workflow that is not over. Answers an error.
local function cancel(id, row, now)
  local key = base .. 'wf:' .. id
  local _, refusal = attempt('HSET', key, 'status', 'CANCELLED', 'updated', now, 'completed', now)
  if refusal then return refusal end
  redis.call('HDEL', key, 'owner')
  depart(id, row)
  redis.call('ZADD', finished_key(row[APP]), 0, place_of(now, id))
end
