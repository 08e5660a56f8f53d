-- KEYS: executor
if redis.call('EXISTS', KEYS[1]) == 0 then return {'unknown'} end
local _, refusal = attempt('HINCRBY', KEYS[1], 'beat', 1)
if refusal then return refusal end
return {'alive'}
