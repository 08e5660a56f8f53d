-- KEYS: workflow, its steps
-- ARGV: owner, step, checkpoint
local row = redis.pcall('HMGET', KEYS[1], 'status', 'owner')
if row.err then return row end
if row[1] ~= 'PENDING' or row[2] ~= ARGV[1] then return {'not_owner'} end
local added = redis.pcall('HSETNX', KEYS[2], ARGV[2], ARGV[3])
if type(added) == 'table' then return added end
if added == 1 then return {'recorded'} end
return {'taken', redis.call('HGET', KEYS[2], ARGV[2])}
