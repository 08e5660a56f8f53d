-- The messages of a topic that wait, oldest first: what their members begin with. The length keeps topics apart.
local function topic_prefix(topic)
  return #topic .. ':' .. topic
end
