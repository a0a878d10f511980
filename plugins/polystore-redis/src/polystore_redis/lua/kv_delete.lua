-- KEYS: ids, expiry, then a row's key for each entry, at most a thousand. ARGV: the entries' keys.
-- Returns how many were there.
local rows = {}
for row = 3, #KEYS do rows[#rows + 1] = KEYS[row] end
redis.call('ZCARD', KEYS[1])
redis.call('ZCARD', KEYS[2])
local _, unknown = headers_of(rows)
if unknown then return foreign(unknown) end
local deleted = redis.call('DEL', unpack(rows))
call_all('ZREM', KEYS[1], ARGV)
call_all('ZREM', KEYS[2], ARGV)
return deleted
