-- Ends the script, unless an execution owns its workflow: the key of that and the owner come last.
do
  local workflow, owner = table.remove(KEYS), table.remove(ARGV)
  local row = redis.pcall('HMGET', workflow, 'status', 'owner')
  if row.err then return {'fence', row.err} end
  if row[1] ~= 'PENDING' or row[2] ~= owner then return {'fence'} end
end
