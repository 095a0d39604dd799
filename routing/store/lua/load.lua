-- A consistent picture: contacts, agents, the inbox position they include, the last event (each "0" when there is none).
local contacts, agents, position, events = KEYS[1], KEYS[2], KEYS[3], KEYS[4]

local last = redis.call('XREVRANGE', events, '+', '-', 'COUNT', 1)[1]
return {redis.call('HVALS', contacts), redis.call('HVALS', agents), redis.call('GET', position) or '0', last and last[1] or '0'}
