-- KEYS: version, ids, expiry, then a row's key for each entry, at most a thousand.
-- ARGV: version that the only entry must have, 0 for none, '' for any;
--       how many bytes of a row's key stand before the entry's key;
--       microseconds to live for each entry ('' for ever), separated by commas, or '' for none at all;
--       then for each entry: flag and value.
-- Returns the version, or false if the entry has another one.
local rows, ids = {}, {}
for row = 1, #KEYS - 3 do
  rows[row] = KEYS[3 + row]
  ids[row] = string.sub(rows[row], ARGV[2] + 1)
end
local count = #rows

-- Every key is read before the first is written: one of another type fails the whole call.
redis.call('ZCARD', KEYS[2])
local headers, unknown = headers_of(rows)
if unknown then return foreign(unknown) end

if ARGV[1] ~= '' then
  local found = 0
  if headers[1] ~= '' then found = struct.unpack('>i8', headers[1]) end
  if found ~= tonumber(ARGV[1]) then return false end
end

local now, version = tick(KEYS[1])
sweep(KEYS[2], KEYS[3], now, 2 * count + 20)
local beginning = struct.pack('>i8', version)
local updated = struct.pack('>i8', now)
local never = struct.pack('>i8', 0)
local fresh = beginning .. updated .. updated

local ttls = {}
if ARGV[3] ~= '' then
  for ttl in string.gmatch(ARGV[3] .. ',', '([^,]*),') do ttls[#ttls + 1] = ttl end
end
-- The list of what expires may still have a key, as it was before it expired.
local some_expire = redis.call('EXISTS', KEYS[3]) == 1
local added, expiring, lasting, writes = {}, {}, {}, {}
for row = 1, count do
  local ttl, old, header = ttls[row] or '', headers[row], fresh
  if old ~= '' then header = beginning .. string.sub(old, 9, 16) .. updated end
  -- One that expires in this very millisecond may have been swept out of the list just now.
  if old == '' or string.sub(old, 25, 32) ~= never then
    added[#added + 1] = 0
    added[#added + 1] = ids[row]
  end
  if ttl == '' then
    writes[#writes + 1] = rows[row]
    writes[#writes + 1] = header .. never .. ARGV[3 + row]
    if some_expire then lasting[#lasting + 1] = ids[row] end
  else
    local expires = now + tonumber(ttl)
    local milliseconds = string.format('%.0f', math.floor(expires / 1000))
    redis.call('SET', rows[row], header .. struct.pack('>i8', expires) .. ARGV[3 + row],
      'PXAT', milliseconds)
    expiring[#expiring + 1] = milliseconds
    expiring[#expiring + 1] = ids[row]
  end
end
if #writes > 0 then redis.call('MSET', unpack(writes)) end
call_all('ZADD', KEYS[2], added)
call_all('ZADD', KEYS[3], expiring)
call_all('ZREM', KEYS[3], lasting)
return string.format('%.0f', version)
