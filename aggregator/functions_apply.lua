-- Part of the library `footfall`, behind functions.lua, whose head says what `apply` takes and does.
--
-- Of an imported day, and of a day's first hour, most keys are new: they need no look at what is
-- stored, and take their fields as they came. The others are read, added to and written.

local SKETCH_REGISTERS = 16384
local SKETCH_HEAD = 'HYLL\1\0\0\0' -- of a sparse one; the layout is sketch.c's
local SKETCH_BODY_AT = 17
local SMALL_SKETCH = 1000 -- bytes: a larger one is for PFCOUNT to check
local HASH_ARGS = 5

-- What a cell of a cross counts, as "3:2": views (or events) and visits. What is written is what is
-- read and added to next time, so pairs are remembered as numbers are, for as long as there is room.
local VIEWS_OF, VISITS_OF, remembered_pairs = {}, {}, 0
local REMEMBERED_PAIRS_MAX = 20000

local function remember_pair(text, views, visits)
    if remembered_pairs == REMEMBERED_PAIRS_MAX then
        VIEWS_OF, VISITS_OF, remembered_pairs = {}, {}, 0
    end
    VIEWS_OF[text], VISITS_OF[text], remembered_pairs = views, visits, remembered_pairs + 1
end

local function pair(text)
    local views = VIEWS_OF[text]
    if views then return views, VISITS_OF[text] end
    local first, second = text:match('^(%d+):(%d+)$')
    local visits = natural(second)
    views = natural(first)
    if not views or not visits then return nil end
    remember_pair(text, views, visits)
    return views, visits
end

-- Adds the numbers of those of keys[first..last] that are there to `stored`. Returns nil, or an error.
local function find_stored(stored, keys, first, last, wanted)
    for from = first, last, CHUNK do
        local to = math.min(from + CHUNK - 1, last)
        if redis.call('EXISTS', unpack(keys, from, to)) > 0 then
            for i = from, to do
                local good, is_there = has_type(keys[i], wanted)
                if not good then return bad('BADTYPE', i) end
                stored[i] = is_there
            end
        end
    end
end

-- What is wrong with a number, or two, that is added or set.
local function bad_number(text, at)
    local is_large = not integer(text) and text:find('^%-?[1-9]%d*$')
        or not pair(text) and text:find('^%d+:%d+$')
    return bad(is_large and 'BADFIELD' or 'BADARG', at)
end

-- Checks the numbers of a hash that is not there. That its fields differ, which no write depends
-- on, is the caller's word: to look would take as long as to write them.
local function check_new_fields(hash, args, sums_end)
    for i = hash.first, hash.last, 2 do
        local text = args[i + 1]
        local number = VIEWS_OF[text] or NUMBER_OF[text] or integer(text) or pair(text)
        if not number or (i >= sums_end and not natural(text)) then return bad_number(text, i) end
    end
end

local function within(number)
    return number > -NUMBER_LIMIT and number < NUMBER_LIMIT
end

-- What is stored and what comes as one text, or nil and whether what comes is malformed; nothing is
-- stored when `value` is false.
local function summed(value, text)
    local number = NUMBER_OF[text] or integer(text)
    if number then
        local sum = not value and 0 or NUMBER_OF[value] or integer(value)
        sum = sum and sum + number
        return sum and within(sum) and (TEXT_OF[sum] or spelled(sum)) or nil
    end
    local views, visits = pair(text)
    if not views then return nil, true end
    local known_views, known_visits = 0, 0
    if value then known_views, known_visits = pair(value) end
    if not known_views then return nil end
    views, visits = known_views + views, known_visits + visits
    if not within(views) or not within(visits) then return nil end
    local sum = spelled(views) .. ':' .. spelled(visits)
    if not VIEWS_OF[sum] then remember_pair(sum, views, visits) end
    return sum
end

-- The higher of both, likewise.
local function raised(value, text)
    local number, known = natural(text), not value and 0 or natural(value)
    if not number then return nil, true end
    return known and (number > known and text or value or '0') or nil
end

