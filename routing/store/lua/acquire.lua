-- Take the router's lease for a server: the new fencing token, or false while another server has it.
-- A token is never given twice, not even after Redis lost its data: it starts at Redis's own time.
local lease, fence = KEYS[1], KEYS[2]
local server, ttl_ms = ARGV[1], ARGV[2]

local owner = redis.call('GET', lease)
if owner and string.match(owner, '^%d+ (.*)$') ~= server then return false end
local time = redis.call('TIME')
local started = time[1] * 1000 + math.floor(time[2] / 1000)
local token = string.format('%.0f', math.max(started, (redis.call('GET', fence) or 0) + 1))
redis.call('SET', fence, token)
redis.call('SET', lease, token .. ' ' .. server, 'PX', ttl_ms)
return token
