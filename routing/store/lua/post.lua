-- Put messages into the inbox, in order and together; the oldest go beyond about `limit`. ARGV[4..]: the texts.
-- A batch with a number is written once, however often and late it is sent.
local inbox, sent = KEYS[1], KEYS[2]
local limit, number, sent_life_ms = ARGV[1], ARGV[2], ARGV[3]

if number ~= '0' and tonumber(redis.call('GET', sent) or 0) >= tonumber(number) then return end
for at = 4, #ARGV do redis.call('XADD', inbox, 'MAXLEN', '~', limit, '*', 'json', ARGV[at]) end
if number ~= '0' then redis.call('SET', sent, number, 'PX', sent_life_ms) end
