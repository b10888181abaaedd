//! A process whose Postgres falls silent says that it is not ready, answers what it is asked with an
//! error in time, and goes on by itself once Postgres is heard again.

use std::time::Duration;

use platform::{
    config::{Config, Databases, Servers},
    demo::{drive::START, population::noon},
};
use service::surface::Asked;
use testkit::{Proxy, Weather};
use url::Url;

use crate::{
    customer::{Customer, grant, keeps_time_of, lives_in},
    house::{House, TODAY, without_holdouts},
};

/// The server behind a proxy.
async fn behind_a_proxy(url: &Url) -> (Proxy, Url) {
    let at = (url.host_str().unwrap(), url.port().unwrap_or(5_432));
    let at = tokio::net::lookup_host(at).await.unwrap().next().unwrap();
    let proxy = Proxy::start(at).await.unwrap();
    let mut through = url.clone();
    through.set_host(Some("127.0.0.1")).unwrap();
    through.set_port(Some(proxy.address().port())).unwrap();
    (proxy, through)
}

/// The status and the body of the answer to whether it is ready.
async fn ready(house: &House) -> (u16, String) {
    let asked = Asked { method: "GET", path: "/health/ready", headers: &[], body: Vec::new() };
    let answer = house.surface.ask(asked).await;
    (answer.status, String::from_utf8(answer.body).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_whose_postgres_is_silent_says_so_and_goes_on_when_it_is_heard_again() {
    let (records, keys) = (testkit::postgres::fresh().await, testkit::postgres::fresh().await);
    let (proxy, records) = behind_a_proxy(&records).await;
    let databases = Some(Databases { records, keys });
    let servers = Servers { databases, redis: None };
    let begun = noon(START, TODAY + 1);
    let house =
        House::configured(3, &without_holdouts(), begun, |it| Config { servers, ..it }).await;
    let customer = Customer::new(1);
    house.introduce(std::slice::from_ref(&customer)).await;
    for it in [lives_in("EU"), keeps_time_of("Europe/Berlin"), grant()] {
        house.choose(&customer.name(), it).await;
    }
    assert_eq!(ready(&house).await, (200, "ready\n".to_owned()));
    assert_eq!(house.ask(&customer).await.0, 200);

    proxy.set(Weather::Stalled);
    let (told, asked) = tokio::join!(ready(&house), house.ask(&customer));
    assert_eq!(told.0, 503, "{}", told.1);
    assert!(told.1.contains("do not answer"), "{}", told.1);
    assert_eq!(asked.0, 503, "{}", asked.1);

    proxy.set(Weather::Fair);
    let again = async {
        let mut look = tokio::time::interval(Duration::from_millis(50));
        while ready(&house).await.0 != 200 || house.ask(&customer).await.0 != 200 {
            look.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), again).await.unwrap();
}
