-- A durable reader needs nothing up to a position any more; an earlier position than it has changes nothing. 0 when it is not known.
local readers = KEYS[1]
local reader, position = ARGV[1], ARGV[2]

local function key(position)
  local ms, number = string.match(position, '(%d+)-?(%d*)')
  return string.format('%020.0f%020.0f', ms, tonumber(number) or 0)
end
local confirmed = redis.call('HGET', readers, reader)
if not confirmed then return 0 end
if key(confirmed) < key(position) then redis.call('HSET', readers, reader, position) end
return 1
