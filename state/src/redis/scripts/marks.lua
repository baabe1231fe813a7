-- `Count` and `Sum` over a sliding window: a list of times and amounts, ascending. As `local/cells/sliding.rs`.
-- 1 whether to add, 2 amount, 3 length, 4 lateness, 5 what is kept, 6 pane, 7 the most that are kept exactly

local function rounded(marks, pane)
  local result = {}
  for i = 1, #marks - 2, 2 do
    local time = floor_to(marks[i], pane)
    if result[#result - 1] == time then
      result[#result] = clip(result[#result] + marks[i + 1])
    else
      result[#result + 1] = time
      result[#result + 1] = marks[i + 1]
    end
  end
  result[#result + 1] = marks[#marks - 1]
  result[#result + 1] = marks[#marks]
  return result
end

local function add(marks, amount, kept, pane, most)
  local latest = math.max(at, marks[#marks - 1] or at)
  while #marks > 0 and latest - marks[1] >= kept do
    table.remove(marks, 1)
    table.remove(marks, 1)
  end
  if #marks >= 2 * most then
    marks = rounded(marks, pane)
  end
  local i = #marks - 1
  while i > 0 and marks[i] > at do
    i = i - 2
  end
  if i > 0 and marks[i] == at then
    marks[i + 1] = clip(marks[i + 1] + amount)
  else
    table.insert(marks, i + 2, amount)
    table.insert(marks, i + 2, at)
  end
  redis.call('SET', KEYS[1], cmsgpack.pack(marks))
  keep(KEYS[2], KEYS[1], most_keys, kept + latest - at)
  return marks
end

local function work()
  local adds, us, late, kept, pane = arg(1) == 1, arg(3), arg(4), arg(5), arg(6)
  local entry = redis.call('GET', KEYS[1])
  local marks = entry and cmsgpack.unpack(entry) or {}
  if entry and marks[#marks - 1] - at > late then
    return LATE
  end
  if not entry and not room(KEYS[2], KEYS[1], most_keys) then
    return FULL
  end
  if adds then
    marks = add(marks, arg(2), kept, pane, arg(7))
  end
  local sum = 0
  for i = 1, #marks, 2 do
    if at - marks[i] < us and marks[i] <= at then
      sum = sum + marks[i + 1]
    end
  end
  return {clip(sum)}, adds
end
