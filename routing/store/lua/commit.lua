-- Write one batch of the router's decisions, or nothing. Returns "" when written, else what had moved: "the lease" or a record's id.
-- KEYS[9..]: the order streams. ARGV[10..]: id, expected revision, new value ("" = gone) of each contact, then of each agent, then of
-- each caller; the text of each event; name and amount of each total that grows; then number of stream (9..) and text of each order.
local fence, contacts, agents, events = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local inbox, position, callers, totals = KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local token, reached, contact_count, agent_count, event_count = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local order_limit, order_life_ms, caller_count, total_count = ARGV[6], ARGV[7], ARGV[8], ARGV[9]

if redis.call('GET', fence) ~= token then return 'the lease' end
local first_agent = 10 + 3 * contact_count
local first_caller = first_agent + 3 * agent_count
local first_event = first_caller + 3 * caller_count
local first_total = first_event + event_count
local first_order = first_total + 2 * total_count
local function hash_of(at) return at < first_agent and contacts or at < first_caller and agents or callers end

for at = 10, first_event - 1, 3 do
  local held = redis.call('HGET', hash_of(at), ARGV[at])
  local revision = held and string.match(held, '^%d+') or '0'
  if revision ~= ARGV[at + 1] then return ARGV[at] end
end
for at = 10, first_event - 1, 3 do
  if ARGV[at + 2] == '' then redis.call('HDEL', hash_of(at), ARGV[at])
  else redis.call('HSET', hash_of(at), ARGV[at], ARGV[at + 2]) end
end
for at = first_event, first_total - 1 do redis.call('XADD', events, '*', 'json', ARGV[at]) end
for at = first_total, first_order - 1, 2 do redis.call('HINCRBY', totals, ARGV[at], ARGV[at + 1]) end
for at = first_order, #ARGV, 2 do
  redis.call('XADD', KEYS[tonumber(ARGV[at])], 'MAXLEN', '~', order_limit, '*', 'json', ARGV[at + 1])
end
for at = 9, #KEYS do redis.call('PEXPIRE', KEYS[at], order_life_ms) end
redis.call('SET', position, reached)
redis.call('XTRIM', inbox, 'MINID', '~', reached)
return ''
