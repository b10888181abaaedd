//! Nothing personal reaches logs or traces.

use std::{
    collections::BTreeSet,
    fmt::{self, Write as _},
    sync::{Arc, Mutex},
};

use platform::demo::population::{Person, Population};
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

#[test]
fn nothing_personal_reaches_logs_or_traces() {
    let everything = Everything::default();
    tracing::subscriber::set_global_default(everything.clone()).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let lived = runtime.block_on(live(1));
    let texts = everything.0.lock().unwrap().clone();
    for seen in ["http.request", "relay.observe"] {
        assert!(texts.contains(seen), "`{seen}` was not seen: the scan saw nothing of ours");
    }
    let found = leaks(&lived.population, &texts);
    let few: Vec<_> = found.iter().take(20).collect();
    assert!(found.is_empty(), "{} texts, {} leaks: {few:#?}", texts.len(), found.len());
    let planted = BTreeSet::from([format!("to={:?}", lived.population.people[0].crm_ids[0])]);
    assert_eq!(leaks(&lived.population, &planted).len(), 1, "the scan finds what is planted");
}
