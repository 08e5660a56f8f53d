-- KEYS: executor
if redis.call('EXISTS', KEYS[1]) == 0 then return {'unknown'} end
local moved = redis.pcall('HINCRBY', KEYS[1], 'beat', 1)
if type(moved) == 'table' then return moved end
return {'alive'}
