-- The beginning of every script. What follows defines `work`, which returns a result and whether it changed anything;
-- `end.lua` calls it.
--
-- KEYS: 1 the entry, 2 the keys of the state, 3 the first answer, 4 the first answers of the state, 5.. the kind's own
-- ARGV: 1 time, 2 for how many milliseconds what no longer matters stays, 3 the most keys (0: there is no key),
--       4 for how long answers are remembered (0: not), 5 the most that are, 6.. the kind's own
--
-- Numbers are floating point and exact up to 2^53: declarations are checked so that what must be exact stays below.
-- Times are compared by their differences for that reason.

-- What could not be done: no kind answers with four numbers.
local FULL, LATE = {0, 0, 0, 1}, {0, 0, 0, 2}
local GREATEST = 9007199254740991

local at = tonumber(ARGV[1])
local linger = tonumber(ARGV[2])
local most_keys = tonumber(ARGV[3])
local remember_us = tonumber(ARGV[4])
local most_firsts = tonumber(ARGV[5])

local clock = redis.call('TIME')
local wall_ms = clock[1] * 1000 + math.floor(clock[2] / 1000)

local function arg(n)
  return tonumber(ARGV[5 + n])
end

-- Lua would write a large number with an exponent.
local function whole(n)
  return string.format('%.0f', n)
end

local function two(text)
  local a, b = string.match(text, '^(%S+) (%S+)$')
  return tonumber(a), tonumber(b)
end

-- Of numbers that are not negative.
local function down(a, b)
  return (a - math.fmod(a, b)) / b
end

local function up(a, b)
  local rest = math.fmod(a, b)
  return (a - rest) / b + (rest > 0 and 1 or 0)
end

local function floor_to(n, step)
  local rest = math.fmod(n, step)
  return n - (rest < 0 and rest + step or rest)
end

local function clip(n)
  return math.max(-GREATEST, math.min(GREATEST, n))
end

-- Whether there is room for an entry that is absent. Some entries that are gone are taken off the list first.
local function room(list, entry, most)
  if most == 0 or redis.call('ZSCORE', list, entry) then
    return true
  end
  local gone = redis.call('ZRANGEBYSCORE', list, '-inf', whole(wall_ms), 'LIMIT', 0, 16)
  if #gone > 0 then
    redis.call('ZREM', list, unpack(gone))
  end
  return redis.call('ZCARD', list) < most
end

-- Keeps an entry for so many microseconds of decisions' time, and `linger` by the server's clock.
local function keep(list, entry, most, us)
  local ms = math.max(0, math.ceil(us / 1000)) + linger
  redis.call('PEXPIRE', entry, whole(ms))
  if most > 0 then
    redis.call('ZADD', list, whole(wall_ms + ms), entry)
    if redis.call('PTTL', list) < ms then
      redis.call('PEXPIRE', list, whole(ms))
    end
  end
end
