-- How many values a stream has, and whether it is closed; nil when that is damaged. What is not there is empty.
local function open_stream(stored)
  if not stored then return 0, false end
  local count, mark = string.match(stored, '^(%d+)(!?)$')
  if not count then return nil end
  return tonumber(count), mark == '!'
end

local function number_text(number)
  return string.format('%.0f', number)
end
