-- The workflows that these started, and those that they started, and so on; without these themselves.
local function descendants_of(ids)
  local seen, queue, found = {}, {}, {}
  for at, id in ipairs(ids) do
    seen[id] = true
    queue[at] = id
  end
  local PAGE, head = 1000, 1
  while queue[head] do
    local key, offset, places = base .. 'children:' .. queue[head], 0, nil
    repeat
      places = redis.call('ZRANGE', key, offset, offset + PAGE - 1)
      offset = offset + PAGE
      for _, place in ipairs(places) do
        local id = id_of(place)
        if id and not seen[id] then
          seen[id] = true
          queue[#queue + 1] = id
          found[#found + 1] = id
        end
      end
    until #places < PAGE
    head = head + 1
  end
  return found
end
