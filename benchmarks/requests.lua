-- What wrk sends: kind, first order id, API key, cookie of a session in the admin, merchant, the webhook's token. Prints
-- one line of figures at the end.
local kind, number, merchant, token
local headers = { ["Content-Type"] = "application/json", ["Connection"] = "keep-alive" }
local event = '{"event":"order_paid","event_type":"order","data":{"order_id":%d,"status":"aprovado","total":12990}}'
local pix = '{"customer":{"first_name":"Ana","last_name":"Souza","email":"ana@example.com","phone":"11987654321",'
  .. '"document_number":"52998224725","ip":"203.0.113.9"},"order":{"products_value":12990,"discount_value":0,'
  .. '"shipping_value":0,"products":[{"sku":"1","name":"Cafe","quantity":1,"unit_value":12990,"type":"physical"}]},'
  .. '"document_number":"52998224725"}'

function init(args)
  kind, number, merchant, token = args[1], tonumber(args[2]), args[5], args[6]
  headers["Authorization"] = "Api-Key " .. args[3]
  if kind:find("admin") then headers["Cookie"] = args[4] end
end

local kinds = {
  webhook = function() number = number + 1; return "POST", "/webhooks/appmax?token=" .. token, event:format(number) end,
  duplicate = function() return "POST", "/webhooks/appmax?token=" .. token, event:format(number) end,
  status = function() number = number + 1; return "GET", "/checkout/" .. merchant .. "/status/" .. number, nil end,
  pix = function() return "POST", "/checkout/" .. merchant .. "/pay/pix", pix end,
  installments = function() return "GET", "/checkout/" .. merchant .. "/installments?total_value=10000&installments=12", nil end,
  health = function() return "GET", "/health", nil end,
  ["admin-orders"] = function() return "GET", "/admin/orders/order/", nil end,
  ["admin-events"] = function() return "GET", "/admin/webhooks/webhookevent/", nil end,
  bare = function() return "GET", "/", nil end,
  ["bare-status"] = function() number = number + 1; return "GET", "/status/" .. number, nil end,
  ["bare-webhook"] = function() number = number + 1; return "POST", "/webhook", event:format(number) end,
}

function request()
  local method, path, body = kinds[kind]()
  return wrk.format(method, path, headers, body)
end

function done(summary, latency, requests)
  local failed = summary.errors
  io.write(("FIGURES %d %d %d %d %d %d\n"):format(summary.requests, summary.duration, latency:percentile(50),
    latency:percentile(99), failed.status, failed.connect + failed.read + failed.write + failed.timeout))
end
