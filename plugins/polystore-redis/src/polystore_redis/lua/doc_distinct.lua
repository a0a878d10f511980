-- KEYS: an index. ARGV: what a first field ends in; where to begin (a bound of ZRANGEBYLEX); above
--       what no member lies, after its prefix; how many values at most.
-- Returns first fields and how many members begin with each, in order, one after the other.
local answer, bound = {}, ARGV[2]
while #answer < 2 * tonumber(ARGV[4]) do
  local found = redis.call('ZRANGEBYLEX', KEYS[1], bound, '+', 'LIMIT', 0, 1)
  if #found == 0 then break end
  local _, last = string.find(found[1], ARGV[1], 1, true)
  local first = string.sub(found[1], 1, last)
  answer[#answer + 1] = first
  answer[#answer + 1] = redis.call('ZLEXCOUNT', KEYS[1], '[' .. first, '(' .. first .. ARGV[3])
  bound = '[' .. first .. ARGV[3]
end
return answer
