-- Add a server's own events to the event log. A call that arrived is open until it ended; the end of a call is written once, by
-- whoever reports it first: a second one is left out. A batch with a number is written once, however often and late it is sent.
-- ARGV[3..]: in threes, what it is ("arrived", "passed", "moved", "ended" or ""; see port.py), "call at_ms", the text.
local events, calls, ended, places, sent = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local number, sent_life_ms = ARGV[1], ARGV[2]
local REMEMBERED_MS = 3600000

if number ~= '0' and tonumber(redis.call('GET', sent) or 0) >= tonumber(number) then return end
for at = 3, #ARGV, 3 do
  local what, text = ARGV[at], ARGV[at + 2]
  local call, at_ms = string.match(ARGV[at + 1], '^(.*) (%d+)$')
  local is_first = true
  if (what == 'arrived' or what == 'passed') and not redis.call('ZSCORE', ended, call) then redis.call('HSET', calls, call, text) end
  if what == 'moved' and redis.call('HEXISTS', calls, call) == 1 then redis.call('HSET', places, call, text) end
  if what == 'passed' or what == 'ended' then redis.call('HDEL', places, call) end
  if what == 'ended' then
    is_first = redis.call('ZADD', ended, 'NX', at_ms, call) == 1
    redis.call('HDEL', calls, call)
    redis.call('ZREMRANGEBYSCORE', ended, '-inf', at_ms - REMEMBERED_MS)
  end
  if is_first then redis.call('XADD', events, '*', 'json', text) end
end
if number ~= '0' then redis.call('SET', sent, number, 'PX', sent_life_ms) end
