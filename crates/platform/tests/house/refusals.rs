//! A fact that is missing or adverse never sends: the exhaustive product, end to end.

use std::{collections::BTreeSet, fmt::Write as _};

use kernel::{Channel, Limit};
use rollout::SourceFile;
use serde_json::{Value, json};
use service::{links::UnsubscribeLink, surface::Asked};

use crate::{
    customer::{Customer, grant, keeps_time_of, lives_in},
    world::{House, collect, edited, without, without_holdouts},
};

const NODE: &str = "renewal.day90";
const NODE_FILE: &str = "node/renewal.day90.toml";

/// What is wrong with a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    Absent,
    Malformed,
    Unknown,
    Denied,
    Expired,
    Stale,
    Withdrawn,
}

impl Wrong {
    const ALL: [Self; 7] = [
        Self::Absent,
        Self::Malformed,
        Self::Unknown,
        Self::Denied,
        Self::Expired,
        Self::Stale,
        Self::Withdrawn,
    ];
}

/// Which fact it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fact {
    Purpose,
    Channel,
    Node,
}

/// One cell of the product and what came of it.
struct Cell {
    fact: Fact,
    wrong: Wrong,
    what: &'static str,
    /// The code that must name the cause, to whoever asks about the reminder.
    code: &'static str,
    /// The codes found.
    found: BTreeSet<String>,
    /// The code that must name the cause to a page that asks, and the codes it found.
    page: Option<(&'static str, BTreeSet<String>)>,
    /// Whether anything was sent or shown.
    sent: bool,
}

impl Cell {
    fn holds(&self) -> bool {
        let told = self.page.as_ref().is_none_or(|(code, found)| found.contains(*code));
        !self.sent && self.found.contains(self.code) && told
    }
}

/// What is wrong in a cell, and the code that must say so.
const fn meaning(fact: Fact, wrong: Wrong) -> (&'static str, &'static str) {
    use Wrong::{Absent, Denied, Expired, Malformed, Stale, Unknown, Withdrawn};
    match (fact, wrong) {
        (Fact::Purpose, Absent) => ("never asked", "LB.CONSENT.MISSING"),
        (Fact::Purpose, Malformed) => ("the proof lacks the notice", "LB.CONSENT.PROOF"),
        (Fact::Purpose, Unknown) => {
            ("lives under a law the purpose does not know", "PU.JURISDICTION")
        }
        (Fact::Purpose, Denied) => ("refused", "LB.CONSENT.REFUSED"),
        (Fact::Purpose, Expired) => ("the grant ended this morning", "LB.CONSENT.EXPIRED"),
        (Fact::Purpose, Stale) => ("agreed to an old notice", "LB.CONSENT.STALE_NOTICE"),
        (Fact::Purpose, Withdrawn) => ("withdrawn over the API", "LB.CONSENT.WITHDRAWN"),
        (Fact::Channel, Absent) => ("no address", "CP.NO_ADDRESS"),
        (Fact::Channel, Malformed) => ("an address that is none", "CP.NO_ADDRESS"),
        (Fact::Channel, Unknown) => ("nobody verified the address", "CP.UNVERIFIED"),
        (Fact::Channel, Denied) => ("wants no e-mail", "CP.OPTED_OUT"),
        (Fact::Channel, Expired) => ("paused until its time has passed", "FQ.SNOOZED"),
        (Fact::Channel, Stale) => ("an earlier letter bounced", "SP.BOUNCE"),
        (Fact::Channel, Withdrawn) => ("one click in a letter", "LB.CONSENT.WITHDRAWN"),
        (Fact::Node, Absent) => ("no node in the release", "TRG.NODE_EXPIRED"),
        (Fact::Node, Malformed) => ("a rule that does not parse", "cel.syntax"),
        (Fact::Node, Unknown) => ("a required field is unknown", "FD.MISSING"),
        (Fact::Node, Denied) => ("a rule says no", "RUL.FAILED"),
        (Fact::Node, Expired) => ("the node has expired", "TRG.NODE_EXPIRED"),
        (Fact::Node, Stale) => ("a required field is too old", "FD.STALE"),
        (Fact::Node, Withdrawn) => ("the release was rolled back", "TRG.NODE_EXPIRED"),
    }
}

/// The customer of a cell about a purpose or a channel, as the systems know them.
fn customer(number: u32, fact: Fact, wrong: Wrong) -> Customer {
    let it = Customer::new(number);
    match (fact, wrong) {
        (Fact::Channel, Wrong::Absent) => Customer { email: String::new(), ..it },
        (Fact::Channel, Wrong::Malformed) => Customer { email: "not an address".to_owned(), ..it },
        (Fact::Channel, Wrong::Unknown) => Customer { is_verified: false, ..it },
        _ => it,
    }
}

/// What the customer of a cell chose.
fn choices(house: &House, fact: Fact, wrong: Wrong) -> Vec<Value> {
    let mut given = grant();
    let later = |days: i64| house.now().plus(chrono::TimeDelta::days(days)).to_string();
    let law = lives_in("EU");
    let everywhere = json!(["email", "sms", "push", "web", "app"]);
    let marketing = json!({ "under": "marketing" });
    let answer = match (fact, wrong) {
        (Fact::Purpose, Wrong::Absent) => vec![law],
        (Fact::Purpose, Wrong::Malformed) => {
            given["given"]["proof"].as_object_mut().unwrap().remove("notice");
            vec![law, given]
        }
        (Fact::Purpose, Wrong::Unknown) => vec![lives_in("CH"), given],
        (Fact::Purpose, Wrong::Denied) => {
            vec![law, json!({ "refused": { "scope": marketing, "channels": everywhere } })]
        }
        (Fact::Purpose, Wrong::Expired) => {
            let morning = house.now().plus(chrono::TimeDelta::hours(18)).to_string();
            given["given"]["expires_at"] = json!(morning);
            vec![law, given]
        }
        (Fact::Purpose, Wrong::Stale) => {
            given["given"]["proof"]["notice"]["version"] = json!(5);
            vec![law, given]
        }
        (Fact::Channel, Wrong::Denied) => {
            let out = json!({ "channel": "email", "scope": "all", "choice": "out" });
            vec![law, given, json!({ "channel_pref": out })]
        }
        (Fact::Channel, Wrong::Expired) => {
            vec![law, given, json!({ "snoozed": { "until": later(40) } })]
        }
        _ => vec![law, given],
    };
    [vec![keeps_time_of("Europe/Berlin")], answer].concat()
}

/// Uses the one-click link as mail programs do: one POST, no key.
async fn click(house: &House, customer: &Customer) {
    let token = house.assent.app.links.seal(&UnsubscribeLink {
        tenant: house.tenant.clone(),
        subject: house.person(&customer.name()).await.subject,
        delivery: None,
        purpose: "marketing.renewal".parse().unwrap(),
        channel: Channel::Email,
    });
    let path = format!("/o/{}", token.unwrap());
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let body = b"List-Unsubscribe=One-Click".to_vec();
    let answer =
        house.surface.ask(Asked { method: "POST", path: &path, headers: &headers, body }).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
}

/// An apology reaches the customer's address two hours after a bad rating, and comes back.
async fn bounce(house: &House, customer: &Customer) {
    let person = house.person(&customer.name()).await;
    let [(delivery, _)] = &*house.letters(&person).await else { panic!("no apology was sent") };
    let data = json!({ "delivery_id": delivery, "kind": "bounced" });
    house.tell("comms", "comms.message_feedback.v1", &customer.name(), data).await;
}

/// The cells about purposes and channels: one house, one person each, all of them on one day; and
/// one person about whom nothing is wrong.
async fn people() -> (Vec<Cell>, bool) {
    let house = House::with(1, &without_holdouts()).await;
    let facts = [Fact::Purpose, Fact::Channel];
    let product = facts.iter().flat_map(|fact| Wrong::ALL.map(|wrong| (*fact, wrong)));
    let cells: Vec<_> = (2..)
        .zip(product)
        .map(|(number, (fact, wrong))| (fact, wrong, customer(number, fact, wrong)))
        .collect();
    let control = Customer::new(1);
    let everybody: Vec<_> = cells.iter().map(|it| it.2.clone()).chain([control.clone()]).collect();
    house.introduce(&everybody).await;
    for kind in [lives_in("EU"), keeps_time_of("Europe/Berlin"), grant()] {
        house.choose(&control.name(), kind).await;
    }
    let mut refused = Vec::new();
    for (fact, wrong, customer) in &cells {
        let mut reasons = Vec::new();
        for kind in choices(&house, *fact, *wrong) {
            reasons.extend(house.offer(&customer.name(), kind).await);
        }
        refused.push(reasons);
    }
    let of = |fact, wrong| &cells.iter().find(|it| (it.0, it.1) == (fact, wrong)).unwrap().2;
    let bounced = of(Fact::Channel, Wrong::Stale);
    let rating =
        json!({ "ticket_no": "T1", "rating": 1, "cause": "delay", "fault_confirmed": false });
    house.tell("service_desk", "service.interaction_rated.v1", &bounced.name(), rating).await;
    house.at(0, 15).await;
    bounce(&house, bounced).await;
    house.withdraw(&of(Fact::Purpose, Wrong::Withdrawn).name()).await;
    click(&house, of(Fact::Channel, Wrong::Withdrawn)).await;
    // The reminder is due between ten and noon; then everything that could come later has time to.
    house.at(1, 13).await;
    house.at(17, 13).await;
    let mut out = Vec::new();
    for ((fact, wrong, customer), refused) in cells.iter().zip(refused) {
        let (mut found, sent) = seen(&house, customer).await;
        found.extend(refused);
        out.push(cell(*fact, *wrong, found, sent));
    }
    (out, seen(&house, &control).await.1)
}

fn cell(fact: Fact, wrong: Wrong, found: BTreeSet<String>, sent: bool) -> Cell {
    let (what, code) = meaning(fact, wrong);
    Cell { fact, wrong, what, code, found, page: None, sent }
}

/// What the reminder came to for a customer.
async fn seen(house: &House, customer: &Customer) -> (BTreeSet<String>, bool) {
    let person = house.person(&customer.name()).await;
    let (found, serves) = house.causes(&person, NODE).await;
    let letters = house.letters(&person).await;
    (found, serves || letters.iter().any(|it| it.1 == NODE))
}

async fn welcome(house: &House, customer: &Customer) {
    house.introduce(std::slice::from_ref(customer)).await;
    for kind in [lives_in("EU"), keeps_time_of("Europe/Berlin"), grant()] {
        house.choose(&customer.name(), kind).await;
    }
}

/// Why reminders ended without a decision, as the trail has it.
async fn ended(house: &House) -> BTreeSet<String> {
    let told = house.assent.feed.take("refusals", Limit::MAX).await.unwrap();
    let ours = told.into_iter().map(|it| it.fact.body).filter(|it| it["node"] == NODE);
    ours.filter_map(|it| it["reason"].as_str().map(str::to_owned)).collect()
}

/// Whether the page shows the customer anything, and every code that says why not.
async fn shown(house: &House, customer: &Customer) -> (BTreeSet<String>, bool) {
    let (status, answer) = house.ask(customer).await;
    let mut codes = BTreeSet::new();
    if status == 200 {
        let id = answer["decision_id"].as_str().unwrap().parse().unwrap();
        let record = house.assent.app.journal.get(&house.tenant, id).await.unwrap().unwrap();
        collect(&serde_json::from_slice(&record.bytes).unwrap(), &mut codes);
    } else {
        let kind = answer["type"].as_str().unwrap();
        codes.extend(kind.rsplit('/').next().map(str::to_owned));
    }
    (codes, answer["outcome"] == "act")
}

/// What the day of the reminder, and a page that asks after it, came to.
struct Came {
    reminder: BTreeSet<String>,
    page: BTreeSet<String>,
    sent: bool,
}

/// A customer about whom everything is fine but the node, in a house of their own; in the evening
/// before the reminder is due the operator does something.
async fn reminded(
    sources: &[SourceFile],
    customer: &Customer,
    operator: impl AsyncFnOnce(&House) -> BTreeSet<String>,
) -> Came {
    come(House::with(2, sources).await, customer, operator).await
}

async fn come(
    house: House,
    customer: &Customer,
    operator: impl AsyncFnOnce(&House) -> BTreeSet<String>,
) -> Came {
    welcome(&house, customer).await;
    house.at(0, 18).await;
    let mut reminder = operator(&house).await;
    house.at(1, 13).await;
    let (found, sent) = seen(&house, customer).await;
    reminder.extend(found);
    reminder.extend(ended(&house).await);
    let (page, shown) = shown(&house, customer).await;
    Came { reminder, page, sent: sent || shown }
}

/// One cell about the node.
async fn node(wrong: Wrong) -> Cell {
    let whole = without_holdouts();
    let absent = without(&whole, NODE_FILE);
    let customer = Customer::new(1);
    let nothing = async |_: &House| BTreeSet::new();
    let came = match wrong {
        Wrong::Absent => {
            let released = async |house: &House| {
                house.release(&absent).await.unwrap();
                BTreeSet::new()
            };
            reminded(&whole, &customer, released).await
        }
        Wrong::Malformed => {
            let rule = "ctx.policy.status == 'active'";
            let broken = edited(&whole, NODE_FILE, rule, "ctx.policy.status ==");
            // It is refused with a finding, and what lacks the node stays live.
            let refused = async |house: &House| {
                let findings = house.release(&broken).await.unwrap_err();
                let ours = findings.into_iter().filter(|it| it.artifact == "node/renewal.day90");
                ours.map(|it| it.rule).collect()
            };
            reminded(&absent, &customer, refused).await
        }
        Wrong::Unknown => reminded(&whole, &Customer { autorenew: "", ..customer }, nothing).await,
        Wrong::Denied => {
            reminded(&whole, &Customer { autorenew: "true", ..customer }, nothing).await
        }
        Wrong::Expired => {
            let ended = edited(&whole, NODE_FILE, "2030-06-30", "2026-09-10");
            reminded(&ended, &customer, nothing).await
        }
        Wrong::Stale => {
            let old = Customer { service_written: "2026-07-01T08:00:00Z", ..customer };
            reminded(&whole, &old, nothing).await
        }
        Wrong::Withdrawn => {
            // One release back there was no such node.
            let house = House::with(2, &absent).await;
            house.release(&whole).await.unwrap();
            let back = async |house: &House| {
                house.roll_back().await;
                BTreeSet::new()
            };
            come(house, &customer, back).await
        }
    };
    let (what, code) = meaning(Fact::Node, wrong);
    let on_page = match wrong {
        Wrong::Absent | Wrong::Malformed | Wrong::Withdrawn => "unknown-placement",
        _ => code,
    };
    let Came { reminder: found, page, sent } = came;
    Cell { fact: Fact::Node, wrong, what, code, found, page: Some((on_page, page)), sent }
}

fn table(cells: &[Cell]) -> String {
    let mut out = String::new();
    for it in cells {
        let (mark, sent) = (if it.holds() { "ok " } else { "BAD" }, it.sent);
        let (fact, wrong) = (format!("{:?}", it.fact), format!("{:?}", it.wrong));
        writeln!(
            out,
            "{mark} {fact:8} {wrong:10} {:43} sent={sent} {} in {:?}, page {:?}",
            it.what, it.code, it.found, it.page
        )
        .unwrap();
    }
    out
}

#[tokio::test]
async fn no_fact_missing_or_adverse_ever_sends() {
    let (mut cells, control) = people().await;
    for wrong in Wrong::ALL {
        cells.push(node(wrong).await);
    }
    assert_eq!(cells.len(), 21);
    assert!(cells.iter().all(Cell::holds), "\n{}", table(&cells));
    assert!(control, "where nothing is wrong, a letter is sent");
}

#[tokio::test]
async fn where_nothing_is_wrong_the_reminder_is_sent_and_shown() {
    let customer = Customer::new(1);
    let came = reminded(&without_holdouts(), &customer, async |_| BTreeSet::new()).await;
    assert!(came.sent, "{:?}", came.reminder);
    let house = House::with(3, &without_holdouts()).await;
    // Between the windows of two reminders, so that only the page asks.
    let customer = Customer { renewal_on: "2026-11-20", ..customer };
    welcome(&house, &customer).await;
    house.at(1, 13).await;
    let (found, is_shown) = shown(&house, &customer).await;
    assert!(is_shown, "{found:?}");
}
