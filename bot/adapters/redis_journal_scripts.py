"""The steps of the journal that must be one, as Lua. Knows nothing of Python's types; `redis_journal.py` runs these."""

_NOW = """
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
"""

# Message ids have up to 64 bits, more than Lua's numbers hold, and times come as 1700000000.000100 or in ISO 8601:
# so the runs of digits are compared one by one, by length first.
_NEWER = """
local function newer(one, other)
  local these, those = string.gmatch(one, '%d+'), string.gmatch(other, '%d+')
  while true do
    local this, that = these(), those()
    if not this or not that then return this ~= nil end
    this, that = string.gsub(this, '^0+', ''), string.gsub(that, '^0+', '')
    if #this ~= #that then return #this > #that end
    if this ~= that then return this > that end
  end
end
"""

# Keys: entry, working. ARGV: entry, how long it is kept (ms), state, `delivery question` or '', how long that counts.
WRITE = (
    _NOW
    + """
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
if ARGV[4] == '' then return end
if ARGV[3] == 'working' then
  redis.call('ZADD', KEYS[2], string.format('%.0f', now), ARGV[4])
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('(%.0f', now - tonumber(ARGV[5])))
  redis.call('PEXPIRE', KEYS[2], ARGV[5])
else
  redis.call('ZREM', KEYS[2], ARGV[4])
end
"""
)

# Key: working. ARGV: how long `delivery question` counts (ms).
UNDER_WAY = (
    _NOW
    + """
return redis.call('ZRANGEBYSCORE', KEYS[1], string.format('%.0f', now - tonumber(ARGV[1])), '+inf')
"""
)

# Key: halt. ARGV: halt, how long it is kept (ms), reason, revision. What is deleted stays deleted.
HALT = (
    _NEWER
    + """
local whole, last = pcall(cjson.decode, redis.call('GET', KEYS[1]) or '')
if whole and type(last) == 'table' then
  if last.reason == 'deleted' then return end
  local edited = last.reason == 'edited' and type(last.revision) == 'string' and ARGV[3] == 'edited'
  if edited and newer(last.revision, ARGV[4]) then return end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
"""
)

# Key: seen. ARGV: message, how long it is kept (ms).
SEEN = (
    _NEWER
    + """
local last = redis.call('GET', KEYS[1])
if not last or newer(ARGV[1], last) then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
"""
)
