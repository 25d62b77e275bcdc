-- Holds credits for one job over the workspace's lots in order, all or nothing.
-- KEYS: 1 the lots of the workspace (hash), 2 the job's hold (hash). ARGV: 1 price, 2 now in milliseconds.
-- 1 held, 0 held before under this key, -1 not enough.
if redis.call('EXISTS', KEYS[2]) == 1 then
  return 0
end
local price, now = tonumber(ARGV[1]), tonumber(ARGV[2])
local lots = tonumber(redis.call('HGET', KEYS[1], 'lots') or '0')
local left, parts = price, {}
for n = 1, lots do
  local lot = redis.call('HMGET', KEYS[1], n .. ':available', n .. ':expires')
  local available, expires = tonumber(lot[1]), tonumber(lot[2])
  if available > 0 and (expires == 0 or expires > now) then
    local take = math.min(left, available)
    parts[#parts + 1] = { n, take }
    left = left - take
    if left == 0 then
      break
    end
  end
end
if left > 0 then
  return -1
end
local fields = { 'state', 'held', 'parts', #parts }
for i, part in ipairs(parts) do
  redis.call('HINCRBY', KEYS[1], part[1] .. ':available', -part[2])
  redis.call('HINCRBY', KEYS[1], part[1] .. ':held', part[2])
  fields[#fields + 1] = 'lot' .. i
  fields[#fields + 1] = part[1]
  fields[#fields + 1] = 'amount' .. i
  fields[#fields + 1] = part[2]
end
redis.call('HSET', KEYS[2], unpack(fields))
return 1
