"""Where the durable intake keeps what in Redis, and the Lua that all of its scripts share.

Knows nothing of Python's types. All keys are in one slot of a cluster:

    stream    the events; its consumer group `workers` says who holds which one, since when, for the how many-th time
    queue     sorted set by name, course:author:turn:id, of the events that nobody holds
    held      sorted set by name, course:author:id, of the events that somebody holds
    courses   sorted set by turn, of the courses that have something in the queue
    authors   sorted set by name, course:turn:author, of the authors who have something in the queue
    resting   sorted set by the millisecond of Redis' clock at which an event that failed may be tried again
    notes     hash: ID:lane (course:author), ID:attempts, ID:progress (JSON), ID:claim (new each time it is held)
    dead      the stream of dead letters
    bell      a stream of one entry, which is new whenever it may be worth looking into the queue again
    turn      the last number that was given out, for turns and for claims
"""

KEYS = ("stream", "queue", "held", "courses", "authors", "resting", "notes", "dead", "bell", "turn")

# A consumer group hands events out in the order in which they came, so one student's flood would be served before
# everybody else's question; and a window that a worker reads ahead is full of that flood, too. So nobody reads by
# the group: the script picks the event, and XCLAIM with FORCE gives it to a consumer. Whose turn it is: the course
# served longest ago, of it the author served longest ago, of theirs the oldest question. Who comes new into a ring
# stands at its end, so nobody waits longer than everyone else's one question.
# Only Redis' clock is asked, and only for ages: machines may disagree on the time as they like.
COMMON = """
local stream, queue, held, courses, authors, resting, notes, dead, bell, turns = unpack(KEYS)
local GROUP = 'workers'

if redis.call('EXISTS', stream) == 0 then redis.call('XGROUP', 'CREATE', stream, GROUP, '0', 'MKSTREAM') end

local function now()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local function born(id) return tonumber(string.match(id, '^%d+')) end

local function last(name) return string.match(name, '[^:]*$') end

local function among(set, prefix)
  return redis.call('ZLEXCOUNT', set, '[' .. prefix .. ':', '(' .. prefix .. ';')
end

local function first_among(set, prefix, most)
  return redis.call('ZRANGEBYLEX', set, '[' .. prefix .. ':', '(' .. prefix .. ';', 'LIMIT', 0, most)
end

local function next_turn() return string.format('%016.0f', redis.call('INCR', turns)) end

local function lane_of(id) return redis.call('HGET', notes, id .. ':lane') end

local function attempts_of(id) return tonumber(redis.call('HGET', notes, id .. ':attempts') or 0) end

local function ring()
  if redis.call('ZCARD', queue) > 0 then redis.call('XADD', bell, 'MAXLEN', 1, '*', 'rung', 1) end
end

-- Into the queue; with `again`, before whatever has not been tried yet.
local function enqueue(lane, id, again)
  local course, author = string.match(lane, '^([^:]*):([^:]*)$')
  local at = again and string.rep('0', 16) or next_turn()
  if among(queue, lane) == 0 then redis.call('ZADD', authors, 0, course .. ':' .. at .. ':' .. author) end
  redis.call('ZADD', courses, 'NX', at, course)
  redis.call('ZADD', queue, 0, lane .. ':' .. at .. ':' .. id)
end

local function forget(id)
  redis.call('XDEL', stream, id)
  redis.call('HDEL', notes, id .. ':lane', id .. ':attempts', id .. ':progress', id .. ':claim')
end

-- Out of a consumer's hands.
local function put_down(id)
  redis.call('XACK', stream, GROUP, id)
  redis.call('HDEL', notes, id .. ':claim')
  local lane = lane_of(id)
  if lane then redis.call('ZREM', held, lane .. ':' .. id) end
  return lane
end

local function give_back(id)
  local lane = put_down(id)
  if not lane then return end
  redis.call('HINCRBY', notes, id .. ':attempts', -1)
  enqueue(lane, id, true)
end

local function bury(id, lane, reason)
  local entry = redis.call('XRANGE', stream, id, id)[1]
  if entry then
    redis.call('XADD', dead, '*', 'body', entry[2][2], 'lane', lane, 'reason', reason, 'attempts', attempts_of(id),
      'progress', redis.call('HGET', notes, id .. ':progress') or '')
  end
  forget(id)
end
"""

# All scripts about a delivery begin with ARGV: id, claim, consumer; they return -1 if the claim is not the last one.
OF_A_DELIVERY = (
    COMMON
    + """
local id, claim, consumer = ARGV[1], ARGV[2], ARGV[3]
if redis.call('HGET', notes, id .. ':claim') ~= claim then return -1 end
"""
)
