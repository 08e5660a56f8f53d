-- The keys of what belongs to a workflow and goes with it. Its place among the children of another, or the
-- forks, goes too; those that it started, or that were made of it, stay.
local BELONGINGS = {
  'steps:', 'sent:', 'inbox:', 'messages:', 'events:', 'event_values:', 'event_steps:',
  'streams:', 'stream_values:', 'stream_writes:', 'stream_steps:',
}

-- Removes a workflow with all that belongs to it; the server frees the memory in the background. Answers an error.
local function delete(id, row)
  local keys = {base .. 'wf:' .. id}
  for _, name in ipairs(BELONGINGS) do keys[#keys + 1] = base .. name .. id end
  local _, refusal = attempt('UNLINK', unpack(keys))
  if refusal then return refusal end
  local place = place_of(row[CREATED], id)
  redis.call('ZREM', base .. 'workflows', place)
  if row[PARENT] then redis.call('ZREM', base .. 'children:' .. row[PARENT], place) end
  if row[FORKED] then redis.call('ZREM', base .. 'forks:' .. row[FORKED], place) end
  forget_pushes(id, row)
  if IS_FINAL[row[STATUS]] then
    if row[COMPLETED] then redis.call('ZREM', finished_key(row[APP]), place_of(row[COMPLETED], id)) end
  else
    depart(id, row)
  end
end
