-- Gives documents that are there already their entries in indexes that are new to them.
-- KEYS: a row's key for each document.
-- ARGV: beginning of the indexes' keys; the names of all indexes, joined by commas; then for each
--       document: id, its version as it was read, templates.
-- One that has changed since, or is gone, is passed over: who changed it knows the indexes.
local prefix = ARGV[1]
local names = {}
for name in string.gmatch(ARGV[2], '[^,]+') do names[#names + 1] = name end
local added, add = collector()
for row = 1, #KEYS do
  local at = 3 + 3 * (row - 1)
  local id, seen, template = ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2]
  local whole = redis.call('GET', KEYS[row])
  if whole then
    local version, created, updated, length = struct.unpack('>i8i8i8I4', whole)
    if version == seen then
      local kept, from = {}, 1
      for _, name in ipairs(names) do
        local size = struct.unpack('>H', template, from)
        local member = filled(string.sub(template, from + 2, from + 1 + size), created, updated, version)
        from = from + 2 + size
        kept[#kept + 1] = entry(name, member)
        add(prefix .. name, 0, member .. id)
      end
      local list = table.concat(kept)
      redis.call('SET', KEYS[row], struct.pack('>i8i8i8I4', version, created, updated, #list)
        .. list .. string.sub(whole, HEADER + length + 1))
    end
  end
end
for key, members in pairs(added) do call_all('ZADD', key, members) end
return redis.status_reply('OK')
