-- Schedules: rows of their own, whose names each application knows.

-- What a schedule says, apart from what has come to pass. The order in which a script is told it, too.
local DEFINITION = {'workflow', 'cron', 'timezone', 'input_encoding', 'input', 'queue', 'backfill'}
-- Where the definition of a schedule that begins at an argument (its name) is followed by whether it rests, and its last tick.
local PAUSED_AT, TICK_AT = #DEFINITION + 1, #DEFINITION + 2
local WIDTH = #DEFINITION + 3

local function schedules_key(app)
  return base .. 'schedules:' .. app
end

local function schedule_key(app, name)
  return base .. 'schedule:' .. #app .. ':' .. app .. name
end

-- No two changes of any schedules give the same revision, also when one is deleted and made anew.
local function next_revision()
  return attempt('INCR', base .. 'schedule_revision')
end

local function is_before_tick(one, other)
  return is_before(place_of(one, ''), place_of(other, ''))
end

-- What is stored of a schedule; nothing, when there is none; or an error.
local function read_schedule(key)
  local row, failure = attempt('HMGET', key, 'paused', 'last_tick', 'revision', unpack(DEFINITION))
  if failure then return nil, failure end
  if not row[3] then return nil end
  if not row[1] or not row[2] or not place_of(row[2], '') then return nil, {err = 'DAMAGED'} end
  return row
end

-- Whether a stored schedule says what the arguments from `at` on say.
local function says_the_same(row, at)
  for which = 1, #DEFINITION do
    if row[3 + which] ~= ARGV[at + which] then return false end
  end
  return true
end

-- Writes a schedule as the arguments from `at` on say. Answers an error.
local function write_schedule(app, at, paused, last_tick)
  local revision, refusal = next_revision()
  if refusal then return refusal end
  local fields = {'revision', string.format('%.0f', revision), 'paused', paused, 'last_tick', last_tick}
  for which, field in ipairs(DEFINITION) do
    fields[#fields + 1] = field
    fields[#fields + 1] = ARGV[at + which]
  end
  redis.call('HSET', schedule_key(app, ARGV[at]), unpack(fields))
  redis.call('SADD', schedules_key(app), ARGV[at])
end
