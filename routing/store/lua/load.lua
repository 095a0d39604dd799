-- A consistent picture: contacts, agents, callers, the inbox position they include, the last event (each "0" when there is none), open calls
-- and where each is, totals.
local contacts, agents, position, events, calls, callers = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local places, totals = KEYS[7], KEYS[8]

local last = redis.call('XREVRANGE', events, '+', '-', 'COUNT', 1)[1]
local reached = redis.call('GET', position) or '0'
return {redis.call('HVALS', contacts), redis.call('HVALS', agents), reached, last and last[1] or '0', redis.call('HVALS', calls),
  redis.call('HVALS', callers), redis.call('HVALS', places), redis.call('HGETALL', totals)}
