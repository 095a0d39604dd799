-- The event log's length and about its bytes; then name, position and first unconfirmed event ("" without one) of each durable reader.
local events, readers = KEYS[1], KEYS[2]
local SAMPLES = 20

local found = {redis.call('XLEN', events), redis.call('MEMORY', 'USAGE', events, 'SAMPLES', SAMPLES) or 0}
local known = redis.call('HGETALL', readers)
for at = 1, #known, 2 do
  local behind = redis.call('XRANGE', events, '(' .. known[at + 1], '+', 'COUNT', 1)[1]
  for _, part in ipairs({known[at], known[at + 1], behind and behind[1] or ''}) do table.insert(found, part) end
end
return found
