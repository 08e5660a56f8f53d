-- Requests about many workflows: everything is read and judged before anything is written.

-- The rows that a request names from an argument on, and whose ids it names in vain; or an answer that refuses it, because one is
-- damaged. With `children`, their descendants follow; of these, damaged ones are left out and noted as faults.
local function read_named(first, children)
  local rows, ids, unknown, faults = {}, {}, {}, {}
  for at = first, #ARGV do
    local id = ARGV[at]
    local row, failure = read_row(base .. 'wf:' .. id, PLAIN)
    if failure then return nil, blame(id, failure) end
    if row then
      local reason = damage(row, PLAIN)
      if reason then return nil, {'damaged', id, reason} end
      ids[#ids + 1] = id
      rows[#rows + 1] = {id = id, row = row, is_named = true}
    else
      unknown[#unknown + 1] = id
    end
  end
  if children then
    for _, id in ipairs(descendants_of(ids)) do
      local row = read_row(base .. 'wf:' .. id, PLAIN)
      local reason = row and damage(row, PLAIN) or not row and 'its row cannot be read'
      if reason then
        faults[#faults + 1] = {id, reason}
      else
        rows[#rows + 1] = {id = id, row = row}
      end
    end
  end
  return {rows = rows, unknown = unknown, faults = faults}
end
