-- `SlidingLog`: a list of when each was taken. As `local/cells/log.rs`.
-- 1 how many, 2 limit, 3 length

local function work()
  local n, limit, window = arg(1), arg(2), arg(3)
  local now, length = at, redis.call('LLEN', KEYS[1])
  local function time(i)
    return tonumber(redis.call('LINDEX', KEYS[1], i))
  end
  if length > 0 then
    now = math.max(at, time(-1))
  elseif not room(KEYS[2], KEYS[1], most_keys) then
    return FULL
  end
  -- How many have left the window: the times ascend.
  local left, rest = 0, length
  while left < rest do
    local middle = math.floor((left + rest) / 2)
    if now - time(middle) >= window then
      left = middle + 1
    else
      rest = middle
    end
  end
  local used = length - left
  if n > limit then
    return {0, GREATEST, limit - used}
  end
  if n > limit - used then
    local last_to_leave = time(left + used + n - limit - 1)
    return {0, window - (at - last_to_leave), limit - used}
  end
  if n > 0 then
    if left > 0 then
      redis.call('LTRIM', KEYS[1], left, -1)
    end
    local pushed = 0
    while pushed < n do
      local times = {}
      for i = 1, math.min(n - pushed, 1000) do
        times[i] = whole(now)
      end
      redis.call('RPUSH', KEYS[1], unpack(times))
      pushed = pushed + #times
    end
    keep(KEYS[2], KEYS[1], most_keys, window + now - at)
  end
  return {1, -1, limit - used - n}, true
end
