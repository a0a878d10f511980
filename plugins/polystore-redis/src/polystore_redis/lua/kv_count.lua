-- KEYS: ids, expiry. Returns how many entries there are; one that has expired is not counted, whether
-- or not its key is still in the list.
local time = redis.call('TIME')
local before = '(' .. string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
return redis.call('ZCARD', KEYS[1]) - redis.call('ZCOUNT', KEYS[2], '-inf', before)
