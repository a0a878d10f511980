-- KEYS: version, ids, epoch, then a row's key for each document.
-- ARGV: beginning of the indexes' keys; how many indexes the writer knows; their names, joined by
--       commas; version that the only document must have, 0 for none, '' for any;
--       then for each document: id, templates, JSON.
-- Returns the version, false if the document has another one, -1 if the writer knows too few indexes.
local count = #KEYS - 3
local prefix, known = ARGV[1], tonumber(ARGV[2])
if tonumber(redis.call('GET', KEYS[3]) or '0') > known then return -1 end

local names = {}
for name in string.gmatch(ARGV[3], '[^,]+') do names[#names + 1] = name end
-- Every key is read before the first is written: one of another type fails the whole call.
redis.call('ZCARD', KEYS[2])
local sets = {}
for _, name in ipairs(names) do sets[name] = true end
local headers, members = {}, {}
for row = 1, count do
  local header, held = stored_of(KEYS[3 + row])
  if not held then return foreign(KEYS[3 + row]) end
  for name in pairs(held) do sets[name] = true end
  headers[row], members[row] = header, held
end
for name in pairs(sets) do redis.call('ZCARD', prefix .. name) end

if ARGV[4] ~= '' then
  local found = 0
  if #headers[1] > 0 then found = struct.unpack('>i8', headers[1]) end
  if found ~= tonumber(ARGV[4]) then return false end
end

local now, version = tick(KEYS[1])
local removed, remove = collector()
local added, add = collector()
for row = 1, count do
  local at = 5 + 3 * (row - 1)
  local id, template, json = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local created = now
  if #headers[row] > 0 then
    local _, old = struct.unpack('>i8i8', headers[row])
    created = old
  else
    add(KEYS[2], 0, id)
  end
  local kept, from = {}, 1
  local fresh = {}
  for _, name in ipairs(names) do
    local length = struct.unpack('>H', template, from)
    local member = filled(string.sub(template, from + 2, from + 1 + length), created, now, version)
    from = from + 2 + length
    fresh[name] = member
    kept[#kept + 1] = entry(name, member)
  end
  for name, member in pairs(members[row]) do
    if fresh[name] == member then
      fresh[name] = nil
    else
      remove(prefix .. name, member .. id)
    end
  end
  for name, member in pairs(fresh) do add(prefix .. name, 0, member .. id) end
  local list = table.concat(kept)
  redis.call('SET', KEYS[3 + row],
    struct.pack('>i8i8i8I4', version, created, now, #list) .. list .. json)
end
for key, members in pairs(removed) do call_all('ZREM', key, members) end
for key, members in pairs(added) do call_all('ZADD', key, members) end
return string.format('%.0f', version)
