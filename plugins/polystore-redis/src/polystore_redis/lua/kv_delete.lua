-- KEYS: ids, expiry, then a row's key for each entry. ARGV: the entries' keys.
-- Returns how many were there.
local rows = {}
for row = 3, #KEYS do rows[#rows + 1] = KEYS[row] end
local deleted = 0
for first = 1, #rows, 1000 do
  deleted = deleted + redis.call('DEL', unpack(rows, first, math.min(first + 999, #rows)))
end
call_all('ZREM', KEYS[1], ARGV)
call_all('ZREM', KEYS[2], ARGV)
return deleted
