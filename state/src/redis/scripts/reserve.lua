-- `once` and `within`, both or neither: who was first with a key and when, what a key spent, and what all spent. As
-- `local/cells/seen.rs` and `local/cells/budget.rs`.
-- KEYS: 1 and 2 of the `Seen`, 3 and 4 of the `Budget`, 5 what the key spent, 6 the keys of the `Budget`, 7 what all spent
-- 1 whether there is a `once`, 2 for how long a key is kept, 3 who asks, 4 whether there is a `within`, 5 amount,
-- 6 total, 7 per key, 8 per day (-1: no ceiling), 9 the day, 10 how many days are kept, 11 the most keys of the budget,
-- 12 for how many milliseconds a budget is kept that nobody charges

-- Nothing if it may be, else what is said instead.
local function charge()
  local amount, total, per_key, per_day, day = arg(5), arg(6), arg(7), arg(8), ARGV[14]
  local days = arg(10)
  local by_key = 0
  if per_key >= 0 then
    local entry = redis.call('GET', KEYS[5])
    if not entry and not room(KEYS[6], KEYS[5], arg(11)) then
      return FULL
    end
    by_key = tonumber(entry or 0)
  end
  local today = tonumber(redis.call('HGET', KEYS[7], day) or 0)
  local first
  if per_day >= 0 and not redis.call('HGET', KEYS[7], day) and redis.call('HLEN', KEYS[7]) - 1 >= days then
    for _, name in ipairs(redis.call('HKEYS', KEYS[7])) do
      local time = tonumber(name)
      if time and time < (first or GREATEST) then
        first = time
      end
    end
    if first and tonumber(day) < first then
      return LATE
    end
  end
  local all = tonumber(redis.call('HGET', KEYS[7], 'total') or 0)
  local function fits(spent, ceiling)
    return ceiling < 0 or amount <= ceiling - spent
  end
  if amount < 0 or not fits(all, total) or not fits(today, per_day) or not fits(by_key, per_key) then
    return {0}
  end
  if amount == 0 then
    return nil
  end
  redis.call('HSET', KEYS[7], 'total', whole(clip(all + amount)))
  if per_day >= 0 then
    redis.call('HSET', KEYS[7], day, whole(today + amount))
    if first then
      redis.call('HDEL', KEYS[7], whole(first))
    end
  end
  redis.call('PEXPIRE', KEYS[7], ARGV[17])
  if per_key >= 0 then
    redis.call('SET', KEYS[5], whole(by_key + amount))
    keep(KEYS[6], KEYS[5], arg(11), arg(12) * 1000)
  end
  return nil
end

local function work()
  local has_once, us, who = arg(1) == 1, arg(2), ARGV[8]
  if has_once then
    local entry = redis.call('GET', KEYS[1])
    if entry then
      local since, first = string.match(entry, '^(%S+) (%S+)$')
      if at - tonumber(since) < us then
        return {first == who and 1 or 0}
      end
    elseif not room(KEYS[2], KEYS[1], most_keys) then
      return FULL
    end
  end
  if arg(4) == 1 then
    local refused = charge()
    if refused then
      return refused
    end
  end
  if has_once then
    redis.call('SET', KEYS[1], whole(at) .. ' ' .. who)
    keep(KEYS[2], KEYS[1], most_keys, us)
  end
  return {1}, true
end
