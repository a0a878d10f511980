-- Takes keys whose entries have expired out of the lists. The entries themselves are gone by then, and
-- one that was put again meanwhile has another time in the list, or none.
local function sweep(ids_key, expiry_key, now, most)
  local before = '(' .. string.format('%.0f', math.floor(now / 1000))
  local gone = redis.call('ZRANGEBYSCORE', expiry_key, '-inf', before, 'LIMIT', 0, most)
  if #gone == 0 then return end
  call_all('ZREM', expiry_key, gone)
  call_all('ZREM', ids_key, gone)
end
