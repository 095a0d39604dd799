-- Put messages into the inbox, in order and together; the oldest go beyond about `limit`. ARGV[4..]: the texts.
-- A batch with a number is written once, however often and late it is sent. Returns the position of the newest message there, "0" without one.
local inbox, sent = KEYS[1], KEYS[2]
local limit, number, sent_life_ms = ARGV[1], ARGV[2], ARGV[3]

if number == '0' or tonumber(redis.call('GET', sent) or 0) < tonumber(number) then
  for at = 4, #ARGV do redis.call('XADD', inbox, 'MAXLEN', '~', limit, '*', 'json', ARGV[at]) end
  if number ~= '0' then redis.call('SET', sent, number, 'PX', sent_life_ms) end
end
local newest = redis.call('XREVRANGE', inbox, '+', '-', 'COUNT', 1)[1]
return newest and newest[1] or '0'
