-- A document is version, created, updated (8 bytes each), how long the following is (4 bytes), for each
-- index the length of its name, the name, the length of its member less the id, that member; then
-- the JSON text, which no script ever reads.
local HEADER = 28

local function text_of(microseconds)
  -- The civil date of a number of days since 1970, by eras of 400 years that begin in March.
  local seconds = math.floor(microseconds / 1000000)
  local fraction = microseconds - seconds * 1000000
  local days = math.floor(seconds / 86400)
  local rest = seconds - days * 86400
  local shifted = days + 719468
  local era = math.floor(shifted / 146097)
  local day = shifted - era * 146097
  local year = math.floor((day - math.floor(day / 1460) + math.floor(day / 36524)
    - math.floor(day / 146096)) / 365)
  local of_year = day - (365 * year + math.floor(year / 4) - math.floor(year / 100))
  local month = math.floor((5 * of_year + 2) / 153)
  local date = of_year - math.floor((153 * month + 2) / 5) + 1
  month = month < 10 and month + 3 or month - 9
  year = year + era * 400 + (month <= 2 and 1 or 0)
  return string.format('%04d-%02d-%02dT%02d:%02d:%02d.%06dZ', year, month, date,
    math.floor(rest / 3600), math.floor(rest / 60) % 60, rest % 60, fraction)
end

local function part_of(key, descending)
  local part = string.gsub(key, '%z', '\0\255') .. '\0\0'
  if not descending then return part end
  return (string.gsub(part, '.', function(one) return string.char(255 - string.byte(one)) end))
end

-- The sort key of a whole number above zero: its double with the sign turned, and no remainder.
local function number_key(value)
  local double = struct.pack('>d', value)
  return '\4' .. string.char(string.byte(double) + 128) .. string.sub(double, 2) .. '\0\0'
end

local function system_part(code, created, updated, version)
  local kind = string.lower(code)
  local key
  if kind == 'v' then
    key = number_key(version)
  else
    key = '\5' .. text_of(kind == 'c' and created or updated) .. '\0'
  end
  return part_of(key, code ~= kind)
end

-- Returns the beginning of a member, from its template.
local function filled(template, created, updated, version)
  local parts, at = {}, 1
  while at <= #template do
    local code = string.sub(template, at, at)
    if code == 'k' then
      local length = struct.unpack('>H', template, at + 1)
      parts[#parts + 1] = string.sub(template, at + 3, at + 2 + length)
      at = at + 3 + length
    else
      parts[#parts + 1] = system_part(code, created, updated, version)
      at = at + 1
    end
  end
  return table.concat(parts)
end

-- Returns the entries of a document's own list: member less the id, by name; nil if it is no such list.
local function members_of(list)
  local members, at = {}, 1
  while at <= #list do
    local from = at + 1 + string.byte(list, at)
    if from + 1 > #list then return nil end
    local length = struct.unpack('>H', list, from)
    members[string.sub(list, at + 1, from - 1)] = string.sub(list, from + 2, from + 1 + length)
    at = from + 2 + length
  end
  if at == #list + 1 then return members end
end

-- Returns what a document's key holds before the text: the header and the members, '' and {} where there
-- is none, nothing if it was not written by us: the text is an object. A key of another type fails the
-- script.
local NO_MEMBERS, BRACE = {}, 123
local function stored_of(key)
  local header = redis.call('GETRANGE', key, 0, HEADER)
  if header == '' then return header, NO_MEMBERS end
  if #header <= HEADER then return end
  local length = struct.unpack('>I4', header, 25)
  if length == 0 then
    if string.byte(header, HEADER + 1) == BRACE then return header, NO_MEMBERS end
    return
  end
  local list = redis.call('GETRANGE', key, HEADER, HEADER + length)
  if string.byte(list, length + 1) ~= BRACE then return end
  return header, members_of(string.sub(list, 1, length))
end

local function entry(name, member)
  return string.char(#name) .. name .. struct.pack('>H', #member) .. member
end

-- Members to add to or take from each index, by its key.
local function collector()
  local lists = {}
  return lists, function(key, ...)
    local list = lists[key]
    if not list then
      list = {}
      lists[key] = list
    end
    for _, one in ipairs({...}) do list[#list + 1] = one end
  end
end
