#!lua name=footfall

-- The steps of the log that must happen whole: `append` and `import` (a batch of a collector, or of
-- an imported log, enters the log once), `apply` (entries of the log become counts once),
-- `quarantine` and `retry` (an entry that cannot be applied steps aside, and comes back once), and
-- `prune`. Loaded by the aggregator, embedded in the executable. Redis does not roll a function back,
-- so each of them checks everything first and then makes only calls that can no longer fail. No answer
-- holds a byte of a value or a payload. `apply` is in functions_apply.lua.
--
-- append   KEYS 1 log  2 writers
--          ARGV 1 writer: 16 digits 0-9a-f  2 number: 1, 2, 3 ...  3 payload  4 now, ms since 1970
--   status OK   in the log now: entry {w writer, n number, p payload}; writers[writer] = number:time,
--               the later of `now` and the log's own clock
--   status DUP  the number is not above the writer's last: it is in the log already, a success
--   status GAP  the number is past the writer's next: the ones before it have to come first
--   error  BADARG, BADTYPE, BADROW, FULL (the log holds LOG_ENTRIES_MAX entries, or there are
--          WRITERS_MAX writers and this is a new one)
--   Example:
--     FCALL append 2 ff:{0}:log ff:{0}:writers 00f1e2d3c4b5a697 1 <payload> 1795400000000
--
-- import   KEYS 1 log  2 the site's imports
--          ARGV 1 import: 16 digits 0-9a-f  2 number: 1, 2, 3 ...  3 payload
--               4 what it covers, as in import_row.h: lines, head and digest
--   bulk          the id of its entry {w import, n number, p payload}; imports[import] = number:covers
--   status DUP    the import's last batch is this one: it is in the log already, a success
--   status OTHER  the import stands elsewhere: another run of it has been faster
--   error  BADARG, BADTYPE, BADROW, FULL (the log), FULLROWS (IMPORTS_MAX imports, and this is new)
--
-- apply    KEYS 1 cursor  2 log  3 scratch, then H live hashes, S sketches, and the hash of open days
--               when there are some
--          ARGV 1 from  2 to  3 H  4 S, then
--               for each live hash: expiry, I, R, K, expiry of its sketches, I times (field,
--                    increment, or two as "3:2"), R times (field, number), of which the last K are
--                    the estimates of its sketches
--               for each sketch, hash by hash: HYLL string
--               for each day that is changed: its field of the open days
--   status OK     the cursor stood at `from` (an absent cursor is 0-0) and stands at `to` now;
--                 increments are added, the R other fields (marks, and estimates of sketches, 'u'
--                 and the value) are set where the number is higher, sketches are merged, their
--                 estimates are set where that is higher, every key has at least its expiry (ms
--                 since 1970), each day's field is `to`, and the log is trimmed up to `to`
--   status MOVED  the cursor stood elsewhere
--   error  BADARG n     argument n is malformed, or key n is given twice (n < 0: key -n)
--          BADTYPE n    key n holds another type
--          BADFIELD n   the field at argument n holds no integer, or not two where there are two
--                       increments, or one of them or of these is not within (-2^53, 2^53)
--          BADSKETCH n  the sketch at argument n, or the stored one it belongs to, is corrupt
--   After MOVED or an error nothing is changed.
--   Example: one visitor's first view, of "/a" on example.com: batch 9 of its writer, entry 5-0
--     FCALL apply 7  ff:{0}:cursor  ff:{0}:log  ff:{0}:scratch
--                    ff:{0}:example.com:live:20261123:total  ff:{0}:example.com:live:20261123:page
--                    ff:{0}:example.com:seen:20261123:page:/a
--                    ff:{0}:open
--       4-0 5-0 2 1
--       1861315200000 2 1 0 1795532400000  v 1  s 1  @00f1e2d3c4b5a697 9
--       1861315200000 1 1 1 1795532400000  v/a 1  u/a 1
--       <HYLL string>
--       example.com:20261123
--
-- close    KEYS 1 open days  2 day's record  3 month's names, then the keys that go
--          ARGV 1 the day's field  2 what it was when the day was read  3 length of the names then
--               4 record, or nothing to seal none  5 its expiry
--               6 names that are new, to come behind those that are there  7 the names' expiry
--   status OK     the record and the names are there, names with at least that expiry; the keys and
--                 the field are gone, and the open days' field `closed` is the time
--   status MOVED  the field or the names are others: nothing is changed
--   error  BADARG, BADTYPE n
--
-- fold     KEYS 1 names  2 month's record, then the days of the month
--          ARGV 1 length of the names  2 the new names  3 the new record of the month  4 their expiry
--               5 the month's record and then each day's as they were read; nothing for none
--   status OK     the month has the new record and names, with at least that expiry, and no days
--   status MOVED  the names or a record are others: nothing is changed
--   error  BADARG, BADTYPE n
--
-- quarantine  KEYS 1 cursor  2 log  3 quarantine
--             ARGV 1 where the cursor stands  2 the log's first entry  3 why, in words  4 kept, ms
--   status OK     that entry is in the quarantine, as {e its id, r why, and w n p as it had them;
--                 or f, its fields packed, when they are not those of append}, and no longer in the
--                 log. The cursor stands at it, or stays when it stood further already: then what
--                 comes next comes after the cursor. The quarantine expires `kept` after its last.
--   status MOVED  the cursor or the log's first entry is another
--   error  BADARG, BADTYPE n, FULL (the quarantine holds QUARANTINE_ENTRIES_MAX entries)
--
-- retry    KEYS 1 quarantine  2 log          ARGV 1 id in the quarantine
--   status OK     it is the log's last entry now, and no longer in the quarantine
--   status GONE   it is not in the quarantine (any more)
--   status NONE   append did not write it, so it stays where it is
--   error  BADARG, BADTYPE n, FULL (the log)
--
-- prune    KEYS 1 writers  2 quarantine
--          ARGV 1 scan  2 now, ms since 1970  3 how long rows are kept, ms  4 and entries
--   Removes those of some hundred writers' rows that are older, from where an earlier call came to
--   (at first 0), and all older entries of the quarantine. It is `now` when Redis's clock agrees,
--   else the earlier of the two.
--   list   where the next call goes on (0: at the end), rows removed, entries removed
--   error  BADARG, BADTYPE n

