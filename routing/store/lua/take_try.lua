-- Count a try of a secret before it is compared: whether it may be, and for how many milliseconds none may be from now on.
-- Behind the named inputs stand the lengths of the locks, the first, the second ...; the last is taken again and again.
local tried = KEYS[1]
local now_ms, each, life_ms = ARGV[1], ARGV[2], ARGV[3]

local until_ms = tonumber(redis.call('HGET', tried, 'until_ms') or 0)
if tonumber(now_ms) < until_ms then return {0, until_ms - tonumber(now_ms)} end
local taken = redis.call('HINCRBY', tried, 'taken', 1)
redis.call('PEXPIRE', tried, life_ms)
if taken % tonumber(each) ~= 0 then return {1, 0} end
local locks = redis.call('HINCRBY', tried, 'locks', 1)
local locked_ms = tonumber(ARGV[3 + math.min(locks, #ARGV - 3)])
redis.call('HSET', tried, 'until_ms', string.format('%.0f', tonumber(now_ms) + locked_ms))
return {1, locked_ms}
