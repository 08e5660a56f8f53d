-- KEYS: workflow
-- ARGV: base, id, until when it is delayed, now
local id = ARGV[2]
local row, failure = read_row(KEYS[1], PLAIN)
if failure then return blame(id, failure) end
if not row then return {'unknown_workflow'} end
local reason = damage(row, PLAIN)
if reason then return {'damaged', id, reason} end
if row[STATUS] ~= 'DELAYED' then return {'not_delayed', row[STATUS]} end
local refusal = delay(id, row, ARGV[3], ARGV[4])
if refusal then return refusal end
tell_enqueued()
return {'set'}