local LOG_ENTRIES_MAX = 200000
local WRITERS_MAX = 300000
local QUARANTINE_ENTRIES_MAX = 1000
local REASON_BYTES_MAX = 600
local IMPORTS_MAX = 20000
local PAYLOAD_BYTES_MAX = 1024 * 1024
local NUMBER_LIMIT = 2 ^ 53 -- beyond it Lua's numbers are not exact
local CHUNK = 500           -- fields a call; unpack() has a limit of some thousands

-- What most counts and increments are, in both forms, as they are met: looking one up takes a tenth
-- of the time that checking or printing it takes, and `apply` does little else.
local NUMBER_OF, TEXT_OF = {}, {}
local REMEMBERED_MIN, REMEMBERED_MAX = -1000, 9999

local function remember(number, text)
    if number >= REMEMBERED_MIN and number <= REMEMBERED_MAX then
        NUMBER_OF[text], TEXT_OF[number] = number, text
    end
end

-- A decimal integer in (-2^53, 2^53) in its only spelling, or nil.
local function integer(text)
    if not text then return nil end
    local number = NUMBER_OF[text]
    if number then return number end
    if text == '0' then return 0 end
    if #text > 17 or not text:find('^%-?[1-9]%d*$') then return nil end
    number = tonumber(text)
    if number <= -NUMBER_LIMIT or number >= NUMBER_LIMIT then return nil end
    remember(number, text)
    return number
end

local function natural(text)
    local number = integer(text)
    return number and number >= 0 and number or nil
end

local function spelled(number)
    local text = TEXT_OF[number]
    if not text then
        text = string.format('%.0f', number)
        remember(number, text)
    end
    return text
end

local function has_type(key, wanted)
    local found = redis.call('TYPE', key).ok
    return found == wanted or found == 'none', found ~= 'none'
end

local function bad(what, at)
    return {err = at and (what .. ' ' .. spelled(at)) or what}
end

-- An entry's id as two numbers, or nil for what is no id.
local function id_parts(id)
    local ms, seq = (id or ''):match('^(%d+)%-(%d+)$')
    return natural(ms), natural(seq)
end

local function expire(key, was_there, expiry)
    if not was_there or redis.call('PEXPIRETIME', key) < expiry then
        redis.call('PEXPIREAT', key, spelled(expiry))
    end
end

local function drop(command, keys, first, last)
    for from = first, last, CHUNK do
        redis.call(command, unpack(keys, from, math.min(from + CHUNK - 1, last)))
    end
end

-- --- append ---------------------------------------------------------------------------------

