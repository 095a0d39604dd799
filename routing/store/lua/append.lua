-- Add what a server tells by itself to the event log. A call that arrived is open until it ended; the end of a call is told once, by
-- whoever tells it first: a second one is left out. ARGV[2..]: in threes, what it is ("arrived", "passed", "moved", "ended" or ""; see
-- store_port.py), "call at_ms", the text.
local events, calls, ended, places = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local limit = ARGV[1]
local REMEMBERED_MS = 3600000

for at = 2, #ARGV, 3 do
  local what, text = ARGV[at], ARGV[at + 2]
  local call, at_ms = string.match(ARGV[at + 1], '^(.*) (%d+)$')
  local told = true
  if (what == 'arrived' or what == 'passed') and not redis.call('ZSCORE', ended, call) then redis.call('HSET', calls, call, text) end
  if what == 'moved' and redis.call('HEXISTS', calls, call) == 1 then redis.call('HSET', places, call, text) end
  if what == 'passed' or what == 'ended' then redis.call('HDEL', places, call) end
  if what == 'ended' then
    told = redis.call('ZADD', ended, 'NX', at_ms, call) == 1
    redis.call('HDEL', calls, call)
    redis.call('ZREMRANGEBYSCORE', ended, '-inf', at_ms - REMEMBERED_MS)
  end
  if told then redis.call('XADD', events, 'MAXLEN', '~', limit, '*', 'json', text) end
end
