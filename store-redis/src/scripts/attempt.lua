-- Calls a command that may be refused: the first write of a script, or a read of a key that may have
-- been damaged. Answers the reply; or nil and the error, which begins with its code: Redis 6.2 puts
-- the place in the script before it.
local function attempt(...)
  local reply = redis.pcall(...)
  if type(reply) ~= 'table' or not reply.err then return reply end
  return nil, {err = string.gsub(reply.err, '^@user_script: ?%d+: %-?', '')}
end

-- The answer to an error about a workflow's key.
local function blame(which, failure)
  if string.sub(failure.err, 1, 9) == 'WRONGTYPE' then
    return {'damaged', which, 'its key holds another type'}
  end
  return failure
end
