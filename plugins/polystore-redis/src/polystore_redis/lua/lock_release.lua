-- KEYS: the lock. ARGV: whose it should be. Returns whether it still was.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
