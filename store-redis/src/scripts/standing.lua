-- Where a workflow stands that has not ended: in the indexes of its status.

local function line_of(id, row)
  return row[APP], row[QUEUE], class_of(row[APP], row[VERSION], row[NAME]), partition_of(row[PARTITION]),
    line_place(row[PRIORITY], row[ACCEPTED], id)
end

-- Takes a workflow that was enqueued, or that goes back, into its line.
local function stand_in_line(id, row)
  enter_line(line_of(id, row))
end

-- Takes a workflow, as its row says, out of the indexes of its status.
local function stand_down(id, row)
  if row[STATUS] == 'ENQUEUED' then
    leave_line(line_of(id, row))
  elseif row[STATUS] == 'DELAYED' then
    leave_delayed(id, row[APP], row[NAME], row[QUEUE], row[CREATED], row[DELAYED], row[DEBOUNCE])
  else
    leave_pending(id, place_of(row[CREATED], id), row[APP], class_of(row[APP], row[VERSION], row[NAME]),
      row[OWNER], row[DEADLINE])
    if row[QUEUE] and row[OWNER] then
      stop_running(queue_of(row[APP], row[QUEUE]), partition_of(row[PARTITION]), incarnation_of(row[OWNER]), id)
    end
  end
end

-- Takes a pending workflow back into its line: there first, so that its partition is not forgotten in between.
local function go_back_in_line(id, row)
  stand_in_line(id, row)
  stand_down(id, row)
end

-- Takes a workflow that ends, in whatever status, out of the indexes.
local function depart(id, row)
  stand_down(id, row)
  if row[QUEUE] and row[DEDUPLICATION] then
    release_deduplication(queue_of(row[APP], row[QUEUE]), row[DEDUPLICATION], id)
  end
end
