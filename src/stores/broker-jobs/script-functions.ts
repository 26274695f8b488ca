/**
 * What the scripts have in common. KEYS[1] is what all keys begin with; it holds a hash tag, so that all of them lie
 * in one slot of a Redis Cluster. The time is that of Redis alone.
 *
 * PREFIX..'job:ID'      the job: a hash
 * PREFIX..'events:ID'   what happened to it: a list of JSON texts
 * PREFIX..'lock:ID'     the fence of the run that has it, for as long as its lease
 * PREFIX..STATUS        the jobs in this state, by: when their message was last heard of; the end of
 *                       their lease; the end of their keeping
 * PREFIX..'per-skill'   how many jobs of a skill are queued and running: `STATUS:SKILL`
 * PREFIX..'caller:ID'   the caller's jobs
 * PREFIX..'key:NAME'    the job that an idempotency key made, and the digest of its input
 * PREFIX..'dead'        the jobs that were given up
 * PREFIX..'outbox'      the jobs that no broker has confirmed, by when they were last sent
 */
export const scriptFunctions = `
local PREFIX = KEYS[1]
local call = redis.call

local function now()
  local time = call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function whole(number) return string.format('%.0f', number) end

local function isFinal(status) return status == 'succeeded' or status == 'failed' or status == 'cancelled' end

local function jobKey(id) return PREFIX .. 'job:' .. id end

local function leave(id, status, skill)
  call('ZREM', PREFIX .. status, id)
  if not isFinal(status) then call('HINCRBY', PREFIX .. 'per-skill', status .. ':' .. skill, -1) end
end

local function enter(id, status, score)
  local was, skill = unpack(call('HMGET', jobKey(id), 'status', 'skill'))
  if was then leave(id, was, skill) end
  call('HSET', jobKey(id), 'status', status)
  call('ZADD', PREFIX .. status, whole(score), id)
  if not isFinal(status) then call('HINCRBY', PREFIX .. 'per-skill', status .. ':' .. skill, 1) end
end

local function note(id, at, status, attempts, failure, retryAt)
  local event = '{"atMs":' .. whole(at) .. ',"status":"' .. status .. '","attempts":' .. attempts
  if failure then event = event .. ',"error":' .. failure end
  if retryAt then event = event .. ',"retryAtMs":' .. whole(retryAt) end
  call('RPUSH', PREFIX .. 'events:' .. id, event .. '}')
  call('PUBLISH', PREFIX .. 'changed:' .. id, status)
end

local function create(at, id, text, caller, skill, version, created, key, digest)
  call('HSET', jobKey(id), 'text', text, 'caller', caller, 'skill', skill, 'version', version, 'created', created,
    'attempts', 0)
  call('ZADD', PREFIX .. 'caller:' .. caller, 0, id)
  if key ~= '' then
    call('HSET', PREFIX .. 'key:' .. key, 'job', id, 'digest', digest)
    call('HSET', jobKey(id), 'key', key)
  end
  enter(id, 'queued', at)
  note(id, at, 'queued', 0)
end

local function forget(id)
  local caller, skill, status, key = unpack(call('HMGET', jobKey(id), 'caller', 'skill', 'status', 'key'))
  if not status then return end
  leave(id, status, skill)
  call('ZREM', PREFIX .. 'caller:' .. caller, id)
  call('ZREM', PREFIX .. 'dead', id)
  call('ZREM', PREFIX .. 'outbox', id)
  if key then call('DEL', PREFIX .. 'key:' .. key) end
  call('DEL', jobKey(id), PREFIX .. 'events:' .. id, PREFIX .. 'lock:' .. id)
end

local function interrupt(id, at, attempts)
  call('HDEL', jobKey(id), 'fence', 'due')
  call('HSET', jobKey(id), 'interrupted', 1)
  call('DEL', PREFIX .. 'lock:' .. id)
  enter(id, 'queued', at)
  note(id, at, 'queued', attempts)
  call('PUBLISH', PREFIX .. 'lost', id)
end

local function summary(id)
  return call('HMGET', jobKey(id), 'skill', 'version', 'status', 'attempts', 'created', 'started', 'ended', 'error',
    'caller')
end
`;
