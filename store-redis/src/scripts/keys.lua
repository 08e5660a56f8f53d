-- Keys and index members that depend on what is stored. Every key begins with the base, whose hash
-- tag puts it in the slot of the declared keys.
local base = ARGV[1]

-- Stands in an index where a holder stands, for workflows that were handed back.
local NOBODY = '-'

-- Workflows that the same executors can claim. Lengths keep different triples apart.
local function class_of(app, version, name)
  local middle = version and ('=' .. #version .. ':' .. version) or '-'
  return #app .. ':' .. app .. middle .. ':' .. name
end

-- A workflow's place in every order: the time of creation, written so that bytes compare as times
-- do, then the id. Nil when the time is damaged.
local function place_of(created, id)
  local sign, digits = string.match(created, '^(%-?)(%d+)$')
  if not digits or #digits > 19 then return nil end
  digits = string.rep('0', 19 - #digits) .. digits
  if sign == '-' then
    digits = '-' .. string.gsub(digits, '%d', function(digit) return 9 - digit end)
  end
  return digits .. ':' .. id
end

-- Lua's own order of strings is that of the server's locale.
local function is_before(one, other)
  for at = 1, math.min(#one, #other) do
    local a, b = string.byte(one, at), string.byte(other, at)
    if a ~= b then return a < b end
  end
  return #one < #other
end

local function id_of(place)
  return string.match(place, '^%-?%d+:(.*)$')
end

local function incarnation_of(owner)
  return string.match(owner, '^(.*)/%d+$')
end

local function execution_of(owner)
  return string.match(owner, '/(%d+)$')
end

-- The pending workflows of an executor, by execution.
local function owned_key(incarnation)
  return base .. 'owned:' .. incarnation
end

-- The pending workflows of a class that an executor, or nobody, holds; oldest first.
local function held_key(holder, class)
  return base .. 'held:' .. holder .. ':' .. class
end

-- Who holds anything of a class.
local function holders_key(class)
  return base .. 'holders:' .. class
end

-- The pending workflows of an application that have a deadline, by that.
local function deadlines_key(app)
  return base .. 'deadlines:' .. app
end

-- The workflows of an application that are over, by time of completion.
local function finished_key(app)
  return base .. 'finished:' .. app
end

local function hold(holder, class, place)
  redis.call('ZADD', held_key(holder, class), 0, place)
  redis.call('SADD', holders_key(class), holder)
end

local function let_go(holder, class, place)
  local key = held_key(holder, class)
  redis.call('ZREM', key, place)
  if redis.call('EXISTS', key) == 0 then
    redis.call('SREM', holders_key(class), holder)
  end
end

-- Takes a workflow out of the indexes of pending ones.
local function leave_pending(id, place, app, class, owner, deadline)
  let_go(owner and incarnation_of(owner) or NOBODY, class, place)
  if owner then
    redis.call('ZREM', owned_key(incarnation_of(owner)), execution_of(owner) .. '/' .. place)
  end
  if deadline then redis.call('ZREM', deadlines_key(app), place_of(deadline, id)) end
end
