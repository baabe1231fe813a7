-- `Distinct`: for each period, or for the sliding window, members and when they last came, and under the name `zeros`
-- in how many zero bits the members end that stay. The entry is the latest begin or time. As `local/cells/members.rs`.
-- KEYS: 5 the members
-- 1 whether to add, 2 member, 3 begin and 4 end of the period of the time, 5 lateness,
-- 6 length of a sliding window (0: calendar), 7 what is kept of it, 8 the most members

local function takes(member, zeros)
  return math.fmod(member, 2 ^ zeros) == 0
end

-- Drops the members that `stays` does not want.
local function retain(stays)
  local all = redis.call('HGETALL', KEYS[5])
  for i = 1, #all, 2 do
    if all[i] ~= 'zeros' and not stays(tonumber(all[i]), tonumber(all[i + 1])) then
      redis.call('HDEL', KEYS[5], all[i])
    end
  end
end

local function size()
  return redis.call('HLEN', KEYS[5]) - 1
end

local function add(member, most, gone)
  local zeros = tonumber(redis.call('HGET', KEYS[5], 'zeros') or 0)
  local name = whole(member)
  redis.call('HSETNX', KEYS[5], 'zeros', 0)
  if not takes(member, zeros) then
    return
  end
  local last = redis.call('HGET', KEYS[5], name)
  if last then
    redis.call('HSET', KEYS[5], name, whole(math.max(at, tonumber(last))))
    return
  end
  if size() >= most then
    retain(function(_, time) return time > gone end)
  end
  while size() >= most and zeros < 52 do
    zeros = zeros + 1
    retain(function(one) return takes(one, zeros) end)
  end
  if size() == 0 then
    zeros = 0
  end
  redis.call('HSET', KEYS[5], 'zeros', zeros)
  if takes(member, zeros) then
    redis.call('HSET', KEYS[5], name, whole(at))
  end
end

local function work()
  local adds, member, start, finish, late = arg(1) == 1, arg(2), arg(3), arg(4), arg(5)
  local us, kept, most = arg(6), arg(7), arg(8)
  local sliding = us > 0
  local latest = tonumber(redis.call('GET', KEYS[1]) or nil)
  if not latest and not room(KEYS[2], KEYS[1], most_keys) then
    return FULL
  end
  if latest and sliding and latest - at > late then
    return LATE
  end
  if latest and not sliding and start < latest and latest - finish >= late then
    return LATE
  end
  if adds then
    latest = math.max(sliding and at or start, latest or -GREATEST)
    add(member, most, sliding and latest - kept or -GREATEST - 1)
    local stays = sliding and kept + latest - at or finish - at + late
    redis.call('PEXPIRE', KEYS[5], whole(math.max(0, math.ceil(stays / 1000)) + linger))
    -- A period before the latest one ends sooner than the entry.
    if sliding or start == latest then
      redis.call('SET', KEYS[1], whole(latest))
      keep(KEYS[2], KEYS[1], most_keys, stays)
    end
  end
  local count = 0
  if sliding then
    local all = redis.call('HGETALL', KEYS[5])
    for i = 1, #all, 2 do
      if all[i] ~= 'zeros' and at - tonumber(all[i + 1]) < us then
        count = count + 1
      end
    end
  else
    count = math.max(0, size())
  end
  local zeros = tonumber(redis.call('HGET', KEYS[5], 'zeros') or 0)
  return {clip(count * 2 ^ zeros)}, adds
end
