-- KEYS: workflow, its streams, their values
-- ARGV: id, key, first offset, most values, most bytes
local id, key, from, limit, most_bytes = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local row, failure = attempt('HMGET', KEYS[1], 'status', 'app')
if failure then return blame(id, failure) end
if not row[1] and not row[2] then return {'unknown_workflow', {}} end
local stored
stored, failure = attempt('HGET', KEYS[2], key)
if failure then return blame(id, failure) end
local count, is_closed = open_stream(stored)
if not count then return {'damaged', id, 'one of its streams is damaged'} end

local values, bytes, at = {}, 0, from
while at < count and #values < limit and bytes < most_bytes do
  local value
  value, failure = attempt('HGET', KEYS[3], number_text(at) .. ':' .. key)
  if failure then return blame(id, failure) end
  if not value then return {'damaged', id, 'a value of one of its streams is missing'} end
  values[#values + 1] = value
  bytes = bytes + #value
  at = at + 1
end
if at < count then return {'open', values} end
if is_closed then return {'closed', values} end
return {IS_FINAL[row[1]] and 'over' or 'open', values}