local function append(keys, args)
    local log, writers = keys[1], keys[2]
    local writer, number, payload, now = args[1], natural(args[2]), args[3], natural(args[4])
    if #keys ~= 2 or #args ~= 4 or #writer ~= 16 or writer:find('[^0-9a-f]') or not number
        or number == 0 or #payload == 0 or #payload > PAYLOAD_BYTES_MAX or not now then
        return bad('BADARG')
    end
    if not has_type(log, 'stream') or not has_type(writers, 'hash') then return bad('BADTYPE') end
    local row = redis.call('HGET', writers, writer)
    local last = row and natural(row:match('^(%d+):%d+$')) or (not row and 0)
    if not last then return bad('BADROW') end
    if number <= last then return redis.status_reply('DUP') end
    if number > last + 1 then return redis.status_reply('GAP') end
    if redis.call('XLEN', log) >= LOG_ENTRIES_MAX
        or (not row and redis.call('HLEN', writers) >= WRITERS_MAX) then
        return bad('FULL')
    end
    local id = redis.call('XADD', log, '*', 'w', writer, 'n', args[2], 'p', payload)
    local ms = id_parts(id)
    redis.call('HSET', writers, writer, args[2] .. ':' .. spelled(math.max(now, ms or now)))
    return redis.status_reply('OK')
end

-- --- import ---------------------------------------------------------------------------------

local function import(keys, args)
    local log, imports = keys[1], keys[2]
    local id, number, payload, covers = args[1], natural(args[2]), args[3], args[4]
    if #keys ~= 2 or #args ~= 4 or #id ~= 16 or id:find('[^0-9a-f]') or not number or number == 0
        or #payload == 0 or #payload > PAYLOAD_BYTES_MAX
        or not covers:find('^%d+:%d+:[0-9a-f]+$') or #covers > 80 then
        return bad('BADARG')
    end
    if not has_type(log, 'stream') or not has_type(imports, 'hash') then return bad('BADTYPE') end
    local row = redis.call('HGET', imports, id)
    local last = row and natural(row:match('^(%d+):')) or (not row and 0)
    local new = args[2] .. ':' .. covers
    if not last then return bad('BADROW') end
    if row == new then return redis.status_reply('DUP') end
    if number ~= last + 1 then return redis.status_reply('OTHER') end
    if not row and redis.call('HLEN', imports) >= IMPORTS_MAX then return bad('FULLROWS') end
    if redis.call('XLEN', log) >= LOG_ENTRIES_MAX then return bad('FULL') end
    local entry = redis.call('XADD', log, '*', 'w', id, 'n', args[2], 'p', payload)
    redis.call('HSET', imports, id, new)
    return entry
end

-- --- close ----------------------------------------------------------------------------------

