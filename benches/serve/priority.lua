-- Requests of every priority, as many of each. What is shed comes back at once, so whoever is shed waits before asking again.
function request()
  return wrk.format("GET", "/catalog/page", { ["x-priority"] = math.random(0, 99), ["Host"] = "shop.example" })
end
function delay()
  return 50
end
