-- A row is version, created, updated, expires (0: never), each 8 bytes, a flag, then the value.
local HEADER = 33
local BINARY, JSON = 98, 106

-- Returns the header of each row, '' where there is none, and the key of one that is not ours. A key of
-- another type fails the script. Lua's stack takes 8,000 values, and these are a thousand at most.
local function headers_of(rows)
  local headers = {}
  local some_are_there = redis.call('EXISTS', unpack(rows)) > 0
  for row = 1, #rows do
    local header = some_are_there and redis.call('GETRANGE', rows[row], 0, HEADER - 1) or ''
    local flag = string.byte(header, HEADER)
    if header ~= '' and flag ~= BINARY and flag ~= JSON then return headers, rows[row] end
    headers[row] = header
  end
  return headers
end
