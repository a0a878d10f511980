-- KEYS: a row's key for each entry, at most a thousand.
-- Returns their headers, one after the other: zeros where there is no row.
local headers, unknown = headers_of(KEYS)
if unknown then return foreign(unknown) end
local absent = string.rep('\0', HEADER)
for row = 1, #headers do
  if headers[row] == '' then headers[row] = absent end
end
return table.concat(headers)
