-- KEYS: workflow
-- ARGV: base, id, owner, now, status, encoding, payload
local id, owner, now = ARGV[2], ARGV[3], ARGV[4]
local row, failure = attempt('HMGET', KEYS[1], 'status', 'owner', 'app', 'version', 'name', 'created')
if failure then return failure end
local status, app, version, name, created = row[1], row[3], row[4], row[5], row[6]
if row[2] ~= owner then return {'not_owner'} end
-- The owner stays on record, so this is the repetition of its own call.
if status == 'SUCCESS' or status == 'ERROR' then return {'finished'} end
if status ~= 'PENDING' then return {'not_owner'} end
local place = created and place_of(created, id)
if not app or not name or not place then
  return {'damaged', id, 'its application, name or time of creation is missing'}
end

local _, refusal = attempt('HSET', KEYS[1], 'status', ARGV[5], 'updated', now, 'completed', now,
  'outcome_encoding', ARGV[6], 'outcome', ARGV[7])
if refusal then return refusal end
local incarnation = incarnation_of(owner)
let_go(incarnation, class_of(app, version, name), place)
redis.call('ZREM', owned_key(incarnation), execution_of(owner) .. '/' .. place)
return {'finished'}
