-- A board of bans: `bans/book.py`, inside of a Redis.
-- KEYS: a hash of entries by what they are about, and a hash of the board's epoch and revision.
-- ARGV: notices as JSON; the epoch and revision that the caller has read; an epoch for a new board;
-- the most entries; the seconds for which an end is kept; the most notices of a reply; the seconds
-- after which a board is dropped that nobody tells anything.
local entries, state = KEYS[1], KEYS[2]
local notices = cjson.decode(ARGV[1])
local known_epoch, since, new_epoch = ARGV[2], tonumber(ARGV[3]), ARGV[4]
local most, kept, most_notices, forgotten = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8]
local time = redis.call("TIME")
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000

-- An entry is {revision, since, until or false, notice}; times are seconds of this Redis.
local function is_over(entry)
  local ends = entry[4].ended and entry[2] or entry[3]
  return ends and ends + kept <= now
end

local function make_room()
  if redis.call("HLEN", entries) < most then return end
  local oldest, oldest_revision
  local all = redis.call("HGETALL", entries)
  for at = 1, #all, 2 do
    local entry = cjson.decode(all[at + 1])
    if is_over(entry) then
      redis.call("HDEL", entries, all[at])
    elseif not oldest or entry[1] < oldest_revision then
      oldest, oldest_revision = all[at], entry[1]
    end
  end
  if redis.call("HLEN", entries) >= most then redis.call("HDEL", entries, oldest) end
end

local epoch = redis.call("HGET", state, "epoch")
if not epoch then
  epoch = new_epoch
  redis.call("HSET", state, "epoch", epoch)
  redis.call("DEL", entries)
end

for _, notice in ipairs(notices) do
  local ban = notice.ban
  local key = cjson.encode({ban.credential, ban.upstream_name, ban.reason == "by_hand"})
  local happened = now - (notice.age or 0)
  local found = redis.call("HGET", entries, key)
  local known = found and cjson.decode(found)
  if not known or (known[4].id ~= notice.id and known[2] <= happened) then
    if not known then make_room() end
    local ends = ban.remaining ~= cjson.null and now + ban.remaining
    local revision = redis.call("HINCRBY", state, "revision", 1)
    redis.call("HSET", entries, key, cjson.encode({revision, happened, ends, notice}))
  end
end
if #notices > 0 then
  redis.call("EXPIRE", entries, forgotten)
  redis.call("EXPIRE", state, forgotten)
end

local revision = tonumber(redis.call("HGET", state, "revision") or 0)
if known_epoch ~= epoch then since = 0 end
local reply = {epoch = epoch, revision = revision}
if since < revision and #notices == 0 then
  local changed = {}
  local all = redis.call("HVALS", entries)
  for at = 1, #all do
    local entry = cjson.decode(all[at])
    if entry[1] > since and not is_over(entry) then changed[#changed + 1] = entry end
  end
  table.sort(changed, function(one, other) return one[1] < other[1] end)
  local told = {}
  for at = 1, math.min(#changed, most_notices) do
    local entry = changed[at]
    local notice = entry[4]
    notice.age = math.max(now - entry[2], 0)
    notice.ban.remaining = entry[3] and math.max(entry[3] - now, 0) or cjson.null
    told[at] = notice
    if at == most_notices then reply.revision = entry[1] end
  end
  if #told > 0 then reply.notices = told end
end
return cjson.encode(reply)
