-- Rows of workflows: the fields, in the order that the program expects, and whether they can be read.
local FIELDS = {
  'app', 'name', 'status', 'version', 'executor', 'owner', 'attempts', 'parent', 'parent_step',
  'created', 'updated', 'started', 'completed', 'deadline', 'forked', 'user', 'role', 'roles',
  'attributes', 'trace', 'timeout', 'queue', 'priority', 'deduplication', 'partition', 'delayed', 'debounce',
  'debounce_until', 'schedule', 'accepted', 'outcome_encoding', 'outcome', 'input_encoding', 'input',
}
local APP, NAME, STATUS, VERSION, EXECUTOR, OWNER, ATTEMPTS, PARENT, PARENT_STEP = 1, 2, 3, 4, 5, 6, 7, 8, 9
local CREATED, UPDATED, STARTED, COMPLETED = 10, 11, 12, 13
local DEADLINE, FORKED, USER, ROLE, ROLES, ATTRIBUTES, TRACE = 14, 15, 16, 17, 18, 19, 20
local TIMEOUT, QUEUE, PRIORITY, DEDUPLICATION, PARTITION, DELAYED = 21, 22, 23, 24, 25, 26
local DEBOUNCE, DEBOUNCE_UNTIL, SCHEDULE, ACCEPTED = 27, 28, 29, 30
local OUTCOME_ENCODING, OUTCOME, INPUT_ENCODING, INPUT = 31, 32, 33, 34

-- How many of the fields are no payloads.
local PLAIN = 30

local REQUIRED = {APP, NAME, STATUS, ATTEMPTS, CREATED, UPDATED}
local TEXTS = {
  APP, NAME, VERSION, EXECUTOR, PARENT, FORKED, USER, ROLE, ROLES, ATTRIBUTES, TRACE, QUEUE, DEDUPLICATION, PARTITION,
  DEBOUNCE, SCHEDULE,
}
local TIMES = {CREATED, UPDATED, STARTED, COMPLETED, DEADLINE, DELAYED, DEBOUNCE_UNTIL}

-- Where a UTF-8 sequence that begins with `a` may continue: the range of its second byte, and its length.
local function sequence(a)
  if a >= 0xC2 and a <= 0xDF then return 0x80, 0xBF, 2 end
  if a == 0xE0 then return 0xA0, 0xBF, 3 end
  if a == 0xED then return 0x80, 0x9F, 3 end
  if a >= 0xE1 and a <= 0xEF then return 0x80, 0xBF, 3 end
  if a == 0xF0 then return 0x90, 0xBF, 4 end
  if a >= 0xF1 and a <= 0xF3 then return 0x80, 0xBF, 4 end
  if a == 0xF4 then return 0x80, 0x8F, 4 end
end

local function is_utf8(text)
  if not string.find(text, '[\128-\255]') then return true end
  local at, last = 1, #text
  while at <= last do
    local first = string.byte(text, at)
    if first < 0x80 then
      at = at + 1
    else
      local low, high, length = sequence(first)
      if not low or at + length - 1 > last then return false end
      for offset = 1, length - 1 do
        local byte = string.byte(text, at + offset)
        if byte < low or byte > high then return false end
        low, high = 0x80, 0xBF
      end
      at = at + length
    end
  end
  return true
end

-- Whether digits, of which there are `length` at most in `largest`, stand for that number or less.
local function is_up_to(digits, largest)
  if #digits ~= #largest then return #digits < #largest end
  for at = 1, #digits do
    local one, other = string.byte(digits, at), string.byte(largest, at)
    if one ~= other then return one < other end
  end
  return true
end

local function is_time(text)
  local sign, digits = string.match(text, '^(%-?)(%d+)$')
  if not digits then return false end
  return is_up_to(digits, sign == '-' and '9223372036854775808' or '9223372036854775807')
end

local function is_u32(text)
  return string.find(text, '^%d+$') ~= nil and is_up_to(text, '4294967295')
end

local function is_i32(text)
  local sign, digits = string.match(text, '^(%-?)(%d+)$')
  return digits ~= nil and is_up_to(digits, sign == '-' and '2147483648' or '2147483647')
end

local function is_owner(text)
  local uuid, execution = string.match(text, '^([%x-]+)/(%d+)$')
  return uuid ~= nil and #uuid == 36
    and string.find(uuid, '^%x+%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x+$') == 1
    and string.find(uuid, '-', 1, true) == 9
    and is_up_to(execution, '9223372036854775807')
end

local function is_object(text)
  return string.sub(text, 1, 1) == '{' and (pcall(cjson.decode, text))
end

local function is_list_of_texts(text)
  if string.sub(text, 1, 1) ~= '[' then return false end
  local is_json, list = pcall(cjson.decode, text)
  if not is_json then return false end
  for _, one in ipairs(list) do
    if type(one) ~= 'string' then return false end
  end
  return true
end

-- What is wrong with a row, whose first `count` fields were read; nil when it can be read.
local function damage(row, count)
  for _, field in ipairs(REQUIRED) do
    if not row[field] then return 'its field `' .. FIELDS[field] .. '` is missing' end
  end
  for _, field in ipairs(TEXTS) do
    if row[field] and not is_utf8(row[field]) then return 'its field `' .. FIELDS[field] .. '` is not UTF-8' end
  end
  for _, field in ipairs(TIMES) do
    if row[field] and not is_time(row[field]) then return 'its field `' .. FIELDS[field] .. '` is no time' end
  end
  if IS_FINAL[row[STATUS]] == nil then return 'its status is unknown' end
  if not is_u32(row[ATTEMPTS]) then return 'its field `attempts` is no number' end
  if row[OWNER] and not is_owner(row[OWNER]) then return 'its owner is none' end
  if (not row[PARENT]) ~= (not row[PARENT_STEP]) then return 'its parent is incomplete' end
  if row[PARENT_STEP] and not is_u32(row[PARENT_STEP]) then return 'its field `parent_step` is no number' end
  if row[ROLES] and not is_list_of_texts(row[ROLES]) then return 'its field `roles` is no list' end
  if row[ATTRIBUTES] and not is_object(row[ATTRIBUTES]) then return 'its field `attributes` is no object' end
  if row[TIMEOUT] and not (is_time(row[TIMEOUT]) and tonumber(row[TIMEOUT]) >= 0) then
    return 'its field `timeout` is no duration'
  end
  if row[PRIORITY] and not is_i32(row[PRIORITY]) then return 'its field `priority` is no number' end
  if row[ACCEPTED] and not string.find(row[ACCEPTED], '^%d+$') then return 'its field `accepted` is no number' end
  if (not row[DEBOUNCE]) ~= (not row[DEBOUNCE_UNTIL]) then return 'its debounce is incomplete' end
  if row[STATUS] == 'ENQUEUED' or row[STATUS] == 'DELAYED' then
    if not row[QUEUE] then return 'its field `queue` is missing' end
    if row[STATUS] == 'DELAYED' and not row[DELAYED] then return 'its field `delayed` is missing' end
  end
  if count > PLAIN then
    if not row[INPUT] or not row[INPUT_ENCODING] then return 'its input is missing' end
    if not is_utf8(row[INPUT_ENCODING]) then return 'its field `input_encoding` is not UTF-8' end
  end
end

-- The first `count` fields of a row. False when there is no row, nil and an error reply when the
-- key holds something else.
local function read_row(key, count)
  local row, failure = attempt('HMGET', key, unpack(FIELDS, 1, count))
  if failure then return nil, failure end
  for field = 1, count do
    if row[field] then return row end
  end
  return false
end
