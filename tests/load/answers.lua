-- What wrk sends: unique, valid submissions, each from a phone of its own (a connection); and what
-- it writes down: every receipt, so that each can be looked for afterwards. wrk gives every thread
-- a Lua state of its own; a reply carries its receipt, so no request needs to be remembered.
local letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
local threads = 0
local statuses = {}

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

local function base32(value, length)
  local text = ""
  for _ = 1, length do
    local digit = value % 32
    text = letters:sub(digit + 1, digit + 1) .. text
    value = (value - digit) / 32
  end
  return text
end

-- args: the submission with "%ID%" where the id stands, a folder for receipts, ms between a
-- connection's requests, and a run's own letters.
function init(args)
  local file = assert(io.open(args[1], "r"))
  template = file:read("*a")
  file:close()
  receipts = assert(io.open(args[2] .. "/" .. number .. ".txt", "w"))
  pause = tonumber(args[3])
  run = args[4]
  sent = 0
  headers = {["Content-Type"] = "application/json"}
  math.randomseed(os.time() + number)
end

function delay()
  if pause > 0 then return math.random(0, 2 * pause) end
  return 0
end

function request()
  sent = sent + 1
  local id = base32(os.time() * 1000, 10) .. run .. base32(number, 2) .. base32(sent, 8)
  return wrk.format("POST", nil, headers, (template:gsub("%%ID%%", id)))
end

function response(status, _, body)
  statuses[status] = (statuses[status] or 0) + 1
  local receipt = status < 300 and body:match('"receipt":"([0-9A-Z]+)"')
  if receipt then receipts:write(receipt, "\n") end
  receipts:flush()
end
