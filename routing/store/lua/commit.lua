-- Write one batch of the router's decisions, or nothing. Returns "" when written, and the position of each order; else what had moved: "the
-- lease", "the batch" or a record's id. A number that is not 0 names a batch of messages that this commit does: once, like those in post.lua.
-- KEYS[10..]: the order streams. `batch` is one text for all of it, in MessagePack, since each argument costs whoever sends it more than its
-- bytes. Six lists: id, expected revision, new value ("" = gone) of each contact; of each agent; of each caller; the text of each event; name
-- and amount of each total that grows; number of stream (10..) and text of each order.
local fence, contacts, agents, events = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local inbox, position, callers, totals, sent = KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local token, reached, order_limit, order_life_ms, batch = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local number, sent_life_ms = ARGV[6], ARGV[7]

if redis.call('GET', fence) ~= token then return {'the lease'} end
if number ~= '0' and tonumber(redis.call('GET', sent) or 0) >= tonumber(number) then return {'the batch'} end
local changed_contacts, changed_agents, changed_callers, told, grown, ordered = unpack(cmsgpack.unpack(batch))
local changed = {{contacts, changed_contacts}, {agents, changed_agents}, {callers, changed_callers}}

for _, kind in ipairs(changed) do
  local hash, records = kind[1], kind[2]
  for at = 1, #records, 3 do
    local held = redis.call('HGET', hash, records[at])
    local revision = held and string.match(held, '^%d+') or '0'
    if revision ~= records[at + 1] then return {records[at]} end
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
local written = {''}
for at = 1, #ordered, 2 do
  written[#written + 1] = redis.call('XADD', KEYS[ordered[at]], 'MAXLEN', '~', order_limit, '*', 'json', ordered[at + 1])
end
for at = 10, #KEYS do redis.call('PEXPIRE', KEYS[at], order_life_ms) end
redis.call('SET', position, reached)
if number ~= '0' then redis.call('SET', sent, number, 'PX', sent_life_ms) end
redis.call('XTRIM', inbox, 'MINID', '~', reached)
return written
