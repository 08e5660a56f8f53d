-- KEYS: workflow, executor, workflows [, parent, parent's steps, parent's children]
-- ARGV: base, id, app, name, version ('' or '=' and the version), incarnation, execution, now, deadline ('' or a
--       time), parent ('' or '=' and its id), parent's owner, step, checkpoint, then the fields of the row and their values
local id, app, name, incarnation, execution, now = ARGV[2], ARGV[3], ARGV[4], ARGV[6], ARGV[7], ARGV[8]
local version = ARGV[5] ~= '' and string.sub(ARGV[5], 2) or nil
local parent = ARGV[10] ~= '' and string.sub(ARGV[10], 2) or nil
local parent_owner, step, checkpoint = ARGV[11], ARGV[12], ARGV[13]

if redis.call('EXISTS', KEYS[2]) == 0 then return {'unknown_executor'} end

local recorded
if parent then
  local row, failure = attempt('HMGET', KEYS[4], 'status', 'owner')
  if failure then return blame(parent, failure) end
  if row[1] ~= 'PENDING' or row[2] ~= parent_owner then return {'parent_not_owner'} end
  recorded, failure = attempt('HGET', KEYS[5], step)
  if failure then return blame(parent, failure) end
  if recorded then
    local _, child = open_checkpoint(recorded)
    if child ~= id then return {'step_taken', recorded} end
  end
end

local function record_in_parent()
  if parent and not recorded then return attempt('HSET', KEYS[5], step, checkpoint) end
end

if redis.call('EXISTS', KEYS[1]) == 1 then
  local row, failure = read_row(KEYS[1], PLAIN)
  if failure then return blame(id, failure) end
  local reason = 'its row cannot be read'
  if row then reason = damage(row, PLAIN) end
  if reason then return {'damaged', id, reason} end
  if row[APP] ~= app or row[NAME] ~= name or row[QUEUE] then return {'conflict', row} end
  local _, refusal = record_in_parent()
  if refusal then return refusal end
  if row[OWNER] == incarnation .. '/' .. execution then return {'inserted'} end
  return {'existing', row}
end

local _, refusal = record_in_parent()
if refusal then return refusal end
_, refusal = attempt('HSET', KEYS[1], unpack(ARGV, 14))
if refusal then return refusal end

local place = place_of(now, id)
redis.call('ZADD', KEYS[3], 0, place)
hold(incarnation, class_of(app, version, name), place)
redis.call('ZADD', owned_key(incarnation), 0, execution .. '/' .. place)
if parent then redis.call('ZADD', KEYS[6], 0, place) end
if ARGV[9] ~= '' then redis.call('ZADD', deadlines_key(app), 0, place_of(ARGV[9], id)) end
return {'inserted'}
