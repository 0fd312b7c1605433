#pragma once

/* What each role's Redis user may do: the rules of ACL SETUSER or of a `user` line, without the
 * user's name, "on" and its password. One place, used by whoever sets a Redis up.
 *
 * A Redis function runs with its caller's rights, so a role needs the commands inside it as well.
 * Key patterns: Redis matches '*' with any bytes, also with a ':'. A pattern ending in "}:log"
 * would therefore match a key whose page is spelled so; such a key is a sketch, which none of the
 * collector's commands can read. */

/* The collector appends to the log, reads the site list, and publishes what is live. It cannot read
 * a count: of writers it sees numbers of batches. */
#define ACL_COLLECTOR                                                                              \
    "resetchannels resetkeys -@all ~ff:{*}:log ~ff:{*}:writers"                                    \
    " +fcall +xadd +xlen +hget +hset +hlen +type +ping"                                            \
    " (%R~ff:sites +hget +hgetall)"                                                                \
    " (&ff:live:* +publish)"                                                                       \
    " (&ff:sites +subscribe +psubscribe +unsubscribe +punsubscribe)"

/* The aggregator loads the functions, applies the log, sets aside what it cannot apply, closes days
 * by the settings of their sites, adds months up, and prunes. It cannot list the key space, nor add
 * to the log. */
#define ACL_AGGREGATOR                                                                             \
    "resetchannels resetkeys -@all ~ff:{*}:*"                                                      \
    " +function|load +function|list +fcall +ping"                                                  \
    " +type +get +getrange +set +del +unlink +strlen +exists +hget +hmget +hset +hkeys"            \
    " +pfcount +pfmerge +pexpire +pexpireat +pexpiretime +xread +xrange +xtrim +xlen +xdel "       \
    "+xsetid"                                                                                      \
    " +time +watch +unwatch +multi +exec (~ff:{*}:quarantine +xadd) (~ff:{*}:writers +hscan "      \
    "+hdel)"                                                                                       \
    " (~ff:{*}:open +hdel +hgetall) (~ff:{*}:*:* +hgetall) (%R~ff:sites +hmget +hgetall)"

/* The dashboards read: several keys in one step (MULTI), how long the log is, and what is live.
 * They change nothing. */
#define ACL_DASHBOARDS                                                                             \
    "resetchannels resetkeys -@all %R~ff:* &ff:live:* &ff:sites"                                   \
    " +get +getrange +exists +mget +hget +hmget +hgetall +xlen +multi +exec +discard +ping"        \
    " +subscribe +psubscribe +unsubscribe +punsubscribe"

/* The operator's commands: the site list, the audit of every key, set-up and stop. It may delete a
 * key of any site, since removing a site forgets its counts, but change none; it may put entries of
 * the quarantine back into the log, or discard them; and an import appends to the log and to its
 * site's row of imports. */
#define ACL_ADMIN                                                                                  \
    "resetchannels resetkeys -@all %R~* ~ff:sites &ff:*"                                           \
    " +@read +hset +hdel +publish +subscribe +psubscribe +unsubscribe +punsubscribe"               \
    " +multi +exec +discard +ping +info +memory|usage +config|get +acl|whoami +acl|dryrun"         \
    " +function|load +function|list +bgrewriteaof +shutdown"                                       \
    " (~ff:{*}:* +del) (~ff:{*}:open +hdel) (~ff:{*}:log ~ff:{*}:quarantine +fcall +xadd +xdel)"   \
    " (~ff:{*}:log ~ff:{*}:*:imports +fcall +type +xlen +xadd +hget +hset +hlen)"
