-- KEYS: the application's versions
-- ARGV: base, version, now
local version, now = ARGV[2], ARGV[3]
local known = redis.call('HGETALL', KEYS[1])
local is_known, latest = false, nil
-- Only the others count, so that a repetition changes nothing.
for at = 1, #known, 2 do
  if known[at] == version then
    is_known = true
  elseif place_of(known[at + 1], '') and (not latest or is_before(place_of(latest, ''), place_of(known[at + 1], ''))) then
    latest = known[at + 1]
  end
end
if not is_known then return {'unknown_version'} end
local is_later = not latest or is_before(place_of(latest, ''), place_of(now, ''))
local _, refusal = attempt('HSET', KEYS[1], version, is_later and now or latest)
if refusal then return refusal end
-- The server adds exactly, which Lua does not; there is nothing after the last time.
if not is_later then attempt('HINCRBY', KEYS[1], version, 1) end
return {'set'}
