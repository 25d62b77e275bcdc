-- Settles a job's hold, once. KEYS: 1 the lots of the workspace (hash), 2 the job's hold (hash).
-- 1 settled, 0 settled before.
if redis.call('HGET', KEYS[2], 'state') ~= 'held' then
  return 0
end
local parts = tonumber(redis.call('HGET', KEYS[2], 'parts'))
for i = 1, parts do
  local part = redis.call('HMGET', KEYS[2], 'lot' .. i, 'amount' .. i)
  redis.call('HINCRBY', KEYS[1], part[1] .. ':held', -tonumber(part[2]))
  redis.call('HINCRBY', KEYS[1], part[1] .. ':consumed', part[2])
end
redis.call('HSET', KEYS[2], 'state', 'settled')
return 1
