-- Let a durable reader begin behind a position, "0" (the oldest event that is there) or "$" (the newest); one that is known stays where it
-- is. Returns its position. `gap_event`: an event that is appended, with reader, from and to filled in, when some behind it were dropped before.
local events, readers, dropped = KEYS[1], KEYS[2], KEYS[3]
local reader, after, gap_event = ARGV[1], ARGV[2], ARGV[3]

local function key(position)
  local ms, number = string.match(position, '(%d+)-?(%d*)')
  return string.format('%020.0f%020.0f', ms, tonumber(number) or 0)
end
local known = redis.call('HGET', readers, reader)
if known then return known end
local gone = redis.call('GET', dropped) or '0-0'
if after == '0' then after = gone end
if after == '$' then
  local newest = redis.call('XREVRANGE', events, '+', '-', 'COUNT', 1)[1]
  after = newest and newest[1] or gone
end
redis.call('HSET', readers, reader, after)
if key(after) < key(gone) then
  local event, time = cjson.decode(gap_event), redis.call('TIME')
  event.id, event.at_ms = event.id .. reader .. '-' .. gone, time[1] * 1000 + math.floor(time[2] / 1000)
  event.data = {reader = reader, server = '', from = after, to = gone}
  redis.call('XADD', events, '*', 'json', cjson.encode(event))
end
return after
