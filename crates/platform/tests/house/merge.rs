//! A "no" follows the person through a merge, and stays where it was said after an unlink.

use kernel::{NodeId, StaffId};
use serde_json::json;

use crate::{
    customer::{Customer, grant, keeps_time_of, lives_in},
    world::{House, without_holdouts},
};

const APP: &str = "user_id,email,email_verified,device_id,onboarding_step,last_step_at,push_enabled,account_tenure_months,updated_at";

#[tokio::test]
async fn a_no_at_one_identifier_binds_the_merged_person_and_an_unlink_restores_both() {
    let house = House::with(1, &without_holdouts()).await;
    let (customer, app) = (Customer::new(1), "user_id:U000001");
    house.introduce(std::slice::from_ref(&customer)).await;
    let unknown = "U000001,,,,,,true,3,2026-09-08T08:00:00Z".to_owned();
    house.import("app", APP, &[unknown]).await;
    house.settle().await;
    let name = customer.name();
    for kind in [lives_in("EU"), keeps_time_of("Europe/Berlin"), grant()] {
        house.choose(&name, kind).await;
    }
    let channels = json!(["email", "sms", "push", "web", "app"]);
    let no = json!({ "refused": { "scope": { "under": "marketing" }, "channels": channels } });
    house.choose(app, no).await;
    let (before, alone) = (house.person(&name).await, house.person(app).await);
    assert_ne!(before.subject, alone.subject);
    let verdict = house.permission(&name).await;
    assert_eq!(verdict["outcome"], "permitted", "{verdict}");

    // The app learns the address that the CRM had verified: they are one person.
    house.at(0, 15).await;
    let joined = format!("U000001,{},true,,,,true,3,2026-09-10T13:00:00Z", customer.email);
    house.import("app", APP, &[joined]).await;
    house.settle().await;
    assert_eq!(house.person(&name).await.subject, house.person(app).await.subject);
    let verdict = house.permission(&name).await;
    assert_eq!(verdict["outcome"], "refused", "{verdict}");
    house.at(1, 13).await;
    let merged = house.person(&name).await;
    assert_eq!(house.letters(&merged).await, []);
    let (codes, _) = house.causes(&merged, "renewal.day90").await;
    assert!(codes.contains("LB.CONSENT.REFUSED"), "{codes:?}");

    // They were two after all. The steward names first who loses the address, if one must; then
    // each is as before, and the "no" stays where it was said.
    let node = |it: &kernel::PersonAt| NodeId::from_uuid(it.subject.uuid());
    let steward = StaffId::new("steward").unwrap();
    let people = &house.assent.app.people;
    people
        .unlink(&house.tenant, steward, node(&alone), node(&before), "two people, one mailbox")
        .await
        .unwrap();
    house.settle().await;
    let (first, second) = (house.person(&name).await, house.person(app).await);
    assert_eq!((first.subject, second.subject), (before.subject, alone.subject));
    let verdict = house.permission(&name).await;
    assert_eq!(verdict["outcome"], "permitted", "{verdict}");
    assert_eq!(house.permission(app).await["outcome"], "refused");
}
