-- Accepts workflows that wait in a queue.

-- What a script was told of one, from an argument on:
--   id, app, name, version ('' or '=' and it), queue, priority, deduplication id ('' or '=' and it), partition (likewise),
--   until when it is delayed ('' or a time), debounce key ('' or '=' and it), until when it can be pushed back, now,
--   parent ('' or '=' and its id), parent's owner, step, checkpoint, owner, then the fields of the row and their values to the end
local ROW_OF_REQUEST = 17

local function optional(text)
  return text ~= '' and string.sub(text, 2) or nil
end

local function read_request(at)
  local request = {
    id = ARGV[at], app = ARGV[at + 1], name = ARGV[at + 2], version = optional(ARGV[at + 3]), queue = ARGV[at + 4],
    priority = ARGV[at + 5], deduplication = optional(ARGV[at + 6]), partition = optional(ARGV[at + 7]),
    delayed = ARGV[at + 8] ~= '' and ARGV[at + 8] or nil, debounce = optional(ARGV[at + 9]), debounce_until = ARGV[at + 10],
    now = ARGV[at + 11], parent = optional(ARGV[at + 12]), parent_owner = ARGV[at + 13], step = ARGV[at + 14],
    checkpoint = ARGV[at + 15], row = at + ROW_OF_REQUEST,
  }
  -- What the request and its repetitions have in common, and no other request has.
  request.token = ARGV[at + 16] .. '@' .. request.now .. '/' .. request.id
  request.key = base .. 'wf:' .. request.id
  if request.parent then request.steps = base .. 'steps:' .. request.parent end
  return request
end

-- The row of a workflow that an index names; nothing, when the index is wrong. Or the answer, when the row cannot be read.
local function read_holder(id)
  if not id then return nil end
  local row, failure = read_row(base .. 'wf:' .. id, PLAIN)
  if failure then return nil, blame(id, failure) end
  if not row then return nil end
  local reason = damage(row, PLAIN)
  if reason then return nil, {'damaged', id, reason} end
  return row
end

-- Whether a workflow is the one that a request would push back, or be kept out by.
local function is_debounced(row, request)
  return row[APP] == request.app and row[NAME] == request.name and row[DEBOUNCE] and row[DEBOUNCE] == request.debounce
end

local function is_deduplicated(row, request)
  return row[APP] == request.app and row[QUEUE] == request.queue
    and row[DEDUPLICATION] and row[DEDUPLICATION] == request.deduplication
end

-- The workflow that an earlier call of this very request pushed back.
local function pushed_before(request)
  return redis.call('HGET', pushed_key(request.app, request.name), push_of(request.debounce, request.token)) or nil
end

-- Judges the parent of a request. Answers a refusal, or the answer that an earlier call had.
local function judge_parent(request)
  local row, failure = attempt('HMGET', base .. 'wf:' .. request.parent, 'status', 'owner')
  if failure then return blame(request.parent, failure) end
  if row[1] ~= 'PENDING' or row[2] ~= request.parent_owner then return {'parent_not_owner'} end
  local recorded
  recorded, failure = attempt('HGET', request.steps, request.step)
  if failure then return blame(request.parent, failure) end
  if not recorded then return nil end
  request.is_recorded = true
  local _, child = open_checkpoint(recorded)
  if child == request.id then return nil end
  local holder = child and read_holder(child)
  if holder and request.debounce and pushed_before(request) == child then return {'debounced', child} end
  if holder and is_deduplicated(holder, request) then return {'deduplicated', child} end
  return {'step_taken', recorded}
end

-- Writes the parent's checkpoint, which names `child`, if there is one to write. Answers an error.
local function record_in_parent(request, child)
  if not request.parent or request.is_recorded then return nil end
  local checkpoint = request.checkpoint
  if child ~= request.id then checkpoint = with_child(checkpoint, child) end
  local _, refusal = attempt('HSET', request.steps, request.step, checkpoint)
  return refusal
end

-- What the row of a request gives a key of its payload.
local function field_of(request, name)
  for at = request.row, #ARGV, 2 do
    if ARGV[at] == name then return ARGV[at + 1] end
  end
end

-- Gives a delayed workflow the input and the delay of a request.
local function push_back(id, row, request)
  local delayed = request.delayed or request.now
  if is_before(place_of(row[DEBOUNCE_UNTIL], ''), place_of(delayed, '')) then delayed = row[DEBOUNCE_UNTIL] end
  local refusal = delay(id, row, delayed, request.now,
    'input_encoding', field_of(request, 'input_encoding'), 'input', field_of(request, 'input'))
  if refusal then return refusal end
  note_push(id, row, request.token)
end

-- Writes the row of a request, and puts it where it waits. Answers an error.
local function write_accepted(request)
  local accepted, refusal, _ = next_accepted()
  if refusal then return refusal end
  accepted = string.format('%.0f', accepted)
  _, refusal = attempt('HSET', request.key, 'accepted', accepted, unpack(ARGV, request.row))
  if refusal then return refusal end
  local id, app, queue = request.id, request.app, queue_of(request.app, request.queue)
  local place = place_of(request.now, id)
  redis.call('ZADD', base .. 'workflows', 0, place)
  if request.parent then redis.call('ZADD', base .. 'children:' .. request.parent, 0, place) end
  if request.deduplication then redis.call('HSET', deduplicated_key(queue), request.deduplication, id) end
  if request.delayed then
    enter_delayed(id, app, request.name, request.queue, request.now, request.delayed, request.debounce)
  else
    enter_line(app, request.queue, class_of(app, request.version, request.name), partition_of(request.partition),
      line_place(request.priority, accepted, id))
  end
end

-- Judges a request and does what it asks, unless there is a reason not to: the answer.
local function accept_request(request)
  local refusal = request.parent and judge_parent(request)
  if refusal then return refusal end

  local row, holder, holder_id
  if redis.call('EXISTS', request.key) == 1 then
    row, refusal = read_holder(request.id)
    if refusal then return refusal end
    if not row then return {'damaged', request.id, 'its row cannot be read'} end
    if not (row[APP] == request.app and row[NAME] == request.name and row[QUEUE] == request.queue) then
      return {'conflict', row}
    end
    return record_in_parent(request, request.id) or {'existing', row}
  end

  if request.debounce then
    local pushed, member = pushed_before(request), nil
    if pushed then return record_in_parent(request, pushed) or {'debounced', pushed} end
    holder_id, member = debounced_by(request.app, request.name, request.debounce)
    holder, refusal = read_holder(holder_id)
    if refusal then return refusal end
    if holder and holder[STATUS] == 'DELAYED' and is_debounced(holder, request) then
      refusal = record_in_parent(request, holder_id) or push_back(holder_id, holder, request)
      if refusal then return refusal end
      tell_enqueued()
      return {'debounced', holder_id}
    end
    -- The index is wrong.
    if holder_id then redis.call('ZREM', debounced_key(request.app, request.name), member) end
  end

  if request.deduplication then
    holder_id = redis.call('HGET', deduplicated_key(queue_of(request.app, request.queue)), request.deduplication)
    holder, refusal = read_holder(holder_id)
    if refusal then return refusal end
    if holder and not IS_FINAL[holder[STATUS]] and is_deduplicated(holder, request) then
      return record_in_parent(request, holder_id) or {'deduplicated', holder_id}
    end
  end

  refusal = record_in_parent(request, request.id) or write_accepted(request)
  if refusal then return refusal end
  tell_enqueued()
  return {'inserted'}
end