-- The values that fields of a hash get: before args[sums_end] by adding, then by the higher of both.
local function plan_fields(hash, args, sums_end)
    local given, writes, count = {}, hash.writes, 0
    for from = hash.first, hash.last, 2 * CHUNK do
        local names, n = {}, 0
        for i = from, math.min(from + 2 * CHUNK - 2, hash.last), 2 do
            n = n + 1
            names[n] = args[i]
        end
        local values = redis.call('HMGET', hash.key, unpack(names))
        for k = 1, n do
            local i, field, value = from + 2 * (k - 1), names[k], values[k]
            local text, is_sum = args[i + 1], i < sums_end
            if given[field] then return bad('BADARG', i) end
            given[field] = true
            local result, is_malformed = (is_sum and summed or raised)(value, text)
            if is_malformed then return bad_number(text, i) end
            if not result then return bad('BADFIELD', i) end
            if result ~= value then
                writes[count + 1] = field
                writes[count + 2] = result
                count = count + 2
            end
        end
    end
end

-- Reads one live hash's arguments from args[at] on. Returns the hash and where the next one's
-- arguments start, or nil and an error.
local function plan_hash(key, stored, args, at)
    local expiry, sums, raised = natural(args[at]), natural(args[at + 1]), natural(args[at + 2])
    local sketches, sketch_expiry = natural(args[at + 3]), natural(args[at + 4])
    if not expiry or not sums or not raised or not sketches or not sketch_expiry
        or sketches > raised then
        return nil, bad('BADARG', at)
    end
    local first, last = at + HASH_ARGS, at + HASH_ARGS - 1 + 2 * (sums + raised)
    if last > #args then return nil, bad('BADARG', at) end
    local hash = {key = key, stored = stored, expiry = expiry, first = first, last = last,
                  sketches = sketches, sketch_expiry = sketch_expiry, writes = {}}
    local problem
    if stored then
        problem = plan_fields(hash, args, first + 2 * sums)
    else
        problem = check_new_fields(hash, args, first + 2 * sums)
    end
    if problem then return nil, problem end
    return hash, last + 1
end

-- True for a small sparse sketch whose runs are those of all registers: nothing else is wrong that
-- PFCOUNT would find. Most have one register, between two long runs of zeros: those are not looped
-- over.
local function is_small_sketch(text)
    if #text > SMALL_SKETCH or text:sub(1, 8) ~= SKETCH_HEAD then return false end
    local zeros, low, rank, more_zeros, more_low, rest = text:byte(SKETCH_BODY_AT, SKETCH_BODY_AT + 5)
    if more_low and not rest and zeros >= 0x40 and zeros < 0x80 and rank >= 0x80 and rank % 4 == 0
        and more_zeros >= 0x40 and more_zeros < 0x80 then
        return (zeros - 0x40 + more_zeros - 0x40) * 256 + low + more_low + 3 == SKETCH_REGISTERS
    end
    local bytes, registers, i = {text:byte(SKETCH_BODY_AT, -1)}, 0, 1
    while bytes[i] do
        local byte = bytes[i]
        if byte >= 0x80 then
            registers = registers + byte % 4 + 1
        elseif byte >= 0x40 then
            i = i + 1
            registers = registers + (byte - 0x40) * 256 + (bytes[i] or SKETCH_REGISTERS) + 1
        else
            registers = registers + byte + 1
        end
        i = i + 1
    end
    return registers == SKETCH_REGISTERS
end

-- The estimate of what the merge of a sketch will give. PFCOUNT of two keys, present or not, fails
-- on a corrupt one and, unlike that of one, writes nothing.
local function merged_estimate(key, scratch, sketch)
    redis.call('SET', scratch, sketch)
    local estimate = redis.pcall('PFCOUNT', scratch, key)
    return type(estimate) == 'number' and estimate or nil
end

