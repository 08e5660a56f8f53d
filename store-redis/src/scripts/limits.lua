-- The limits of a queue, and how much room they leave. Times are numbers here.
local LAST_TIME = 9223372036854775807

-- The starts that a rate counts: each once for the queue and once for its partition, whichever has a rate now.
local function starts_key(queue)
  return base .. 'starts:' .. queue
end

local function of_partition(partition)
  return 'p' .. framed(partition)
end
local OF_QUEUE = 'q'

-- A time, so that bytes compare as times do.
local function sortable(time)
  return string.sub(place_of(string.format('%.0f', math.max(-LAST_TIME, math.min(LAST_TIME, time))), ''), 1, -2)
end

local function time_of(sorted)
  local complement = string.match(sorted, '^%-(%d+)')
  if not complement then return tonumber(string.match(sorted, '^%d+')) end
  return -tonumber((string.gsub(complement, '%d', function(digit) return 9 - digit end)))
end

-- A number that may be absent; false when it is something else.
local function number_of(value)
  if value == nil or value == cjson.null then return nil end
  return type(value) == 'number' and value or false
end

-- Limits as they are stored; nil when they cannot be read.
local function open_limits(stored)
  if stored == nil or stored == cjson.null then return {} end
  if type(stored) ~= 'table' then return nil end
  local limits = {all = number_of(stored.concurrency), each = number_of(stored.executor_concurrency)}
  local rate = stored.rate
  if limits.all == false or limits.each == false then return nil end
  if rate ~= nil and rate ~= cjson.null then
    if type(rate) ~= 'table' then return nil end
    limits.starts, limits.period = number_of(rate.starts), number_of(rate.period_millis)
    if not limits.starts or not limits.period then return nil end
    -- In no time at all there is always room.
    if limits.period == 0 and limits.starts > 0 then limits.starts, limits.period = nil, nil end
  end
  return limits
end

-- A queue's configuration; nil when it cannot be read.
local function read_queue(app, name)
  local stored, failure = attempt('HGET', base .. 'queues:' .. app, name)
  if failure then return nil end
  if not stored then return {limits = {}, partition_limits = {}, weights = {}} end
  local is_json, record = pcall(cjson.decode, stored)
  if not is_json or type(record) ~= 'table' or record.app ~= app or record.name ~= name then return nil end
  local queue = {
    limits = open_limits(record.limits), partition_limits = open_limits(record.partition_limits),
    weights = record.weights == nil and {} or record.weights,
  }
  if not queue.limits or not queue.partition_limits or type(queue.weights) ~= 'table' then return nil end
  return queue
end

local function weight_of(queue, partition)
  local weight = string.sub(partition, 1, 1) == '=' and queue.weights[string.sub(partition, 2)]
  return type(weight) == 'number' and math.max(1, weight) or 1
end

-- The time at which a start counts: now, but never before a start that is recorded. So clocks that differ never exceed a
-- rate together.
local function time_of_start(queue, now)
  local latest = redis.call('ZRANGE', starts_key(queue), '(' .. OF_QUEUE .. ':', '[' .. OF_QUEUE, 'BYLEX', 'REV', 'LIMIT', 0, 1)[1]
  return latest and math.max(now, time_of(string.sub(latest, #OF_QUEUE + 1))) or now
end

-- A rate, and how many of the starts that `prefix` finds it counts at a time.
local function open_rate(limits, key, prefix, at)
  if not limits.starts then return nil end
  local rate = {limits = limits, key = key, high = '(' .. prefix .. ':', skip = #prefix + 1, at = at}
  rate.low = '[' .. prefix .. sortable(at - limits.period) .. ';'
  rate.count = redis.call('ZLEXCOUNT', key, rate.low, rate.high)
  return rate
end

-- Whether a queue of this configuration limits how many run at once.
local function limits_running(config)
  local limits, partition_limits = config.limits, config.partition_limits
  return (limits.all or limits.each or partition_limits.all or partition_limits.each) ~= nil
end

-- When a rate that leaves no room lets the next one start; nil for never.
local function next_start(rate, used)
  local starts = rate.limits.starts
  if starts == 0 then return nil end
  local which = rate.count + used - starts
  if which >= rate.count then return rate.at + rate.limits.period end
  local start = redis.call('ZRANGE', rate.key, rate.low, rate.high, 'BYLEX', 'LIMIT', string.format('%.0f', which), 1)[1]
  return time_of(string.sub(start, rate.skip)) + rate.limits.period
end

-- What limits leave, once `used` more are taken: how many, and, if a rate is in the way, when it will be no more.
local function room_of(room, used)
  local left = math.huge
  if room.limits.all then left = room.limits.all - room.running end
  if room.limits.each then left = math.min(left, room.limits.each - room.own) end
  left = left - used
  if left > 0 and room.rate then
    left = math.min(left, room.rate.limits.starts - room.rate.count - used)
    if left <= 0 then return 0, next_start(room.rate, used) end
  end
  return left
end

-- The room of a queue as a whole.
local function queue_room(queue, limits, incarnation, at)
  local key = running_key(queue)
  return {
    limits = limits,
    running = limits.all and redis.call('ZLEXCOUNT', key, '[p', '(q'),
    own = limits.each and redis.call('ZLEXCOUNT', key, '[e' .. incarnation .. '/', '(e' .. incarnation .. '0'),
    rate = open_rate(limits, starts_key(queue), OF_QUEUE, at),
  }
end

-- The room of one of its partitions.
local function partition_room(queue, partition, limits, incarnation, at)
  local key, prefix = running_key(queue), of_partition(partition)
  return {
    limits = limits,
    running = limits.all and redis.call('ZLEXCOUNT', key, '[' .. prefix, '(' .. prefix .. 'z'),
    own = limits.each
      and redis.call('ZLEXCOUNT', key, '[' .. prefix .. incarnation .. '/', '(' .. prefix .. incarnation .. '0'),
    rate = open_rate(limits, starts_key(queue), prefix, at),
  }
end

-- How many starts one script forgets.
local FORGOTTEN_AT_ONCE = 1000

-- Forgets the starts that no rate counts any more, as seen from `at`.
local function forget_starts(queue, period, at)
  local key = starts_key(queue)
  local old = redis.call('ZRANGE', key, '[' .. OF_QUEUE, '[' .. OF_QUEUE .. sortable(at - period) .. ';', 'BYLEX',
    'LIMIT', 0, FORGOTTEN_AT_ONCE)
  for _, member in ipairs(old) do redis.call('ZREM', key, member, (string.match(member, '^q%-?%d+:(.*)$'))) end
end

-- Notes a start: for the queue, and for the partition, whose rate may be set later.
local function note_start(queue, partition, token, at)
  local key = starts_key(queue)
  local member = of_partition(partition) .. sortable(at) .. ':' .. token
  redis.call('ZADD', key, 0, OF_QUEUE .. sortable(at) .. ':' .. member, 0, member)
end
