-- Versions follow the server's clock in microseconds and never repeat in a partition, so that they
-- grow over a delete, and over a clock that is set back.
local function tick(version_key)
  local time = redis.call('TIME')
  local now = time[1] * 1000000 + time[2]
  local last = tonumber(redis.call('GET', version_key) or '0')
  local version = now
  if last >= now then version = last + 1 end
  redis.call('SET', version_key, string.format('%.0f', version))
  return now, version
end

-- Calls a command that takes any number of arguments, a thousand at a time: Lua's stack is short.
local function call_all(command, key, arguments)
  for first = 1, #arguments, 1000 do
    local last = math.min(first + 999, #arguments)
    redis.call(command, key, unpack(arguments, first, last))
  end
end

-- Answers that a row was not written by us: the call has to end before it changes anything.
local function foreign(key)
  return redis.error_reply('FOREIGN ' .. string.gsub(key, '%c', '?') .. ' was not written by polystore')
end
