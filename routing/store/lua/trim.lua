-- Drop the oldest of the event log beyond about `keep`: what every durable reader has confirmed or, when that is nothing and the log takes
-- more than `most_bytes`, whatever is oldest. Returns reader, from and to of each that lost something by it; `gap_event` is appended for each.
local events, readers, dropped = KEYS[1], KEYS[2], KEYS[3]
local keep, most_bytes, gap_event = ARGV[1], ARGV[2], ARGV[3]
local AT_ONCE, SAMPLES, ALL = 10000, 20, '18446744073709551615-18446744073709551615'

local function key(position)
  local ms, number = string.match(position, '(%d+)-?(%d*)')
  return string.format('%020.0f%020.0f', ms, tonumber(number) or 0)
end
local function first_from(position) return (redis.call('XRANGE', events, position, '+', 'COUNT', 1)[1] or {})[1] end

local spare = math.min(redis.call('XLEN', events) - keep, AT_ONCE)
if spare <= 0 then return {} end
local known, first, slowest, wanted, lost = redis.call('HGETALL', readers), first_from('-'), ALL, {}, {}
for at = 1, #known, 2 do
  if key(known[at + 1]) < key(slowest) then slowest = known[at + 1] end
end
if redis.call('XTRIM', events, 'MINID', '~', slowest, 'LIMIT', spare) == 0
  and redis.call('MEMORY', 'USAGE', events, 'SAMPLES', SAMPLES) > tonumber(most_bytes) then
  for at = 1, #known, 2 do wanted[known[at]] = first_from('(' .. known[at + 1]) end
  redis.call('XTRIM', events, 'MAXLEN', '~', redis.call('XLEN', events) - spare, 'LIMIT', 0)
end
local now_first, gone = first_from('-'), redis.call('GET', dropped) or '0-0'
if now_first == first then return {} end
local ms, number = string.match(now_first, '(%d+)-(%d+)')
local to = number ~= '0' and ms .. '-' .. (number - 1) or string.format('%.0f', ms - 1) .. '-18446744073709551615'
redis.call('SET', dropped, to)
local event, time = cjson.decode(gap_event), redis.call('TIME')
local id, at_ms = event.id, time[1] * 1000 + math.floor(time[2] / 1000)
for at = 1, #known, 2 do
  local name, from = known[at], key(known[at + 1]) < key(gone) and gone or known[at + 1]
  if wanted[name] and key(wanted[name]) < key(now_first) then
    event.id, event.at_ms, event.data = id .. name .. '-' .. to, at_ms, {reader = name, server = '', from = from, to = to}
    redis.call('XADD', events, '*', 'json', cjson.encode(event))
    for _, part in ipairs({name, from, to}) do table.insert(lost, part) end
  end
end
return lost
