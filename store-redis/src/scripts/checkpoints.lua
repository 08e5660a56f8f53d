-- Checkpoints, as far as a script looks into them: version, two times, kind of outcome, whether
-- there is a child, three lengths, then name, child, encoding and payload.
local HEADER = 31

-- Name, child and encoding; nothing when the value is damaged.
local function open_checkpoint(value)
  if #value < HEADER or string.byte(value, 1) ~= 1 then return nil end
  local kind, has_child, name, child, encoding = struct.unpack('>BBI4I4I4', value, 18)
  local rest = HEADER + name + child + encoding
  if kind > 2 or has_child > 1 or rest > #value then return nil end
  if kind == 0 and (encoding > 0 or rest < #value) then return nil end
  if has_child == 0 and child > 0 then return nil end
  local at = HEADER + 1
  return string.sub(value, at, at + name - 1),
    has_child == 1 and string.sub(value, at + name, at + name + child - 1),
    string.sub(value, at + name + child, rest)
end

-- A checkpoint without outcome and child, with a payload (length of its encoding, encoding, bytes) as its success.
local function with_success(checkpoint, payload)
  return string.sub(checkpoint, 1, 17) .. '\1' .. string.sub(checkpoint, 19, 27)
    .. string.sub(payload, 1, 4) .. string.sub(checkpoint, HEADER + 1) .. string.sub(payload, 5)
end

-- A checkpoint of a child, naming another one.
local function with_child(checkpoint, child)
  local name = string.sub(checkpoint, HEADER + 1, HEADER + struct.unpack('>I4', checkpoint, 20))
  return string.sub(checkpoint, 1, 19) .. struct.pack('>I4I4I4', #name, #child, 0) .. name .. child
end
