-- `FixedWindow`: when the window begins, and how many were taken. As `local/cells/window.rs`.
-- 1 how many, 2 limit, 3 length

local function work()
  local n, limit, window = arg(1), arg(2), arg(3)
  local start, used = floor_to(at, window), 0
  local entry = redis.call('GET', KEYS[1])
  if entry then
    local before, taken = two(entry)
    if before >= start then
      start, used = before, taken
    end
  elseif not room(KEYS[2], KEYS[1], most_keys) then
    return FULL
  end
  if n > limit then
    return {0, GREATEST, limit - used}
  end
  if n > limit - used then
    return {0, window - (at - start), limit - used}
  end
  used = used + n
  if n > 0 then
    redis.call('SET', KEYS[1], whole(start) .. ' ' .. whole(used))
    keep(KEYS[2], KEYS[1], most_keys, window - (at - start))
  end
  return {1, -1, limit - used}, true
end
