-- Hints to whoever waits. They leave the server when the script has ended, so never before the change is
-- visible. That one cannot be sent (credentials may forbid it) fails nothing.
local function tell(message)
  redis.pcall('PUBLISH', base .. 'wakeups', message)
end

-- How many workflows one message names at most.
local NAMED_AT_ONCE = 500

-- These workflows changed.
local function tell_changed(ids)
  for first = 1, #ids, NAMED_AT_ONCE do
    local parts = {'w'}
    for at = first, math.min(first + NAMED_AT_ONCE - 1, #ids) do
      parts[#parts + 1] = #ids[at] .. ':' .. ids[at]
    end
    tell(table.concat(parts))
  end
end

-- There may be workflows to claim.
local function tell_claimable()
  tell('c')
end

-- There may be workflows to take from a queue, or another is the next to be due.
local function tell_enqueued()
  tell('e')
end
