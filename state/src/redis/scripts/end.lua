-- The end of every script: a retry gets its first answer.

if remember_us > 0 then
  local first = redis.call('GET', KEYS[3])
  if first then
    local since, result = unpack(cmsgpack.unpack(first))
    if at - since < remember_us then
      return result
    end
  elseif not room(KEYS[4], KEYS[3], most_firsts) then
    return FULL
  end
end
local result, changed = work()
if remember_us > 0 and changed then
  redis.call('SET', KEYS[3], cmsgpack.pack({at, result}))
  keep(KEYS[4], KEYS[3], most_firsts, remember_us)
end
return result
