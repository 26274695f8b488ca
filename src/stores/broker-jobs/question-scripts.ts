/** The scripts that answer what is asked about jobs, and forget those whose time is over. */
export const questionScripts = {
  /** ARGV: id, caller. Gives [summary, output], or nil. */
  jobFind: `
local found = summary(ARGV[1])
if found[9] ~= ARGV[2] then return false end
return {found, call('HGET', jobKey(ARGV[1]), 'output')}`,

  /**
   * ARGV: caller, skill or '', status or '', the id before which to look or '', how many ids to look at. Gives the id
   * at which it stopped or nil at the end, and [id, summary, …].
   */
  jobList: `
local latest = ARGV[4] == '' and '+' or '(' .. ARGV[4]
local ids = call('ZREVRANGEBYLEX', PREFIX .. 'caller:' .. ARGV[1], latest, '-', 'LIMIT', 0, ARGV[5])
local found = {}
for _, id in ipairs(ids) do
  local job = summary(id)
  if (ARGV[2] == '' or job[1] == ARGV[2]) and (ARGV[3] == '' or job[3] == ARGV[3]) then
    found[#found + 1] = id
    found[#found + 1] = job
  end
end
return {#ids == tonumber(ARGV[5]) and ids[#ids], found}`,

  /** ARGV: id, caller, how many events to leave out. Gives JSON texts, or nil. */
  jobEvents: `
if call('HGET', jobKey(ARGV[1]), 'caller') ~= ARGV[2] then return false end
return call('LRANGE', PREFIX .. 'events:' .. ARGV[1], ARGV[3], -1)`,

  /** ARGV: the states. Gives how many jobs are in each. */
  jobCounts: `
local at = '(' .. whole(now())
local counts = {}
for index, status in ipairs(ARGV) do
  if isFinal(status) then counts[index] = call('ZCOUNT', PREFIX .. status, at, '+inf')
  else counts[index] = call('ZCARD', PREFIX .. status) end
end
return counts`,

  /** ARGV: how many. Gives [id, summary, …] of the newest dead jobs. */
  jobDead: `
local found = {}
for _, id in ipairs(call('ZREVRANGEBYLEX', PREFIX .. 'dead', '+', '-', 'LIMIT', 0, ARGV[1])) do
  found[#found + 1] = id
  found[#found + 1] = summary(id)
end
return found`,

  /** ARGV: how many. Forgets ended jobs whose time is over. Gives how many there were. */
  jobSweep: `
local at = whole(now())
local count = 0
for _, status in ipairs({'succeeded', 'failed', 'cancelled'}) do
  for _, id in ipairs(call('ZRANGEBYSCORE', PREFIX .. status, '-inf', at, 'LIMIT', 0, ARGV[1] - count)) do
    forget(id)
    count = count + 1
  end
end
return count`,
};
