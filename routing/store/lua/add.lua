-- Put entries on a stream, in order and together; the oldest go beyond about `limit`. ARGV[2..]: the texts.
local stream = KEYS[1]
local limit = ARGV[1]

for at = 2, #ARGV do redis.call('XADD', stream, 'MAXLEN', '~', limit, '*', 'json', ARGV[at]) end
