-- KEYS: the lock. ARGV: whose it should be, for how many milliseconds more. Returns whether it was.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
