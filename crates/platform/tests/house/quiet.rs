//! Nothing personal reaches logs, traces or metrics.

use std::{
    collections::BTreeSet,
    fmt::{self, Write as _},
    sync::{Arc, Mutex},
};

use adapters::telemetry::{Telemetry, TelemetryConfig};
use platform::demo::population::{Person, Population};
use testkit::{Received, Sink};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
    subscriber::Interest,
};

use crate::month::live;

/// Keeps every distinct text that any span or event of any target carries, at every level.
#[derive(Debug, Clone, Default)]
struct Everything(Arc<Mutex<BTreeSet<String>>>);

struct Texts<'a>(&'a mut BTreeSet<String>);

impl Visit for Texts<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = String::new();
        write!(text, "{}={value:?}", field.name()).unwrap();
        self.0.insert(text);
    }
}

impl Subscriber for Everything {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::always()
    }

    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut kept = self.0.lock().unwrap();
        kept.insert(span.metadata().name().to_owned());
        span.record(&mut Texts(&mut kept));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut Texts(&mut self.0.lock().unwrap()));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Texts(&mut self.0.lock().unwrap()));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// What names a person by itself, in small letters.
fn identifiers(person: &Person) -> Vec<String> {
    let phone = person.phone.iter().map(|it| it.trim_start_matches('+').to_owned());
    let national = person.phone.iter().filter_map(|it| it.get(it.len().saturating_sub(8)..));
    let account = person.user.iter().flat_map(|it| [it.user_id.clone(), it.device_id.clone()]);
    let numbers = [person.service_no.clone(), person.comms_no.clone()].into_iter().flatten();
    phone
        .chain(national.map(str::to_owned))
        .chain(person.email.iter().map(|it| it.address.clone()))
        .chain(account)
        .chain(numbers)
        .chain(person.crm_ids.iter().cloned())
        .chain(person.policies.iter().map(|it| it.policy_no.clone()))
        .map(|it| it.to_lowercase())
        .collect()
}

/// Everything personal that stands in these texts.
fn leaks(population: &Population, texts: &BTreeSet<String>) -> Vec<String> {
    let texts: Vec<_> = texts.iter().map(|it| it.to_lowercase()).collect();
    let mut out = Vec::new();
    for person in &population.people {
        let (first, last) = (person.first_name.to_lowercase(), person.last_name.to_lowercase());
        let names = |it: &&String| it.contains(&first) && it.contains(&last);
        out.extend(texts.iter().filter(names).map(|it| format!("{first} {last} in {it}")));
        for id in identifiers(person) {
            let holds = |it: &&String| it.contains(&id);
            out.extend(texts.iter().filter(holds).map(|it| format!("{id} in {it}")));
        }
    }
    out
}

/// The members of an export that are texts: names, descriptions, attributes.
fn texts_of(exported: &[Received]) -> BTreeSet<String> {
    let printable = |it: &u8| it.is_ascii_graphic() || *it == b' ' || !it.is_ascii();
    let bodies = exported.iter().flat_map(|it| it.body.split(|byte| !printable(byte)));
    bodies.map(|it| String::from_utf8_lossy(it).into_owned()).collect()
}

#[test]
fn nothing_personal_reaches_logs_traces_or_metrics() {
    adapters::system::install_tls();
    let everything = Everything::default();
    tracing::subscriber::set_global_default(everything.clone()).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let collector = runtime.block_on(Sink::start()).unwrap();
    let (endpoint, service) = (Some(collector.url("")), "assent".to_owned());
    let config = TelemetryConfig { endpoint, service, ..TelemetryConfig::default() };
    let telemetry = Telemetry::exporters(&config).unwrap();
    let lived = runtime.block_on(live(1));
    telemetry.end();
    let exported = collector.so_far();
    assert!(exported.iter().all(|it| it.path == "/v1/metrics"), "spans are seen before export");
    let metrics = texts_of(&exported);
    let texts = everything.0.lock().unwrap().clone();
    for seen in ["http.request", "relay.observe"] {
        assert!(texts.contains(seen), "`{seen}` was not seen: the scan saw nothing of ours");
    }
    for seen in ["assent.port.duration", "delivery.sender.hand_off"] {
        let is_seen = metrics.iter().any(|it| it.contains(seen));
        assert!(is_seen, "`{seen}` was not exported: {metrics:?}");
    }
    for (what, texts) in [("logs and traces", &texts), ("metrics", &metrics)] {
        let found = leaks(&lived.population, texts);
        let few: Vec<_> = found.iter().take(20).collect();
        assert!(found.is_empty(), "{what}: {} texts, {} leaks: {few:#?}", texts.len(), found.len());
    }
    let id = &lived.population.people[0].crm_ids[0];
    let body = [b"\x0a\x07", id.as_bytes(), b"\x10\x01"].concat();
    let attribute = Received { body, ..exported[0].clone() };
    for planted in [BTreeSet::from([format!("to={id:?}")]), texts_of(&[attribute])] {
        assert_eq!(leaks(&lived.population, &planted).len(), 1, "the scan finds what is planted");
    }
}
