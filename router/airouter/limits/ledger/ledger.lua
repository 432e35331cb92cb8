-- The ledger inside Redis: what `bookkeeping/book.py` does, which is its reference and explains it.
-- KEYS: the ledger, its pods, then the uses and the outs of each line.
-- ARGV: the message (messages.py, as JSON), the step that it is now (only in tests), and the RULES
-- of messages.py.
local RULES = cjson.decode(ARGV[3])
local SPAN, LEASE, SLOTS_LEASE, KEPT = RULES.SPAN, RULES.LEASE, RULES.SLOTS_LEASE, RULES.KEPT
local SETTLING, SOON, WHOLE, SHARED = RULES.SETTLING, RULES.SOON, RULES.WHOLE, RULES.SHARED
local STEPS_PER_SECOND = RULES.STEPS_PER_SECOND
local MEMORY = RULES.MEMORY / STEPS_PER_SECOND -- in seconds
local pod_name, process, number, heard, born, answered, since, leaves, lines =
  unpack(cjson.decode(ARGV[1]))
local holder = pod_name .. '/' .. process

local function text(whole_number)
  return string.format('%.0f', whole_number)
end

-- The steps for which this Redis has been running; 0 where it may not be asked.
local function runs_for()
  local told = redis.pcall('INFO', 'server')
  local seconds = type(told) == 'string' and string.match(told, 'uptime_in_seconds:(%d+)')
  return (tonumber(seconds or 0) or 0) * STEPS_PER_SECOND
end

-- The ledger: its time, when it began, and the last gap in which nobody came.
local known = redis.call('HMGET', KEYS[1], 'now', 'born', 'closed', 'gap', 'alive', 'learnt')
local before = tonumber(known[1] or 0)
local now = tonumber(ARGV[2])
if not now then
  local time = redis.call('TIME')
  now = time[1] * STEPS_PER_SECOND + math.floor(time[2] * STEPS_PER_SECOND / 1000000)
end
now = math.max(now, before)
local gap, alive = tonumber(known[4] or 0), tonumber(known[5] or 0)
if now - before > LEASE then
  gap, alive = before, now
end

-- Its pods.
local pods = {}
local stored = redis.call('HGETALL', KEYS[2])
for at = 1, #stored, 2 do
  local its_process, its_number, seen, share = unpack(cjson.decode(stored[at + 1]))
  if math.max(seen, alive) + KEPT >= now then
    pods[stored[at]] = {process = its_process, number = its_number, seen = seen, share = share}
  else
    redis.call('HDEL', KEYS[2], stored[at])
  end
end
local pod = pods[pod_name] or {process = '', number = 0, share = 0}
local last = pod.process == process and pod.number or 0
if last >= number then
  redis.call('HSET', KEYS[1], 'now', text(now), 'gap', text(gap), 'alive', text(alive))
  return false
end
local began, closed, learnt = tonumber(known[2] or 0), tonumber(known[3] or 0), tonumber(known[6] or 0)
if heard > 0 and born == began and answered + since + LEASE < now then
  redis.call('HSET', KEYS[1], 'now', text(now), 'gap', text(gap), 'alive', text(alive))
  return '[' .. text(began) .. ',' .. text(now) .. ',-1,[]]'
end
if began == 0 then
  -- One that runs for longer than anything counts, and knows of no ledger, has lost none.
  local has_lost = ARGV[2] ~= '' or runs_for() <= SPAN + LEASE
  began, closed = now, has_lost and now + SETTLING or now
  learnt = closed
end
if heard > last and born == began then
  began = math.max(now, began + 1)
end
if heard > 0 and born ~= began then
  closed = math.max(closed, began + SPAN + LEASE)
  learnt = math.max(learnt, began + SETTLING)
