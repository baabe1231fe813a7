-- `Count` and `Sum` over a calendar: a list of periods (begin, end, total), ascending. As `local/cells/stretches.rs`.
-- 1 whether to add, 2 amount, 3 begin and 4 end of the period of the time, 5 lateness

local function work()
  local adds, amount, start, finish, late = arg(1) == 1, arg(2), arg(3), arg(4), arg(5)
  local entry = redis.call('GET', KEYS[1])
  local periods = entry and cmsgpack.unpack(entry) or {}
  if not entry and not room(KEYS[2], KEYS[1], most_keys) then
    return FULL
  end
  local place = #periods + 1
  while place > 1 and periods[place - 3] >= start do
    place = place - 3
  end
  local held = periods[place] == start
  if not held and place <= #periods and periods[#periods - 2] - finish >= late then
    return LATE
  end
  if not adds then
    return {held and periods[place + 2] or 0}
  end
  if held then
    periods[place + 2] = clip(periods[place + 2] + amount)
  else
    for i, value in ipairs({start, finish, clip(amount)}) do
      table.insert(periods, place + i - 1, value)
    end
  end
  local total = periods[place + 2]
  local latest = periods[#periods - 2]
  while latest - periods[2] >= late and periods[1] < latest do
    for _ = 1, 3 do
      table.remove(periods, 1)
    end
  end
  redis.call('SET', KEYS[1], cmsgpack.pack(periods))
  keep(KEYS[2], KEYS[1], most_keys, periods[#periods - 1] - at + late)
  return {total}, true
end
