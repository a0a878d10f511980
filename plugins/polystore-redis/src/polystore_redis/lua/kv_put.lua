-- KEYS: version, ids, expiry, then a row's key for each entry.
-- ARGV: version that the only entry must have, 0 for none, '' for any;
--       then for each entry: key, flag, microseconds to live ('' for ever), value.
-- Returns the version, or false if the entry has another one.
-- A row is version, created, updated, expires (0: never), each 8 bytes, a flag, then the value.
local HEADER = 33
local count = #KEYS - 3
local headers = {}
-- Every key is read before the first is written: one of another type fails the whole call.
redis.call('ZCARD', KEYS[2])
for row = 1, count do headers[row] = redis.call('GETRANGE', KEYS[3 + row], 0, HEADER - 1) end

if ARGV[1] ~= '' then
  local found = 0
  if #headers[1] > 0 then found = struct.unpack('>i8', headers[1]) end
  if found ~= tonumber(ARGV[1]) then return false end
end

local now, version = tick(KEYS[1])
sweep(KEYS[2], KEYS[3], now, 2 * count + 20)
local some_expire = redis.call('EXISTS', KEYS[3]) == 1
local added, expiring, lasting = {}, {}, {}
for row = 1, count do
  local at = 2 + 4 * (row - 1)
  local id, flag, ttl, value = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local header = headers[row]
  local created, expired_at = now, 0
  if #header > 0 then
    local _, old_created, _, old_expires = struct.unpack('>i8i8i8i8', header)
    created, expired_at = old_created, old_expires
  end
  -- One that expires in this very millisecond may have been swept out of the list just now.
  if #header == 0 or expired_at > 0 then
    added[#added + 1] = 0
    added[#added + 1] = id
  end
  if ttl == '' then
    redis.call('SET', KEYS[3 + row], struct.pack('>i8i8i8i8', version, created, now, 0) .. flag .. value)
    -- The list may still have it, as it was before it expired.
    if some_expire then lasting[#lasting + 1] = id end
  else
    local expires = now + tonumber(ttl)
    local milliseconds = string.format('%.0f', math.max(1, math.floor(expires / 1000)))
    redis.call('SET', KEYS[3 + row],
      struct.pack('>i8i8i8i8', version, created, now, expires) .. flag .. value,
      'PXAT', milliseconds)
    expiring[#expiring + 1] = milliseconds
    expiring[#expiring + 1] = id
  end
end
call_all('ZADD', KEYS[2], added)
call_all('ZADD', KEYS[3], expiring)
call_all('ZREM', KEYS[3], lasting)
return string.format('%.0f', version)