local function close(keys, args)
    local open, day, names = keys[1], keys[2], keys[3]
    local field, mark, length = args[1], args[2], natural(args[3])
    local record, day_expiry = args[4], natural(args[5])
    local added, names_expiry = args[6], natural(args[7])
    if #keys < 3 or #args ~= 7 or not id_parts(mark) or not length or not day_expiry
        or not names_expiry then
        return bad('BADARG')
    end
    if not has_type(open, 'hash') then return bad('BADTYPE', 1) end
    if not has_type(day, 'string') then return bad('BADTYPE', 2) end
    if not has_type(names, 'string') then return bad('BADTYPE', 3) end
    if redis.call('HGET', open, field) ~= mark or redis.call('STRLEN', names) ~= length then
        return redis.status_reply('MOVED')
    end
    -- Not APPEND, which makes a string take twice its bytes.
    if #added > 0 then
        redis.call('SET', names, (redis.call('GET', names) or '') .. added, 'KEEPTTL')
    end
    if #record > 0 then
        redis.call('SET', day, record)
        redis.call('PEXPIREAT', day, spelled(day_expiry))
        expire(names, true, names_expiry)
    end
    drop('UNLINK', keys, 4, #keys)
    redis.call('HDEL', open, field)
    redis.call('HSET', open, 'closed', table.concat(redis.call('TIME'), '.'))
    return redis.status_reply('OK')
end

local function fold(keys, args)
    local names, month = keys[1], keys[2]
    local length, expiry = natural(args[1]), natural(args[4])
    if #keys < 3 or #args ~= 4 + #keys - 1 or not length or not expiry or #args[2] == 0
        or #args[3] == 0 then
        return bad('BADARG')
    end
    for i = 1, #keys do
        if not has_type(keys[i], 'string') then return bad('BADTYPE', i) end
    end
    if redis.call('STRLEN', names) ~= length then return redis.status_reply('MOVED') end
    for i = 2, #keys do
        if (redis.call('GET', keys[i]) or '') ~= args[3 + i] then
            return redis.status_reply('MOVED')
        end
    end
    local latest = math.max(expiry, redis.call('PEXPIRETIME', month))
    redis.call('SET', names, args[2])
    redis.call('SET', month, args[3])
    redis.call('PEXPIREAT', names, spelled(latest))
    redis.call('PEXPIREAT', month, spelled(latest))
    drop('UNLINK', keys, 3, #keys)
    return redis.status_reply('OK')
end

-- --- quarantine -----------------------------------------------------------------------------

-- Fields as append writes them: those of a batch.
local function is_batch(fields)
    return #fields == 6 and fields[1] == 'w' and fields[3] == 'n' and fields[5] == 'p'
end

local function quarantine(keys, args)
    local cursor, log, stored = keys[1], keys[2], keys[3]
    local from, id, reason, kept = args[1], args[2], args[3], natural(args[4])
    local from_ms, from_seq = id_parts(from)
    local ms, seq = id_parts(id)
    if #keys ~= 3 or #args ~= 4 or not from_ms or not from_seq or not ms or not seq
        or #reason == 0 or #reason > REASON_BYTES_MAX or not kept or kept == 0 then
        return bad('BADARG')
    end
    if not has_type(cursor, 'string') then return bad('BADTYPE', 1) end
    if not has_type(log, 'stream') then return bad('BADTYPE', 2) end
    if not has_type(stored, 'stream') then return bad('BADTYPE', 3) end
    local first = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
    if (redis.call('GET', cursor) or '0-0') ~= from or not first or first[1] ~= id then
        return redis.status_reply('MOVED')
    end
    if redis.call('XLEN', stored) >= QUARANTINE_ENTRIES_MAX then return bad('FULL') end
    local fields = first[2]
    if is_batch(fields) then
        redis.call('XADD', stored, '*', 'e', id, 'r', reason, unpack(fields))
    else
        redis.call('XADD', stored, '*', 'e', id, 'r', reason, 'f', cmsgpack.pack(fields))
    end
    redis.call('PEXPIRE', stored, spelled(kept))
    redis.call('XDEL', log, id)
    if ms > from_ms or (ms == from_ms and seq > from_seq) then
        redis.call('SET', cursor, id)
    else
        redis.pcall('XSETID', log, from) -- refused when the log is past the cursor already
    end
    return redis.status_reply('OK')
end

local function retry(keys, args)
    local stored, log, id = keys[1], keys[2], args[1]
    local ms, seq = id_parts(id)
    if #keys ~= 2 or #args ~= 1 or not ms or not seq then return bad('BADARG') end
    if not has_type(stored, 'stream') then return bad('BADTYPE', 1) end
    if not has_type(log, 'stream') then return bad('BADTYPE', 2) end
    local entry = redis.call('XRANGE', stored, id, id)[1]
    if not entry then return redis.status_reply('GONE') end
    local fields = {unpack(entry[2], 5)}
    if not is_batch(fields) then return redis.status_reply('NONE') end
    if redis.call('XLEN', log) >= LOG_ENTRIES_MAX then return bad('FULL') end
    redis.call('XADD', log, '*', unpack(fields))
    redis.call('XDEL', stored, id)
    return redis.status_reply('OK')
end

-- --- prune ----------------------------------------------------------------------------------

local function prune(keys, args)
    local writers, stored = keys[1], keys[2]
    local scan, now = args[1], natural(args[2])
    local rows_kept, entries_kept = natural(args[3]), natural(args[4])
    if #keys ~= 2 or #args ~= 4 or not scan:find('^%d+$') or not now or not rows_kept
        or not entries_kept then
        return bad('BADARG')
    end
    if not has_type(writers, 'hash') then return bad('BADTYPE', 1) end
    if not has_type(stored, 'stream') then return bad('BADTYPE', 2) end
    now = math.min(now, tonumber(redis.call('TIME')[1]) * 1000)
    local next_scan, rows = unpack(redis.call('HSCAN', writers, scan, 'COUNT', CHUNK))
    local removed = 0
    for i = 1, #rows, 2 do
        local time = natural(rows[i + 1]:match('^%d+:(%d+)$'))
        if time and now - time > rows_kept then
            removed = removed + redis.call('HDEL', writers, rows[i])
        end
    end
    local oldest = spelled(math.max(now - entries_kept, 0))
    local trimmed = redis.call('XTRIM', stored, 'MINID', oldest)
    return {next_scan, removed, trimmed}
end

redis.register_function('append', append)
redis.register_function('import', import)
redis.register_function('close', close)
redis.register_function('fold', fold)
redis.register_function('quarantine', quarantine)
redis.register_function('retry', retry)
redis.register_function('prune', prune)