end
pod.process, pod.number, pod.seen = process, number, now
pods[pod_name] = pod
local lost, near, taken, gone = {}, 1, 0, 0
for name, each in pairs(pods) do
  if name ~= pod_name then
    taken = taken + each.share
    if each.seen + LEASE < now then
      lost[#lost + 1] = each.share
      gone = gone + each.share
    else
      near = near + 1
    end
  end
end
pod.share = math.min(math.floor((SHARED - gone) / near), SHARED - taken)

-- Its limits.
local function add(uses, amount, at)
  if amount > 0 and at >= now - SPAN then
    redis.call('HINCRBY', uses, text(at), text(amount))
    redis.call('HINCRBY', uses, 'sum', text(amount))
    local first = tonumber(redis.call('HGET', uses, 'first'))
    if not first or at < first then
      redis.call('HSET', uses, 'first', text(at))
    end
  end
end

local function steps(first, final)
  local names = {}
  for at = first, final do
    names[#names + 1] = text(at)
  end
  return names
end

local function forget(uses)
  local first = tonumber(redis.call('HGET', uses, 'first'))
  if not first or first >= now - SPAN then
    return
  end
  local left = tonumber(redis.call('HGET', uses, 'sum'))
  while left > 0 and first < now - SPAN do
    local names = steps(first, math.min(now - SPAN - 1, first + 999))
    local forgotten = 0
    for _, amount in ipairs(redis.call('HMGET', uses, unpack(names))) do
      forgotten = forgotten + (tonumber(amount) or 0)
    end
    if forgotten > 0 then
      left = redis.call('HINCRBY', uses, 'sum', text(-forgotten))
      redis.call('HDEL', uses, unpack(names))
    end
    first = first + #names
  end
  if left == 0 then
    redis.call('DEL', uses)
  else
    redis.call('HSET', uses, 'first', text(now - SPAN))
  end
end

local function wait_for(uses, missing)
  local first = tonumber(redis.call('HGET', uses, 'first'))
  while first and first <= now do
    local final = math.min(first + 99, now)
    for at, amount in ipairs(redis.call('HMGET', uses, unpack(steps(first, final)))) do
      missing = missing - (tonumber(amount) or 0)
      if missing <= 0 then
        return first + at - 1 + SPAN + 1 - now
      end
    end
    first = final + 1
  end
  return SPAN
end

local function outs_of(line, uses, outs)
  local mine, others, slides = nil, 0, line[3]
  local stored = redis.call('HGETALL', outs)
  for at = 1, #stored, 2 do
    local amount, ends, total = unpack(cjson.decode(stored[at + 1]))
    if not slides and ends > gap then
      ends = math.max(ends, alive + LEASE)
    end
    if ends <= now then
      if slides then
        add(uses, amount, ends)
      end
      redis.call('HDEL', outs, stored[at])
    elseif stored[at] == holder then
      mine = total
    else
      others = others + amount
    end
  end
  return mine, others
end

local function grant(line, uses, outs)
  local _, limit, slides, total, held, wanted, needed, least, reported = unpack(line)
  forget(uses)
  local mine, others = outs_of(line, uses, outs)
  local listed = 0
  for _, use in ipairs(reported) do
    listed = listed + use[2]
  end
  local unknown = listed
  if mine then
    unknown = math.max(0, math.min(listed, total - mine))
  end
  local skipped = listed - unknown
  for _, use in ipairs(reported) do
    local of_it = math.min(skipped, use[2])
    skipped = skipped - of_it
    add(uses, use[2] - of_it, now - use[1])
  end
  local free = limit - (tonumber(redis.call('HGET', uses, 'sum')) or 0) - others - held
  for _, share in ipairs(lost) do
    free = free - math.floor(limit * share / WHOLE)
  end
  local amount, wait = 0, 0
  if now < closed then
    wait = closed - now
  elseif free < math.max(least, 1) then
    wait = slides and wait_for(uses, least - free) or SOON
    if others > 0 then
      wait = math.min(wait, SOON)
    end
  else
    local ahead = math.min(wanted, math.floor(free / near))
    amount = math.min(free, math.max(needed, ahead))
  end
  if held + amount > 0 or #reported > 0 or mine then
    local ends = now + (slides and LEASE or SLOTS_LEASE)
    local out = '[' .. text(held + amount) .. ',' .. text(ends) .. ',' .. text(total) .. ']'
    redis.call('HSET', outs, holder, out)
  end
  redis.call('EXPIRE', uses, MEMORY)
  redis.call('EXPIRE', outs, MEMORY)
  return '[' .. text(amount) .. ',' .. text(wait) .. ',' .. text(math.max(0, free - amount)) .. ']'
end

-- A budget: what `budget_account.py` does.
local function a_lease(amount, ends, total, counted)
  return string.format('[%.0f,%.0f,%.0f,%.0f]', amount, ends, total, counted)
end

local function grant_budget(line, uses, outs)
  local _, limit, _, total, held, wanted, needed, least, reported, keeps, heard_of, spent, counted =
    unpack(line)
  local account = redis.call('HMGET', uses, 'sum', 'born', 'former')
  local used, former = tonumber(account[1] or 0), tonumber(account[3] or 0)
  local is_anew = tonumber(account[2] or 0) ~= began
  local told = 0
  for _, use in ipairs(reported) do
    told = told + use[2]
  end
  local mine, others, ended = {total - told, total - told}, 0, 0
  local stored = redis.call('HGETALL', outs)
  for at = 1, #stored, 2 do
    local amount, ends, its_total, its_counted = unpack(cjson.decode(stored[at + 1]))
    if is_anew then
      its_counted = its_total + amount
    end
    if ends <= now then
      ended = ended + amount
      redis.call('HDEL', outs, stored[at])
    elseif stored[at] == holder then
      mine = {its_total, its_counted, amount}
    else
      others = others + amount
      if is_anew then
        redis.call('HSET', outs, stored[at], a_lease(amount, ends, its_total, its_counted))
      end
    end
  end
  used = used + ended
  if is_anew then
    former = used + others + (mine[3] or 0)
  end
  local since = math.max(0, total - mine[1])
  local hears_another = heard_of ~= 0 and heard_of ~= began
  used = used + (hears_another and since or math.min(since, told))
  if hears_another then
    used = used + mine[2] - counted + math.max(0, spent - former)
    mine[2], former = counted, math.max(former, spent)
  end
  local free = limit - used - others - held
  local amount, wait = 0, 0
  if now < learnt then
    wait = learnt - now
  elseif free < math.max(least, 1) then
    wait = SOON
  else
    amount = math.min(free, math.max(needed, math.min(wanted, math.floor(free / near))))
  end
  redis.call('HSET', uses, 'sum', text(used), 'born', text(began), 'former', text(former))
  redis.call('HSET', outs, holder, a_lease(held + amount, now + KEPT, total, mine[2]))
  redis.call('EXPIRE', uses, text(keeps))
  redis.call('EXPIRE', outs, text(keeps))
  return '[' .. text(amount) .. ',' .. text(wait) .. ',' .. text(free - amount) .. ']'
end

local grants = {}
for at, line in ipairs(lines) do
  local settle = line[10] > 0 and grant_budget or grant
  grants[at] = settle(line, KEYS[2 * at + 1], KEYS[2 * at + 2])
end

redis.call('HSET', KEYS[1], 'now', text(now), 'born', text(began), 'closed', text(closed),
  'learnt', text(learnt), 'gap', text(gap), 'alive', text(alive))
redis.call('EXPIRE', KEYS[1], MEMORY)
if leaves then
  redis.call('HDEL', KEYS[2], pod_name)
else
  redis.call('HSET', KEYS[2], pod_name, cjson.encode({process, number, now, pod.share}))
end
redis.call('EXPIRE', KEYS[2], MEMORY)
return '[' .. text(began) .. ',' .. text(now) .. ',' .. text(pod.share) .. ',[' .. table.concat(grants, ',') .. ']]'
