//! A small month of the demo, lived in process.

use std::sync::Arc;

use kernel::{ManualClock, SeededEntropy, TenantId};
use platform::{
    cli::serve::begin,
    compose::{Assent, Machine, compose},
    config::{Config, DataDirectory},
    demo::{
        client::Client,
        drive::{Month, START},
        observe::Observer,
        population::{Population, noon},
        summary::Summary,
    },
};
use service::{
    auth::{ApiKey, ApiKeys, PlainKey, Scope},
    lifecycle::Nudge,
    surface::{Surface, Surfaces},
};
use tempfile::TempDir;

/// How many people live it.
pub(crate) const PEOPLE: usize = 90;
/// How many days it has.
pub(crate) const DAYS: u16 = 6;

/// A month that is over.
pub(crate) struct Lived {
    pub(crate) assent: Assent,
    pub(crate) tenant: TenantId,
    pub(crate) population: Population,
    pub(crate) summary: Summary,
    _files: TempDir,
}

/// Lives the month of a seed.
pub(crate) async fn live(seed: u64) -> Lived {
    let files = tempfile::tempdir().unwrap();
    let tenant = TenantId::new("acme").unwrap();
    let config = Config::embedded(DataDirectory::new(files.path().to_path_buf()), tenant.clone());
    let clock = Arc::new(ManualClock::at(noon(START, -1)));
    let entropy = Arc::new(SeededEntropy::new(seed));
    let key = PlainKey::mint(&*entropy);
    let keys = ApiKeys::new(vec![ApiKey {
        name: "demo".to_owned(),
        hash: key.hash(),
        tenant: tenant.clone(),
        scopes: Scope::ALL.to_vec(),
        sources: None,
    }]);
    let machine = Machine { clock: clock.clone(), entropy };
    let assent = compose(&config, machine, keys, Nudge::default()).await.unwrap();
    begin(&assent, &config, None).await.unwrap();
    let client = Client::new(Surface::new(&assent.app, Surfaces::ALL), key.reveal());
    let population = Population::generate(seed, PEOPLE, START, DAYS);
    let observer = Observer::new(assent.app.clone(), tenant.clone(), assent.feed.clone());
    let work = (assent.jobs.clone(), assent.feed.clone());
    let mut month = Month::new(&population, client, clock, work, observer);
    month.begin(|_| {}).await.unwrap();
    for day in 0..DAYS {
        month.live(day).await.unwrap();
    }
    let size = (seed, PEOPLE as u64, u64::from(DAYS));
    let summary = Summary::gather(&assent, &tenant, size, month.tally).await.unwrap();
    Lived { assent, tenant, population, summary, _files: files }
}
