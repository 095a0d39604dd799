-- Raise all counts by one, or none when one of them is full: its number, or 0 and the counts. ARGV has two numbers for each of KEYS: the
-- most that it may hold, and for how many milliseconds it is kept once it is begun.
for number, count in ipairs(KEYS) do
  if tonumber(redis.call('GET', count) or 0) >= tonumber(ARGV[2 * number - 1]) then return {number} end
end
local answer = {0}
for number, count in ipairs(KEYS) do
  local raised = redis.call('INCR', count)
  if raised == 1 then redis.call('PEXPIRE', count, ARGV[2 * number]) end
  answer[number + 1] = raised
end
return answer
