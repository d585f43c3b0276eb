"""The durable intake as Lua: every step of an event's life is one script, so no crash can leave half of one.

Knows nothing of Python's types; `redis_intake.py` runs these, `redis_intake_lua.py` says what is kept where.
"""

from bot.adapters.redis_intake_lua import COMMON, OF_A_DELIVERY

# More keys: what tells the event from others. ARGV: how long they are kept (ms), course, author, the event.
PUT = (
    COMMON
    + """
for key = 11, #KEYS do
  if redis.call('EXISTS', KEYS[key]) == 1 then return 0 end
end
local lane = ARGV[2] .. ':' .. ARGV[3]
local id = redis.call('XADD', stream, '*', 'body', ARGV[4])
redis.call('HSET', notes, id .. ':lane', lane)
enqueue(lane, id)
for key = 11, #KEYS do redis.call('SET', KEYS[key], 1, 'PX', ARGV[1]) end
ring()
return 1
"""
)

# ARGV: consumer, lease (ms), most attempts, most of an author, most of a course (0: any), reason of a burial, how
# long (ms) and how many dead letters are kept. Returns the bell's last entry, what was buried, and of the delivery
# id, claim, attempt, event, progress and age (ms), or nothing.
TAKE = (
    COMMON
    + """
local consumer, lease, most_attempts = ARGV[1], ARGV[2], tonumber(ARGV[3])
local most_of_author, most_of_course = tonumber(ARGV[4]), tonumber(ARGV[5])
local buried = {}

for _, id in ipairs(redis.call('ZRANGEBYSCORE', resting, '-inf', string.format('%.0f', now()), 'LIMIT', 0, 100)) do
  redis.call('ZREM', resting, id)
  local lane = lane_of(id)
  if lane then enqueue(lane, id, true) end
end

for _, left in ipairs(redis.call('XPENDING', stream, GROUP, 'IDLE', lease, '-', '+', 100)) do
  local id, holder = left[1], left[2]
  local lane = put_down(id)
  if lane and attempts_of(id) > most_attempts then
    bury(id, lane, ARGV[6])
    table.insert(buried, id)
  elseif lane then
    enqueue(lane, id, true)
  end
  if #redis.call('XPENDING', stream, GROUP, '-', '+', 1, holder) == 0 then
    redis.call('XGROUP', 'DELCONSUMER', stream, GROUP, holder)
  end
end

-- What comes after an author's or a course's turn: they go to the end of their rings, or out of them.
local function turn_over(course, lane, place)
  local at = next_turn()
  redis.call('ZREM', authors, place)
  if among(queue, lane) > 0 then redis.call('ZADD', authors, 0, course .. ':' .. at .. ':' .. last(lane)) end
  if among(queue, course) > 0 then redis.call('ZADD', courses, at, course) else redis.call('ZREM', courses, course) end
end

local function next_of(course)
  local under_way = among(held, course)
  if most_of_course > 0 and under_way >= most_of_course then return end
  -- Who may have no more at a time holds something, so beyond that many there is somebody who may.
  for _, place in ipairs(first_among(authors, course, under_way + 1)) do
    local lane = course .. ':' .. last(place)
    if among(held, lane) < most_of_author then
      local name = first_among(queue, lane, 1)[1]
      if name then redis.call('ZREM', queue, name) end
      turn_over(course, lane, place)
      return lane, name and last(name)
    end
  end
end

local function next_event()
  for _, course in ipairs(redis.call('ZRANGE', courses, 0, -1)) do
    local lane, id = next_of(course)
    if id then return lane, id end
  end
end

redis.call('XTRIM', dead, 'MAXLEN', ARGV[8])
redis.call('XTRIM', dead, 'MINID', string.format('%.0f', math.max(now() - tonumber(ARGV[7]), 0)))

local rung = redis.call('XREVRANGE', bell, '+', '-', 'COUNT', 1)[1]
local answer = {rung and rung[1] or '0-0', buried}
local lane, id = next_event()
while id do
  local entry = redis.call('XRANGE', stream, id, id)[1]
  if entry then
    local attempt = redis.call('HINCRBY', notes, id .. ':attempts', 1)
    redis.call('XCLAIM', stream, GROUP, consumer, 0, id, 'RETRYCOUNT', attempt, 'FORCE', 'JUSTID')
    redis.call('ZADD', held, 0, lane .. ':' .. id)
    local claim = redis.call('INCR', turns)
    redis.call('HSET', notes, id .. ':claim', claim)
    local progress = redis.call('HGET', notes, id .. ':progress') or ''
    table.insert(answer, {id, claim, attempt, entry[2][2], progress, now() - born(id)})
    return answer
  end
  -- Somebody deleted it from the stream by hand.
  forget(id)
  lane, id = next_event()
end
return answer
"""
)

