-- Write one batch of the router's decisions, or nothing. Returns "" when written, else what had moved: "the lease" or a record's id.
-- KEYS[9..]: the order streams. `batch` is one text for all of it, in MessagePack, since each argument costs whoever sends it more than its
-- bytes. Six lists: id, expected revision, new value ("" = gone) of each contact; of each agent; of each caller; the text of each event; name
-- and amount of each total that grows; number of stream (9..) and text of each order.
local fence, contacts, agents, events = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local inbox, position, callers, totals = KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local token, reached, order_limit, order_life_ms, batch = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]

if redis.call('GET', fence) ~= token then return 'the lease' end
local changed_contacts, changed_agents, changed_callers, told, grown, ordered = unpack(cmsgpack.unpack(batch))
local changed = {{contacts, changed_contacts}, {agents, changed_agents}, {callers, changed_callers}}

for _, kind in ipairs(changed) do
  local hash, records = kind[1], kind[2]
  for at = 1, #records, 3 do
    local held = redis.call('HGET', hash, records[at])
    local revision = held and string.match(held, '^%d+') or '0'
    if revision ~= records[at + 1] then return records[at] end
  end
end
for _, kind in ipairs(changed) do
  local hash, records = kind[1], kind[2]
  for at = 1, #records, 3 do
    if records[at + 2] == '' then redis.call('HDEL', hash, records[at])
    else redis.call('HSET', hash, records[at], records[at + 2]) end
  end
end
for at = 1, #told do redis.call('XADD', events, '*', 'json', told[at]) end
for at = 1, #grown, 2 do redis.call('HINCRBY', totals, grown[at], grown[at + 1]) end
for at = 1, #ordered, 2 do
  redis.call('XADD', KEYS[ordered[at]], 'MAXLEN', '~', order_limit, '*', 'json', ordered[at + 1])
end
for at = 9, #KEYS do redis.call('PEXPIRE', KEYS[at], order_life_ms) end
redis.call('SET', position, reached)
redis.call('XTRIM', inbox, 'MINID', '~', reached)
return ''
