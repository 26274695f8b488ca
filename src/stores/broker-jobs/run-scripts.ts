import { longestRetryDelayMs } from '../../contracts/jobs.ts';

/** A run that has stored its end, or that may. Sets `status`, `fence`, `attempts`. */
const readRun = `
local id = ARGV[1]
local status, fence, attempts = unpack(call('HMGET', jobKey(id), 'status', 'fence', 'attempts'))
if not status then return 'gone' end
if fence ~= ARGV[2] then return 'useless' end`;

/** The scripts that lead a job from its delivery to its end. */
export const runScripts = {
  /**
   * ARGV: id, text or '', caller, skill, version, created, key, digest, fence, lease in ms, most attempts, shared limit
   * or -1, how long results are kept in ms. Gives what is to be done with the message:
   * ['run', attempt, interrupted], ['over'], ['dead', error], ['held', ms], ['early', ms], ['crowded'],
   * ['worn', fence, attempts], ['lost'] where there is no record and no text to make it of.
   */
  jobTake: `
local id, skill, mine, lease, limit = ARGV[1], ARGV[4], ARGV[9], ARGV[10], tonumber(ARGV[12])
local at = now()
local status, fence, attempts, due = unpack(call('HMGET', jobKey(id), 'status', 'fence', 'attempts', 'due'))
if not status then
  if ARGV[6] + ARGV[13] < at then return {'over'} end
  if ARGV[2] == '' then return {'lost'} end
  create(at, id, ARGV[2], ARGV[3], skill, ARGV[5], ARGV[6], ARGV[7], ARGV[8])
elseif isFinal(status) then
  if not call('ZSCORE', PREFIX .. 'dead', id) then return {'over'} end
  return {'dead', call('HGET', jobKey(id), 'error')}
elseif status == 'running' and fence ~= mine then
  local rest = call('PTTL', PREFIX .. 'lock:' .. id)
  if rest > 0 then return {'held', rest} end
  if tonumber(attempts) >= tonumber(ARGV[11]) then return {'worn', fence, attempts} end
  interrupt(id, at, attempts)
elseif status == 'running' then
  return {'run', attempts, call('HGET', jobKey(id), 'interrupted')}
elseif due and due - at > 0 and due - at <= ${longestRetryDelayMs} then
  return {'early', math.ceil(due - at)}
end
if limit >= 0 then
  local running = tonumber(call('HGET', PREFIX .. 'per-skill', 'running:' .. skill) or 0)
  if running >= limit then return {'crowded'} end
end
if not call('SET', PREFIX .. 'lock:' .. id, mine, 'NX', 'PX', lease) then
  return {'held', call('PTTL', PREFIX .. 'lock:' .. id)}
end
attempts = call('HINCRBY', jobKey(id), 'attempts', 1)
call('ZREM', PREFIX .. 'outbox', id)
call('HDEL', jobKey(id), 'due')
call('HSET', jobKey(id), 'fence', mine, 'started', whole(at))
enter(id, 'running', at + lease)
note(id, at, 'running', attempts)
return {'run', attempts, call('HGET', jobKey(id), 'interrupted')}`,

  /** ARGV: id, skill. The job's message is there, and is put off. Gives how many jobs of the skill are queued. */
  jobPutBehind: `
call('ZADD', PREFIX .. 'queued', 'XX', whole(now()), ARGV[1])
return tonumber(call('HGET', PREFIX .. 'per-skill', 'queued:' .. ARGV[2]) or 0)`,

  /**
   * ARGV: id, fence, status, version, error or '', output or '', '1' for a dead one, how long it is kept in ms.
   * Gives 'stored', 'useless' or 'gone'; the same again to who asks again.
   */
  jobEnd: `${readRun}
if status == ARGV[3] then return 'stored' end
if status ~= 'running' then return 'useless' end
local at = now()
local failure = ARGV[5] ~= '' and ARGV[5]
local isDead = ARGV[7] == '1'
call('HDEL', jobKey(id), 'error')
call('HSET', jobKey(id), 'version', ARGV[4], 'ended', whole(at))
if failure then call('HSET', jobKey(id), 'error', failure) end
if ARGV[6] ~= '' then call('HSET', jobKey(id), 'output', ARGV[6]) end
if isDead then call('ZADD', PREFIX .. 'dead', 0, id) else call('HDEL', jobKey(id), 'text') end
call('DEL', PREFIX .. 'lock:' .. id)
enter(id, ARGV[3], at + ARGV[8])
note(id, at, ARGV[3], attempts, failure)
return 'stored'`,

  /** ARGV: id, fence, error, delay in ms. Gives as jobEnd does. */
  jobRetry: `${readRun}
if status == 'queued' then return 'stored' end
if status ~= 'running' then return 'useless' end
local at = now()
local due = at + math.ceil(ARGV[4])
call('HDEL', jobKey(id), 'interrupted')
call('HSET', jobKey(id), 'error', ARGV[3], 'due', whole(due))
call('DEL', PREFIX .. 'lock:' .. id)
enter(id, 'queued', at)
note(id, at, 'queued', attempts, ARGV[3], due)
return 'stored'`,

  /** ARGV: id, fence. Gives as jobEnd does. */
  jobRelease: `${readRun}
if status == 'queued' then return 'stored' end
if status ~= 'running' then return 'useless' end
local at = now()
attempts = call('HINCRBY', jobKey(id), 'attempts', -1)
call('DEL', PREFIX .. 'lock:' .. id)
enter(id, 'queued', at)
note(id, at, 'queued', attempts)
return 'stored'`,

  /** ARGV: lease in ms, then id and fence of each run. Gives [id, status, …] of those that are good no more. */
  jobRenew: `
local until_ = whole(now() + ARGV[1])
local lost = {}
for index = 2, #ARGV, 2 do
  local id, mine = ARGV[index], ARGV[index + 1]
  local status, fence = unpack(call('HMGET', jobKey(id), 'status', 'fence'))
  if status == 'running' and fence == mine then
    call('SET', PREFIX .. 'lock:' .. id, mine, 'PX', ARGV[1])
    call('ZADD', PREFIX .. 'running', until_, id)
  else
    lost[#lost + 1] = id
    lost[#lost + 1] = status or ''
  end
end
return lost`,

  /** ARGV: ms since the lease ended, how many. Gives [id, fence, attempts, text, …]. */
  jobLapsed: `
local found = {}
local latest = whole(now() - ARGV[1])
for _, id in ipairs(call('ZRANGEBYSCORE', PREFIX .. 'running', '-inf', latest, 'LIMIT', 0, ARGV[2])) do
  if call('EXISTS', PREFIX .. 'lock:' .. id) == 0 then
    local fence, attempts, text = unpack(call('HMGET', jobKey(id), 'fence', 'attempts', 'text'))
    for _, value in ipairs({id, fence or '', attempts, text or ''}) do found[#found + 1] = value end
  end
end
return found`,

  /** ARGV: id, fence. Takes the job away from a run whose lease has ended. Gives 1 where it did. */
  jobTakeOver: `
local id = ARGV[1]
local status, fence, attempts = unpack(call('HMGET', jobKey(id), 'status', 'fence', 'attempts'))
if status ~= 'running' or fence ~= ARGV[2] or call('EXISTS', PREFIX .. 'lock:' .. id) == 1 then return 0 end
local at = now()
interrupt(id, at, attempts)
call('ZADD', PREFIX .. 'outbox', whole(at), id)
return 1`,

  /** ARGV: id, fence, error, how long it is kept in ms. Gives up a job whose lease has ended. Gives 1 where it did. */
  jobGiveUp: `
local id = ARGV[1]
local status, fence, attempts = unpack(call('HMGET', jobKey(id), 'status', 'fence', 'attempts'))
if status ~= 'running' or fence ~= ARGV[2] or call('EXISTS', PREFIX .. 'lock:' .. id) == 1 then return 0 end
local at = now()
call('HDEL', jobKey(id), 'fence')
call('HSET', jobKey(id), 'ended', whole(at), 'error', ARGV[3])
call('ZADD', PREFIX .. 'dead', 0, id)
enter(id, 'failed', at + ARGV[4])
note(id, at, 'failed', attempts, ARGV[3])
call('PUBLISH', PREFIX .. 'lost', id)
return 1`,

  /** ARGV: id, caller, how long it is kept in ms. */
  jobCancel: `
local id = ARGV[1]
local caller, status, attempts = unpack(call('HMGET', jobKey(id), 'caller', 'status', 'attempts'))
if caller ~= ARGV[2] or isFinal(status) then return 0 end
local at = now()
call('HDEL', jobKey(id), 'fence', 'due', 'error', 'text')
call('HSET', jobKey(id), 'ended', whole(at))
call('DEL', PREFIX .. 'lock:' .. id)
call('ZREM', PREFIX .. 'outbox', id)
enter(id, 'cancelled', at + ARGV[3])
note(id, at, 'cancelled', attempts)
call('PUBLISH', PREFIX .. 'lost', id)
return 1`,
};
