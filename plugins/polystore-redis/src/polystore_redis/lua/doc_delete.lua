-- KEYS: ids, then a row's key for each document. ARGV: beginning of the indexes' keys, then the ids.
-- Returns how many were there.
local prefix = ARGV[1]
local removed, remove = collector()
local deleted = 0
for row = 2, #KEYS do
  local id = ARGV[row]
  local header = redis.call('GETRANGE', KEYS[row], 0, HEADER - 1)
  if #header > 0 then
    local length = struct.unpack('>I4', header, 25)
    if length > 0 then
      local entries = redis.call('GETRANGE', KEYS[row], HEADER, HEADER + length - 1)
      each_entry(entries, function(name, member) remove(prefix .. name, member .. id) end)
    end
    remove(KEYS[1], id)
    deleted = deleted + 1
  end
end
for first = 2, #KEYS, 1000 do
  redis.call('DEL', unpack(KEYS, first, math.min(first + 999, #KEYS)))
end
for key, members in pairs(removed) do call_all('ZREM', key, members) end
return deleted
