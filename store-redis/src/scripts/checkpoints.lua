-- Checkpoints, as far as a script looks into them: version, two times, kind of outcome, what there is besides (1: a child,
-- 2: what it says of completions), three lengths, then what it says of completions, after its length, if it is there, then
-- name, child, encoding and payload.
local HEADER = 31

-- Name, child, encoding and what it says of completions; nothing when the value is damaged.
local function open_checkpoint(value)
  if #value < HEADER or string.byte(value, 1) ~= 1 then return nil end
  local kind, besides, name, child, encoding = struct.unpack('>BBI4I4I4', value, 18)
  local at, completions = HEADER + 1, false
  if besides > 1 then
    if besides > 3 or #value < HEADER + 4 then return nil end
    at = at + 4 + struct.unpack('>I4', value, at)
    completions = string.sub(value, HEADER + 5, at - 1)
  end
  local has_child = besides % 2
  local rest = at - 1 + name + child + encoding
  if kind > 2 or rest > #value then return nil end
  if kind == 0 and (encoding > 0 or rest < #value) then return nil end
  if has_child == 0 and child > 0 then return nil end
  return string.sub(value, at, at + name - 1),
    has_child == 1 and string.sub(value, at + name, at + name + child - 1),
    string.sub(value, at + name + child, rest), completions
end

-- A checkpoint without outcome and child, with a payload (length of its encoding, encoding, bytes) as its success.
local function with_success(checkpoint, payload)
  return string.sub(checkpoint, 1, 17) .. '\1' .. string.sub(checkpoint, 19, 27)
    .. string.sub(payload, 1, 4) .. string.sub(checkpoint, HEADER + 1) .. string.sub(payload, 5)
end

-- A checkpoint of a child, without outcome, naming another one.
local function with_child(checkpoint, child)
  local before = string.sub(checkpoint, 28, #checkpoint - struct.unpack('>I4', checkpoint, 24))
  return string.sub(checkpoint, 1, 23) .. struct.pack('>I4', #child) .. before .. child
end
