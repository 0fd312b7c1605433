-- wrk's requests for the ingest benchmark: 5,000 client addresses, 50 pages, five browsers.
local AGENTS = {
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
  "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
  "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36",
}
local REFERRERS = {"", "https://www.google.com/", "https://news.example.org/item", "https://duckduckgo.com/"}
local requests, count, at = {}, 5000, 0

function init(args)
  math.randomseed(tonumber(args[1] or "1"))
  for i = 1, count do
    local page = "https%3A%2F%2Fbench.example%2Fpage-" .. math.random(1, 50)
    local referrer = REFERRERS[math.random(1, #REFERRERS)]:gsub(":", "%%3A"):gsub("/", "%%2F")
    local body = "s=bench.example&u=" .. page .. "&r=" .. referrer .. "&w=" .. (300 + i % 1500)
    requests[i] = wrk.format("POST", "/b", {
      ["Host"] = "stats.bench.example",
      ["Content-Type"] = "text/plain;charset=UTF-8",
      ["Origin"] = "https://bench.example",
      ["Accept-Language"] = "en-GB,en;q=0.9",
      ["User-Agent"] = AGENTS[1 + i % #AGENTS],
      ["X-Forwarded-For"] = string.format("81.%d.%d.%d", 2 + i % 7, math.floor(i / 250), 1 + i % 250),
    }, body)
  end
end

function request()
  at = at % count + 1
  return requests[at]
end


function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('RESULT {"requests":%d,"seconds":%.3f,"p50_us":%d,"p99_us":%d,"not_2xx":%d,"socket_errors":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99),
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
