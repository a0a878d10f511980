-- KEYS: ids, then a row's key for each document. ARGV: beginning of the indexes' keys, then the ids.
-- Returns how many were there.
local prefix = ARGV[1]
local removed, remove = collector()
local deleted = 0
-- Every key is read before the first is written: one of another type fails the whole call.
redis.call('ZCARD', KEYS[1])
for row = 2, #KEYS do
  local header, members = stored_of(KEYS[row])
  if not members then return foreign(KEYS[row]) end
  if header ~= '' then
    for name, member in pairs(members) do remove(prefix .. name, member .. ARGV[row]) end
    remove(KEYS[1], ARGV[row])
    deleted = deleted + 1
  end
end
for key in pairs(removed) do redis.call('ZCARD', key) end
for first = 2, #KEYS, 1000 do
  redis.call('DEL', unpack(KEYS, first, math.min(first + 999, #KEYS)))
end
for key, members in pairs(removed) do call_all('ZREM', key, members) end
return deleted
