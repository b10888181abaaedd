//! A process on files of its own, with people who may be decided about.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use platform::{
    cli::serve::begin,
    compose::{Assent, Machine, compose},
    config::{Config, DataDirectory, Servers},
};
use service::{
    auth::{ApiKey, ApiKeys, PlainKey, Scope},
    lifecycle::{Lifecycle, Nudge, settle},
    surface::{Asked, Surface, Surfaces},
};
use tempfile::TempDir;
use tokio::net::TcpListener;

/// A served process.
pub(crate) struct House {
    pub(crate) assent: Assent,
    pub(crate) address: SocketAddr,
    pub(crate) key: String,
    pub(crate) surface: Surface,
    config: Config,
    lifecycle: Lifecycle,
    _files: TempDir,
}

/// How many rows of a system are imported at a time.
const ROWS: u32 = 1_000;

impl House {
    /// Opens a house on these servers, lets people in, and serves it on a free port.
    pub(crate) async fn open(people: u32, servers: Servers) -> Self {
        let files = tempfile::tempdir().expect("a temporary directory");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let tenant = kernel::TenantId::new("acme").expect("a tenant");
        let embedded = Config::embedded(DataDirectory::new(files.path()), tenant.clone());
        let config = Config { servers, ..embedded };
        let machine = Machine::real();
        let key = PlainKey::mint(&*machine.entropy);
        let keys = ApiKeys::new(vec![ApiKey {
            name: "bench".to_owned(),
            hash: key.hash(),
            tenant,
            scopes: Scope::ALL.to_vec(),
            sources: None,
        }]);
        let lifecycle = Lifecycle::default();
        let assent = compose(&config, machine, keys, lifecycle.nudge()).await.expect("composed");
        assent.keepers.iter().cloned().for_each(|it| lifecycle.spawn(it));
        begin(&assent, &config, None).await.expect("begun");
        let surface = Surface::new(&assent.app, Surfaces::ALL);
        let house = Self {
            assent,
            address,
            key: key.reveal().to_owned(),
            surface: surface.clone(),
            config,
            lifecycle,
            _files: files,
        };
        for first in (0..people).step_by(ROWS as usize) {
            house.fill(first..people.min(first + ROWS)).await;
        }
        let until = house.lifecycle.cancelled();
        tokio::task::spawn(async move { surface.serve(listener, until).await });
        house
    }

    /// How long another process of this deployment takes until its log is open.
    pub(crate) async fn start_another(&self) -> Duration {
        let begun = Instant::now();
        let (machine, keys) = (Machine::real(), ApiKeys::default());
        let other = compose(&self.config, machine, keys, Nudge::default()).await.expect("composed");
        other.app.prove.checkpoint(&self.config.tenant).await.expect("a log");
        let took = begun.elapsed();
        other.close().await.expect("closed");
        took
    }

    /// Posts in process.
    async fn post(&self, path: &str, content_type: &str, body: String) {
        let bearer = format!("Bearer {}", self.key);
        let headers = [("authorization", bearer.as_str()), ("content-type", content_type)];
        let asked = Asked { method: "POST", path, headers: &headers, body: body.into_bytes() };
        let answer = self.surface.ask(asked).await;
        assert!(answer.status < 300, "{path}: {}", String::from_utf8_lossy(&answer.body));
    }

    async fn fill(&self, people: std::ops::Range<u32>) {
        let now = self.assent.app.clock.now();
        let renewal = (now.utc() + chrono::TimeDelta::days(80)).date_naive();
        let (mut crm, mut app, mut policy, mut service) = (
            "crm_id,email,email_verified,phone,first_name,last_name,birth_date,country,time_zone,language,needs_support,updated_at\n".to_owned(),
            "user_id,crm_id,email,email_verified,device_id,onboarding_step,last_step_at,push_enabled,account_tenure_months,updated_at\n".to_owned(),
            "policy_no,crm_id,status,renewal_on,autorenew,tenure_months,premium_minor,currency,updated_at\n".to_owned(),
            "service_no,crm_id,email,open_complaint,updated_at\n".to_owned(),
        );
        for i in people.clone() {
            crm += &format!(
                "C{i},p{i}@example.com,true,,Ada,L,1980-01-01,DE,Europe/Berlin,de,false,{now}\n"
            );
            app += &format!("U{i},C{i},p{i}@example.com,true,D{i},first_use,,true,12,{now}\n");
            policy += &format!("P{i},C{i},active,{renewal},false,24,10000,EUR,{now}\n");
            service += &format!("S{i},C{i},,false,{now}\n");
        }
        for (system, text) in
            [("crm", crm), ("app", app), ("policy_admin", policy), ("service_desk", service)]
        {
            self.post(&format!("/v1/imports?system={system}"), "text/csv", text).await;
        }
        settle(&self.assent.jobs, &*self.assent.feed).await.expect("settled");
        let choices: Vec<_> = people.map(|i| consent(i, &now.to_string())).collect();
        for chunk in choices.chunks(500) {
            let body = format!("{{\"events\":[{}]}}", chunk.join(","));
            self.post("/v1/consent-events", "application/json", body).await;
        }
        settle(&self.assent.jobs, &*self.assent.feed).await.expect("settled");
    }

    /// The n-th ask of a page.
    pub(crate) fn ask(&self, people: u32) -> crate::load::Request {
        let key = self.key.clone();
        let (clock, entropy) = (self.assent.app.clock.clone(), self.assent.app.entropy.clone());
        Arc::new(move |n| {
            let i = n % u64::from(people);
            let request = kernel::EventId::mint(clock.now(), &*entropy).uuid();
            let body = format!(
                "{{\"person\":{{\"identifiers\":[{{\"namespace\":\"user_id\",\"value\":\"U{i}\"}}]}},\
                 \"placement\":\"home.top\",\"object\":{{\"kind\":\"policy\",\"id\":\"P{i}\"}},\
                 \"request_id\":\"{request}\"}}"
            );
            crate::load::post("/v1/decisions", &key, "application/json", &body)
        })
    }
}

fn consent(i: u32, now: &str) -> String {
    format!(
        "{{\"id\":\"0198c0de-0000-7000-8000-{i:012x}\",\"source\":\"app\",\"person\":{{\"identifiers\":[{{\
         \"namespace\":\"user_id\",\"value\":\"U{i}\"}}]}},\"event_time\":\"{now}\",\"actor\":\"subject\",\
         \"kind\":{{\"given\":{{\"purpose\":{{\"key\":\"marketing.renewal\",\"version\":3}},\
         \"channels\":[\"email\",\"web\"],\"expression\":\"expressed\",\"proof\":{{\"notice\":{{\
         \"name\":\"renewal-offers\",\"version\":7}},\"method\":\"save\",\"prechecked\":false}}}}}}}}"
    )
}