-- Checks a sketch, and plans what the merge makes of its estimate. Returns false if it is corrupt.
local function plan_sketch(key, stored, scratch, hash, field, text)
    if not stored and is_small_sketch(text) then return true end
    local estimate = merged_estimate(key, scratch, text)
    if not estimate then return false end
    local known = redis.call('HGET', hash.key, field)
    if estimate < NUMBER_LIMIT and estimate > (known and natural(known) or 0) then
        hash.writes[#hash.writes + 1] = field
        hash.writes[#hash.writes + 1] = spelled(estimate)
    end
    return true
end

-- The sketches of all hashes: the first one's key is keys[n], its string args[at]. Those of a hash
-- that is not there are not looked for: whatever is left of an earlier day is replaced.
local function plan_sketches(keys, stored, hashes, args, n, at)
    for _, hash in ipairs(hashes) do
        local problem = hash.stored
            and find_stored(stored, keys, n, n + hash.sketches - 1, 'string')
        if problem then return problem end
        for field = hash.last + 1 - 2 * hash.sketches, hash.last, 2 do
            if not plan_sketch(keys[n], stored[n], keys[3], hash, args[field], args[at]) then
                return bad('BADSKETCH', at)
            end
            n, at = n + 1, at + 1
        end
    end
end

-- Everything is checked and planned; nothing but the scratch key is written. Returns the hashes,
-- which sketches are stored, and where the days' arguments start, or nil and an error.
local function plan(keys, args, hash_count, sketch_count, open)
    local hashes, at, sketches = {}, 5, 0
    local stored = {}
    local problem = find_stored(stored, keys, 4, 3 + hash_count, 'hash')
    if problem then return nil, problem end
    for i = 1, hash_count do
        hashes[i], at = plan_hash(keys[3 + i], stored[3 + i], args, at)
        if not hashes[i] then return nil, at end
        sketches = sketches + hashes[i].sketches
    end
    local days = #args - (at - 1 + sketch_count)
    if sketches ~= sketch_count or days < 0 or (days > 0) ~= (open ~= nil) then
        return nil, bad('BADARG', at)
    end
    if open and not has_type(open, 'hash') then return nil, bad('BADTYPE', #keys) end
    problem = plan_sketches(keys, stored, hashes, args, 4 + hash_count, at)
    if problem then return nil, problem end
    return hashes, stored, at + sketch_count
end

local function write_fields(key, list, first, last)
    for from = first, last, 2 * CHUNK do
        redis.call('HSET', key, unpack(list, from, math.min(from + 2 * CHUNK - 1, last)))
    end
end

local function write_hashes(hashes, args)
    for _, hash in ipairs(hashes) do
        if not hash.stored then write_fields(hash.key, args, hash.first, hash.last) end
        write_fields(hash.key, hash.writes, 1, #hash.writes)
        expire(hash.key, hash.stored, hash.expiry)
    end
end

-- Those of all hashes: the first one's key is keys[n], its string args[at].
local function write_sketches(keys, stored, hashes, args, n, at)
    local scratch = keys[3]
    for _, hash in ipairs(hashes) do
        local expiry = spelled(hash.sketch_expiry)
        for _ = 1, hash.sketches do
            if stored[n] then
                redis.call('SET', scratch, args[at])
                redis.call('PFMERGE', keys[n], scratch)
                expire(keys[n], true, hash.sketch_expiry)
            else
                redis.call('SET', keys[n], args[at], 'PXAT', expiry)
            end
            n, at = n + 1, at + 1
        end
    end
end

local function find_twice(keys)
    local seen = {}
    for i = 1, #keys do
        if seen[keys[i]] then return i end
        seen[keys[i]] = true
    end
end

local function apply(keys, args)
    local cursor, log, from, to = keys[1], keys[2], args[1], args[2]
    local hash_count, sketch_count = natural(args[3]), natural(args[4])
    local from_ms, from_seq = id_parts(from)
    local to_ms, to_seq = id_parts(to)
    if not from_seq or not to_seq or not from_ms or not to_ms or to_ms < from_ms
        or (to_ms == from_ms and to_seq <= from_seq) or not hash_count or not sketch_count
        or #keys < 3 + hash_count + sketch_count or #keys > 4 + hash_count + sketch_count then
        return bad('BADARG', 1)
    end
    local open = keys[3 + hash_count + sketch_count + 1]
    if not has_type(cursor, 'string') then return bad('BADTYPE', 1) end
    if not has_type(log, 'stream') then return bad('BADTYPE', 2) end
    if (redis.call('GET', cursor) or '0-0') ~= from then return redis.status_reply('MOVED') end
    local twice = find_twice(keys)
    if twice then return bad('BADARG', -twice) end
    local hashes, stored, days = plan(keys, args, hash_count, sketch_count, open)
    if hashes then
        write_hashes(hashes, args)
        write_sketches(keys, stored, hashes, args, 4 + hash_count, days - sketch_count)
    end
    redis.call('DEL', keys[3])
    if not hashes then return stored end
    for i = days, #args do redis.call('HSET', open, args[i], to) end
    redis.call('SET', cursor, to)
    redis.call('XTRIM', log, 'MINID', spelled(to_ms) .. '-' .. spelled(to_seq + 1))
    return redis.status_reply('OK')
end

redis.register_function('apply', apply)
