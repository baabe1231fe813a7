-- `TokenBucket`: how many parts of a token are missing, and since when. As `local/cells/bucket.rs`.
-- 1 how many, 2 parts that come in a microsecond, 3 parts of a token, 4 burst

local function work()
  local n, count, per, burst = arg(1), arg(2), arg(3), arg(4)
  local full = burst * per
  local missing, now = 0, at
  local entry = redis.call('GET', KEYS[1])
  if entry then
    local since
    missing, since = two(entry)
    now = math.max(at, since)
    -- Where the product is not exact it is more than can be missing.
    missing = math.max(0, missing - (now - since) * count)
  elseif not room(KEYS[2], KEYS[1], most_keys) then
    return FULL
  end
  if n > burst then
    return {0, GREATEST, down(full - missing, per)}
  end
  if n * per > full - missing then
    local wait = up(n * per - (full - missing), count) + now - at
    return {0, wait, down(full - missing, per)}
  end
  missing = missing + n * per
  if n > 0 then
    redis.call('SET', KEYS[1], whole(missing) .. ' ' .. whole(now))
    keep(KEYS[2], KEYS[1], most_keys, up(missing, count) + now - at)
  end
  return {1, -1, down(full - missing, per)}, true
end
