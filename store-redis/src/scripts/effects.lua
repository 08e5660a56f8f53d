-- Effects that belong to a step of a workflow.

-- The answer that keeps an effect from being written; nil, if it may be.
local function refuse(id, workflow, steps, owner, step)
  local row, failure = attempt('HMGET', workflow, 'status', 'owner')
  if failure then return blame(id, failure) end
  if row[1] ~= 'PENDING' or row[2] ~= owner then return {'not_owner'} end
  local recorded
  recorded, failure = attempt('HGET', steps, step)
  if failure then return blame(id, failure) end
  if recorded then return {'taken', recorded} end
end

-- Writes the checkpoint of a step, if there is one to write (it is not empty). Answers an error.
local function record(steps, step, checkpoint)
  if checkpoint == '' then return nil end
  local _, refusal = attempt('HSET', steps, step, checkpoint)
  return refusal
end

-- The answer, if one of the keys (each followed by its type) holds another type: a script that fails
-- midway is not rolled back.
local function misfit(id, ...)
  local expected = {...}
  for at = 1, #expected, 2 do
    local found = redis.call('TYPE', expected[at]).ok
    if found ~= 'none' and found ~= expected[at + 1] then
      return {'damaged', id, 'a key of what belongs to it holds another type'}
    end
  end
end
