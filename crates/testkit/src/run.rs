//! What the run hands to its tests: the URLs of its servers and a name of its own.

use url::Url;

/// The Postgres server of the run, as a role that may make databases.
pub const POSTGRES_URL: &str = "ASSENT_TEST_POSTGRES_URL";
/// The Redis server of the run.
pub const REDIS_URL: &str = "ASSENT_TEST_REDIS_URL";
/// A node of the Redis Cluster of the run.
pub const REDIS_CLUSTER_URL: &str = "ASSENT_TEST_REDIS_CLUSTER_URL";
/// The name of the run: the first part of everything it makes on servers that outlive it.
pub const RUN: &str = "ASSENT_TEST_RUN";

/// How many people race, where it is not the test's own number.
pub const RACERS: &str = "ASSENT_TEST_RACERS";

/// The longest name of a run: a database's name has 63 bytes.
const NAME_BYTES_MAX: usize = 16;

/// A URL the run must hand over; without it the test fails and says how it is run.
#[expect(clippy::panic, reason = "a test without its server fails; it is never skipped")]
pub(crate) fn server(name: &str) -> Url {
    let Some(text) = variable(name) else {
        panic!("`{name}` is not set: this test needs a server; run it by `cargo xtask it`");
    };
    match Url::parse(&text) {
        Ok(url) => url,
        Err(error) => panic!("`{name}` is not a URL ({error}); run this test by `cargo xtask it`"),
    }
}

/// How many people race where a run asks for another number than the test's own.
pub fn racers(otherwise: usize) -> usize {
    variable(RACERS).and_then(|it| it.parse().ok()).unwrap_or(otherwise)
}

/// The name of this run, lower-case letters and digits.
pub(crate) fn name() -> String {
    let given = variable(RUN).unwrap_or_default();
    let legal = |it: &char| it.is_ascii_lowercase() || it.is_ascii_digit();
    let name: String = given.chars().filter(legal).take(NAME_BYTES_MAX).collect();
    if name.is_empty() { "alone".to_owned() } else { name }
}

/// Sixteen characters nobody else has.
#[expect(clippy::expect_used, reason = "without randomness no test can be kept from another")]
pub(crate) fn unique() -> String {
    format!("{:016x}", getrandom::u64().expect("the system gives random bytes"))
}

#[expect(clippy::disallowed_methods, reason = "the run hands its servers over by the environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|it| !it.is_empty())
}
