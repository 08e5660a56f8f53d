-- The messages of a topic that wait, oldest first: what their members begin with. The length keeps topics apart.
local function topic_prefix(topic)
  return #topic .. ':' .. topic
end

-- The field that holds the id of a message, beside the one that holds its payload.
local function id_field(member)
  return '#' .. member
end
