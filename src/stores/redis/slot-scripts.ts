/**
 * What both scripts begin with. KEYS: who has a slot (by the end of its lease), who waits for one (in the order of
 * their coming), until when those are taken to be alive. ARGV begins with: slots, lease in ms. Times are those of
 * Redis. A lease that ends later than it can is one from before Redis's clock was set back: it is over.
 */
const prelude = `local held, line, alive = KEYS[1], KEYS[2], KEYS[3]
local slots, lease = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function give(token)
  redis.call('ZADD', held, now + lease, token)
  redis.call('PEXPIRE', held, 2 * lease)
end

local function countHeld()
  redis.call('ZREMRANGEBYSCORE', held, '-inf', now)
  return redis.call('ZCARD', held)
end

local function grant(asking)
  redis.call('ZREMRANGEBYSCORE', held, now + 2 * lease, '+inf')
  local free = slots - countHeld()
  while free > 0 do
    local token = redis.call('ZPOPMIN', line)[1]
    if not token then return end
    local aliveUntil = tonumber(redis.call('ZSCORE', alive, token) or 0)
    redis.call('ZREM', alive, token)
    if aliveUntil > now then
      give(token)
      if not asking[token] then
        redis.call('PUBLISH', 'skillgate:slots:' .. string.match(token, '^[^:]+'), token)
      end
      free = free - 1
    end
  end
end
`;

/**
 * ARGV goes on with: how long those who wait are taken to be alive, in ms; how many of the tokens that follow have a
 * slot; these; and those that wait. The former keep their slots, also where Redis had lost them. Gives those of the
 * latter that have one now.
 */
export const tendSlots = `${prelude}
local patience, holders = tonumber(ARGV[3]), tonumber(ARGV[4])
if holders == 0 and #ARGV == 5 and redis.call('ZCARD', line) == 0 and countHeld() < slots then
  give(ARGV[5])
  return {ARGV[5]}
end
for i = 5, 4 + holders do give(ARGV[i]) end
local asking = {}
for i = 5 + holders, #ARGV do
  local token = ARGV[i]
  asking[token] = true
  if not redis.call('ZSCORE', held, token) then
    redis.call('ZADD', line, 'NX', time[1] * 1000000 + time[2] + i, token)
    redis.call('ZADD', alive, now + patience, token)
  end
end
for _, key in ipairs({line, alive}) do redis.call('PEXPIRE', key, 2 * lease) end
grant(asking)
local granted = {}
for token in pairs(asking) do
  if redis.call('ZSCORE', held, token) then granted[#granted + 1] = token end
end
return granted`;

/** ARGV goes on with tokens, which give back their slots, or their places in the line. */
export const leaveSlots = `${prelude}
for i = 3, #ARGV do
  for _, key in ipairs(KEYS) do redis.call('ZREM', key, ARGV[i]) end
end
if redis.call('ZCARD', line) > 0 then grant({}) end
return 1`;
