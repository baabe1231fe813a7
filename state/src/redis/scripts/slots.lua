-- `Concurrency` and `Reserve`: since when each slot is held, and under the name `latest` when the last one was given.
-- As `local/cells/slots.rs`.
-- 1 how many this work may have, 2 lease, 3 whose

local function work()
  local most, lease, who = arg(1), arg(2), ARGV[8]
  local now = at
  local latest = redis.call('ZSCORE', KEYS[1], 'latest')
  if latest then
    now = math.max(at, tonumber(latest))
  elseif not room(KEYS[2], KEYS[1], most_keys) then
    return FULL
  end
  local since = redis.call('ZSCORE', KEYS[1], who)
  if since and now - tonumber(since) < lease then
    return {1, 0}
  end
  local ended = whole(now - lease)
  local used = redis.call('ZCOUNT', KEYS[1], '(' .. ended, '+inf')
  if latest and now - tonumber(latest) < lease then
    used = used - 1
  end
  if used >= most then
    return {0, 0}
  end
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ended)
  redis.call('ZADD', KEYS[1], whole(now), who, whole(now), 'latest')
  keep(KEYS[2], KEYS[1], most_keys, lease + now - at)
  return {1, 1}
end