RENEW = (
    OF_A_DELIVERY
    + """
redis.call('XCLAIM', stream, GROUP, consumer, 0, id, 'IDLE', 0, 'JUSTID')
return 1
"""
)

# ARGV: ..., what is new, as a JSON object.
RECORD = (
    OF_A_DELIVERY
    + """
local progress = cjson.decode(redis.call('HGET', notes, id .. ':progress') or '{}')
for name, value in pairs(cjson.decode(ARGV[4])) do progress[name] = value end
redis.call('HSET', notes, id .. ':progress', cjson.encode(progress))
return 1
"""
)

DONE = (
    OF_A_DELIVERY
    + """
put_down(id)
forget(id)
ring()
return 1
"""
)

# ARGV: ..., 1 to bury it, reason, how long it rests (ms).
FAILED = (
    OF_A_DELIVERY
    + """
local lane = put_down(id)
if ARGV[4] == '1' then
  bury(id, lane, ARGV[5])
else
  redis.call('ZADD', resting, string.format('%.0f', now() + tonumber(ARGV[6])), id)
end
ring()
return tonumber(ARGV[4])
"""
)

RELEASE = (
    OF_A_DELIVERY
    + """
give_back(id)
ring()
return 1
"""
)

# ARGV: consumer. Consumers that hold nothing, also those of killed processes, are forgotten; they come again as needed.
LEAVE = (
    COMMON
    + """
local left = redis.call('XPENDING', stream, GROUP, '-', '+', 10000, ARGV[1])
for _, pending in ipairs(left) do give_back(pending[1]) end
for _, fields in ipairs(redis.call('XINFO', 'CONSUMERS', stream, GROUP)) do
  local consumer = {}
  for at = 1, #fields, 2 do consumer[fields[at]] = fields[at + 1] end
  if consumer.pending == 0 then redis.call('XGROUP', 'DELCONSUMER', stream, GROUP, consumer.name) end
end
ring()
return #left
"""
)

# ARGV: id of the dead letter. What it left on the platform goes with it, its attempts do not.
REPLAY = (
    COMMON
    + """
local entry = redis.call('XRANGE', dead, ARGV[1], ARGV[1])[1]
if not entry then return 0 end
local kept = {}
for at = 1, #entry[2], 2 do kept[entry[2][at]] = entry[2][at + 1] end
local id = redis.call('XADD', stream, '*', 'body', kept.body)
redis.call('HSET', notes, id .. ':lane', kept.lane)
if kept.progress ~= '' then redis.call('HSET', notes, id .. ':progress', kept.progress) end
enqueue(kept.lane, id)
redis.call('XDEL', dead, ARGV[1])
ring()
return 1
"""
)

# Returns waiting, under way, dead, and the age of the oldest event (ms).
BACKLOG = (
    COMMON
    + """
local oldest = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
return {
  redis.call('ZCARD', queue) + redis.call('ZCARD', resting), redis.call('ZCARD', held), redis.call('XLEN', dead),
  oldest and now() - born(oldest[1]) or 0,
}
"""
)
