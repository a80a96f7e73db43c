-- The requests of wrk: -- KIND FIRST COUNT SEED LOGIN [close]
--   load     one of COUNT customers from the id FIRST on, drawn at random
--   create   a customer with a card, under a code that nobody else has
--   pay      a payment by card of one of these customers, in an order that is random and comes to each once
--   mixed    all of that, searches, lists and mistakes
--   nothing, c, php   what the product is compared with
local kind, first, count, seed, common, numbers, turn, step

local function greatest(a, b)
  while b > 0 do a, b = b, a % b end
  return a
end

function init(words)
  kind, first, count, seed = words[1], tonumber(words[2]), tonumber(words[3]), tonumber(words[4])
  math.randomseed(seed)
  common = " HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n"
  if kind ~= "c" and kind ~= "php" and kind ~= "nothing" then
    common = common .. "Authorization: Basic " .. words[5] .. "\r\n"
  end
  if words[6] == "close" then common = common .. "Connection: close\r\n" end
  turn = math.random(count)
  -- A step without a common divisor comes to each customer once before it comes to one again.
  step = math.random(math.floor(count / 3), math.floor(count / 2))
  while greatest(count, step) ~= 1 do step = step + 1 end
end

local function get(path)
  return "GET " .. path .. common .. "\r\n"
end

local function send(method, path, body)
  return method .. " " .. path .. common .. "Content-Type: application/json\r\nContent-Length: " .. #body
    .. "\r\n\r\n" .. body
end

local function drawn()
  return first + math.random(count) - 1
end

local function create()
  turn = turn + 1
  return send("PUT", "/api/v01/customers",
    '{"firstName":"Ann","lastName":"Lee","code":"b' .. string.format("%d-%d", seed, turn)
    .. '","email":"ann.lee@example.com","street":"1 Elm Street","city":"Springfield","zipCode":"12345",'
    .. '"countryCode":"US","paymentOptions":[{"accountNumber":"4111111111111111","accountAccessory":"1239",'
    .. '"holderName":"Ann Lee"}]}')
end

local function pay()
  turn = (turn + step) % count
  return send("POST", "/api/v01/customers/" .. (first + turn) .. "/transactions/~process", '{"amount":1500}')
end

local function listed() return get("/api/v01/customers/" .. drawn() .. "/transactions?limit=20") end
local function found() return get("/api/v01/customers?limit=20&lastName=lee&offset=" .. math.random(100)) end
local function loaded() return get("/api/v01/customers/" .. drawn()) end

local mixture = {
  loaded, loaded, loaded, loaded, loaded, loaded, listed, listed, listed, listed, found, create, pay,
  function() return get("/api/v01/customers/" .. drawn() .. "/payment-options") end,
  function() return get("/api/v01/customers/1") end,
  function() return send("PUT", "/api/v01/customers", '{"firstName":"Ann","lastNam') end,
  function() return send("POST", "/api/v01/customers/" .. drawn(), '{"city":"City ' .. math.random(99) .. '"}') end,
}

function request()
  if kind == "load" then return loaded() end
  if kind == "create" then return create() end
  if kind == "pay" then return pay() end
  if kind == "nothing" then return get("/bench/nothing") end
  if kind == "mixed" then return mixture[math.random(#mixture)]() end
  return get("/bench/" .. kind .. "/" .. drawn())
end

function done(summary, latency)
  local e = summary.errors
  print(string.format(
    '\nFIGURES {"requests":%d,"seconds":%.6f,"bytes":%d,"refused":%d,"failed":%d,"p50":%.1f,"p99":%.1f,"most":%.1f}',
    summary.requests, summary.duration / 1e6, summary.bytes, e.status, e.connect + e.read + e.write + e.timeout,
    latency:percentile(50), latency:percentile(99), latency.max))
end
