-- Give the router's lease up, if the server still has it.
local lease = KEYS[1]
local holder = ARGV[1]

if redis.call('GET', lease) == holder then redis.call('DEL', lease) end
