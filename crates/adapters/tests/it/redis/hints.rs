//! Hints on Redis, plain and traced, over one server and over a stalled, cut and emptied one.

use std::time::Duration;

use adapters::{
    redis::{RedisHints, Settings},
    traced::Traced,
};
use async_trait::async_trait;
use kernel::{HintBus, Recovery, contract::hint::HintFixture};
use testkit::{Proxy, Weather};

use super::{PATIENT, address};

/// Long enough for a hint on a busy machine, short enough to be waited for in vain.
const WAIT: Duration = Duration::from_millis(300);

/// Two processes' ends of one bus.
pub(super) struct Ends<B> {
    one: B,
    other: B,
}

#[async_trait]
impl<B: HintBus> HintFixture for Ends<B> {
    fn one(&self) -> &dyn HintBus {
        &self.one
    }

    fn other(&self) -> &dyn HintBus {
        &self.other
    }
}

/// One process's end.
pub(super) fn end(url: &str, prefix: &str) -> RedisHints {
    let settings = Settings { url: url.to_owned(), prefix: prefix.to_owned(), timing: PATIENT };
    RedisHints::new(&settings).unwrap().waiting(WAIT)
}

/// Two ends on this server, or on the cluster it is of.
pub(super) async fn over(url: &url::Url) -> Ends<RedisHints> {
    let prefix = testkit::redis::prefix();
    Ends { one: end(url.as_str(), &prefix), other: end(url.as_str(), &prefix) }
}

async fn plain() -> Ends<RedisHints> {
    over(&testkit::redis::server()).await
}

async fn traced() -> Ends<Traced<RedisHints>> {
    let Ends { one, other } = plain().await;
    Ends { one: Traced::new(one), other: Traced::new(other) }
}

kernel::hint_suite!(redis, super::plain());
kernel::hint_suite!(traced_redis, super::traced());

#[tokio::test]
async fn whoever_waits_is_woken_by_a_hint() {
    let url = testkit::redis::server();
    let (prefix, long) = (testkit::redis::prefix(), Duration::from_mins(1));
    let one = end(url.as_str(), &prefix).waiting(long);
    let other = end(url.as_str(), &prefix);
    let mark = one.mark().await.unwrap();
    let (heard, told) = tokio::join!(one.hear(&mark), other.tell());
    told.unwrap();
    assert!(heard.unwrap().is_some());
}

#[tokio::test]
async fn deployments_do_not_hear_each_other() {
    let url = testkit::redis::server();
    let ours = end(url.as_str(), &testkit::redis::prefix());
    let theirs = end(url.as_str(), &testkit::redis::prefix());
    let mark = ours.mark().await.unwrap();
    theirs.tell().await.unwrap();
    assert_eq!(ours.hear(&mark).await.unwrap(), None);
}

#[tokio::test]
async fn a_bus_out_of_reach_is_a_fault_that_passes() {
    let proxy = Proxy::start(address().await).await.unwrap();
    let through = format!("redis://{}/", proxy.address());
    let bus = end(&through, &testkit::redis::prefix());
    let mark = bus.mark().await.unwrap();
    bus.tell().await.unwrap();
    proxy.set(Weather::Refusing);
    assert_eq!(bus.tell().await.unwrap_err().recovery(), Recovery::Retry);
    assert_eq!(bus.hear(&mark).await.unwrap_err().recovery(), Recovery::Retry);
    proxy.set(Weather::Fair);
    bus.tell().await.unwrap();
    assert!(bus.hear(&mark).await.unwrap().is_some(), "what was told before it was cut is there");
}

#[tokio::test]
async fn a_reply_cut_in_half_is_no_hint_and_the_next_is_heard() {
    let proxy = Proxy::start(address().await).await.unwrap();
    let through = format!("redis://{}/", proxy.address());
    let prefix = testkit::redis::prefix();
    let (bus, other) = (end(&through, &prefix), end(testkit::redis::server().as_str(), &prefix));
    let mark = bus.mark().await.unwrap();
    other.tell().await.unwrap();
    proxy.cut_next_reply();
    assert!(bus.hear(&mark).await.is_err());
    assert!(bus.hear(&mark).await.unwrap().is_some());
}

mod programs {
    //! A server of a test's own, killed and started again empty: needs the program `redis-server`.

    use kernel::HintBus as _;
    use testkit::free_address;

    use super::{super::faults::programs::server, end};

    #[tokio::test]
    async fn a_bus_that_lost_its_stream_goes_on_with_a_new_one() {
        let directory = tempfile::tempdir().unwrap();
        let at = free_address().await.unwrap();
        let redis = server(at, directory.path(), &[]).await;
        let url = format!("redis://{at}/");
        let (one, other) = (end(&url, "lost:"), end(&url, "lost:"));
        other.tell().await.unwrap();
        let mark = one.mark().await.unwrap();
        redis.kill().await.unwrap();
        assert!(one.hear(&mark).await.is_err() && other.tell().await.is_err());
        let _again = server(at, directory.path(), &[]).await;
        let anew = one.mark().await.unwrap();
        assert_ne!(anew, mark);
        other.tell().await.unwrap();
        assert!(one.hear(&anew).await.unwrap().is_some());
    }
}
