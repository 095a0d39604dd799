-- Keep the router's lease for ttl_ms more: 1, or 0 when it is lost.
local lease = KEYS[1]
local holder, ttl_ms = ARGV[1], ARGV[2]

if redis.call('GET', lease) ~= holder then return 0 end
return redis.call('PEXPIRE', lease, ttl_ms)
