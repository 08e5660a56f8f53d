-- Ends a dequeue that finds nothing before anything else is made ready, since it is asked for often.
--
-- KEYS: executor, the application's queues in which something waits, what the executor owns
if redis.call('EXISTS', KEYS[1]) == 0 or (redis.call('EXISTS', KEYS[2]) == 0
  and #redis.call('ZRANGE', KEYS[3], '[' .. ARGV[3] .. '/', '(' .. ARGV[3] .. '0', 'BYLEX', 'LIMIT', 0, 1) == 0) then
  return {'0', {}, 0, {}, '0', false}
end
