-- KEYS: workflow
-- ARGV: base, id, owner, now, status, encoding, payload
local id, owner, now = ARGV[2], ARGV[3], ARGV[4]
local row, failure = attempt('HMGET', KEYS[1], 'status', 'owner', 'app', 'version', 'name', 'created', 'deadline',
  'queue', 'partition', 'deduplication')
if failure then return failure end
local status, app, version, name, created, deadline = row[1], row[3], row[4], row[5], row[6], row[7]
if row[2] ~= owner then return {'not_owner'} end
-- The owner stays on record, so this is the repetition of its own call.
if status == 'SUCCESS' or status == 'ERROR' then return {'finished'} end
if status ~= 'PENDING' then return {'not_owner'} end
local place = created and place_of(created, id)
if not app or not name or not place or (deadline and not place_of(deadline, id)) then
  return {'damaged', id, 'its application, name, time of creation or deadline is missing or damaged'}
end

local _, refusal = attempt('HSET', KEYS[1], 'status', ARGV[5], 'updated', now, 'completed', now,
  'outcome_encoding', ARGV[6], 'outcome', ARGV[7])
if refusal then return refusal end
leave_pending(id, place, app, class_of(app, version, name), owner, deadline)
redis.call('ZADD', finished_key(app), 0, place_of(now, id))
if row[8] then
  local queue = queue_of(app, row[8])
  stop_running(queue, partition_of(row[9]), incarnation_of(owner), id)
  if row[10] then release_deduplication(queue, row[10], id) end
end
tell_changed({id})
return {'finished'}
