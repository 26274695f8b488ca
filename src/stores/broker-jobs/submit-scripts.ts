/** A job's message and what of it Redis has to know: `text, caller, skill, version, created, key, digest`. */
const message = 'ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8]';

/** The scripts that accept jobs, and see to it that the broker has them. */
export const submitScripts = {
  /**
   * ARGV: id, the message, the most jobs that may wait. Gives ['accepted'], ['full'], ['conflict'], or
   * ['repeated', id, its text where no broker has confirmed it].
   */
  jobSubmit: `
local id, key, digest = ARGV[1], ARGV[7], ARGV[8]
if key ~= '' then
  local first, before = unpack(call('HMGET', PREFIX .. 'key:' .. key, 'job', 'digest'))
  if first then
    if before ~= digest then return {'conflict'} end
    local isUnsent = call('ZSCORE', PREFIX .. 'outbox', first)
    return {'repeated', first, isUnsent and call('HGET', jobKey(first), 'text')}
  end
end
if call('ZCARD', PREFIX .. 'queued') >= tonumber(ARGV[9]) then return {'full'} end
local at = now()
create(at, id, ${message})
call('ZADD', PREFIX .. 'outbox', whole(at), id)
return {'accepted'}`,

  /** ARGV: id. Forgets a job that the broker does not have. */
  jobWithdraw: `
local isUnsent = call('ZSCORE', PREFIX .. 'outbox', ARGV[1])
if isUnsent and call('HGET', jobKey(ARGV[1]), 'status') == 'queued' then forget(ARGV[1]) end
return 1`,

  /** ARGV: id. The broker has the job. */
  jobSent: `
call('ZADD', PREFIX .. 'queued', 'XX', whole(now()), ARGV[1])
return call('ZREM', PREFIX .. 'outbox', ARGV[1])`,

  /** ARGV: age in ms, how many. Gives [id, text, …] of jobs that nobody has sent for so long, as sent now. */
  jobUnsent: `
local at = now()
local found = {}
for _, id in ipairs(call('ZRANGEBYSCORE', PREFIX .. 'outbox', '-inf', whole(at - ARGV[1]), 'LIMIT', 0, ARGV[2])) do
  local status, text = unpack(call('HMGET', jobKey(id), 'status', 'text'))
  if status == 'queued' and text then
    call('ZADD', PREFIX .. 'outbox', whole(at), id)
    found[#found + 1] = id
    found[#found + 1] = text
  else
    call('ZREM', PREFIX .. 'outbox', id)
  end
end
return found`,

  /**
   * ARGV: age in ms, how many. Puts jobs into the outbox, to be sent now, of whose messages
   * nothing was heard for so long. Gives how many.
   */
  jobOverdue: `
local latest = now() - ARGV[1]
local count = 0
for _, id in ipairs(call('ZRANGEBYSCORE', PREFIX .. 'queued', '-inf', whole(latest), 'LIMIT', 0, ARGV[2])) do
  local due = call('HGET', jobKey(id), 'due')
  if not due or tonumber(due) <= latest then count = count + call('ZADD', PREFIX .. 'outbox', 'NX', 0, id) end
end
return count`,

  /** ARGV: id. Queues a dead job again. Gives its text, or nil. */
  jobRetryDead: `
local id = ARGV[1]
if not call('ZSCORE', PREFIX .. 'dead', id) then return false end
local at = now()
call('ZREM', PREFIX .. 'dead', id)
call('HDEL', jobKey(id), 'started', 'ended', 'error', 'interrupted', 'fence', 'due')
call('HSET', jobKey(id), 'attempts', 0)
enter(id, 'queued', at)
note(id, at, 'queued', 0)
call('ZADD', PREFIX .. 'outbox', whole(at), id)
return call('HGET', jobKey(id), 'text')`,
};
