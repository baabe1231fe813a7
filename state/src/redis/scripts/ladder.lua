-- `Ladder`: the highest load and when it was. As `local/cells/ladder.rs`.
-- 1 load, 2 at which load the class is shed, 3 by how much a load fades in 4, 4 so many microseconds

local function work()
  local load, enter, share, per = arg(1), arg(2), arg(3), arg(4)
  local faded, now = 0, at
  local entry = redis.call('GET', KEYS[1])
  if entry then
    local before, since = two(entry)
    now = math.max(at, since)
    local rest = math.fmod(now - since, per)
    local fade = (now - since - rest) / per * share + down(rest * share, per)
    faded = math.max(0, before - fade)
  elseif not room(KEYS[2], KEYS[1], most_keys) then
    return FULL
  end
  if load >= faded and load > 0 then
    redis.call('SET', KEYS[1], whole(load) .. ' ' .. whole(now))
    keep(KEYS[2], KEYS[1], most_keys, load / share * per + now - at)
  end
  return {math.max(load, faded) >= enter and 1 or 0}, true
end
