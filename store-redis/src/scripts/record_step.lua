-- KEYS: workflow, its steps
-- ARGV: owner, step, checkpoint
local row, failure = attempt('HMGET', KEYS[1], 'status', 'owner')
if failure then return failure end
if row[1] ~= 'PENDING' or row[2] ~= ARGV[1] then return {'not_owner'} end
local added, refusal = attempt('HSETNX', KEYS[2], ARGV[2], ARGV[3])
if refusal then return refusal end
if added == 1 then return {'recorded'} end
return {'taken', redis.call('HGET', KEYS[2], ARGV[2])}
