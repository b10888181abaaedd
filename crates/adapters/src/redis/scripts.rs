//! What runs on the server in one piece: taking a lease, filling under it, beginning and ending a
//! change.
//!
//! A person is one hash. For each kind of thing it holds a *token*, present only while nobody is
//! changing that kind, and the values read under it. Beside it stand the *marks* of changes that have
//! begun and not ended, by deadline. Values and tokens go together, so a hash lost whole is a miss
//! and never a mistake.

use std::sync::LazyLock;

use ::redis::Script;

/// Takes tokens and values of some kinds away and leaves the mark of a change.
///
/// Keys: hash, marks. Arguments: mark, how many milliseconds it lasts, fields.
pub(super) static BEGIN: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "redis.call('HDEL', KEYS[1], unpack(ARGV, 3))
         local t = redis.call('TIME')
         local now = t[1] * 1000 + math.floor(t[2] / 1000)
         redis.call('ZADD', KEYS[2], now + ARGV[2], ARGV[1])
         redis.call('PEXPIRE', KEYS[2], ARGV[2])
         return 1",
    )
});

/// Takes tokens and values of some kinds away once more, and the mark with them.
///
/// Keys: hash, marks. Arguments: mark, fields.
pub(super) static END: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "redis.call('HDEL', KEYS[1], unpack(ARGV, 2))
         redis.call('ZREM', KEYS[2], ARGV[1])
         return 1",
    )
});

/// The tokens of some kinds, made where there is none; nothing while one of them is being changed.
///
/// Keys: hash, marks. Arguments: a fresh token, how many milliseconds a new hash is kept, the letters
/// of the kinds, their fields.
pub(super) static LEASE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local t = redis.call('TIME')
         local now = t[1] * 1000 + math.floor(t[2] / 1000)
         redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
         for _, mark in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
           if string.find(ARGV[3], string.sub(mark, 1, 1), 1, true) then return {} end
         end
         for i = 4, #ARGV do redis.call('HSETNX', KEYS[1], ARGV[i], ARGV[1]) end
         if redis.call('PTTL', KEYS[1]) == -1 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
         return redis.call('HMGET', KEYS[1], unpack(ARGV, 4))",
    )
});

/// Keeps a value if every token is still the one it was read under.
///
/// Keys: hash. Arguments: field, value, then fields of tokens with their tokens.
pub(super) static FILL: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "for i = 3, #ARGV, 2 do
           if redis.call('HGET', KEYS[1], ARGV[i]) ~= ARGV[i + 1] then return 0 end
         end
         redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
         return 1",
    )
});

/// Every script, as they are loaded where a server does not know one.
pub(super) fn all() -> [&'static Script; 4] {
    [&BEGIN, &END, &LEASE, &FILL]
}
