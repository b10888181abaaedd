//! Customers as the systems of record know them, and what they say.

use serde_json::{Value, json};

/// The last change of every record, unless a test says otherwise.
const WRITTEN: &str = "2026-09-09T08:00:00Z";
pub(crate) const CRM: &str = "crm_id,email,email_verified,phone,first_name,last_name,birth_date,country,time_zone,language,needs_support,updated_at";
pub(crate) const SERVICE: &str = "service_no,crm_id,email,open_complaint,updated_at";
pub(crate) const POLICY: &str =
    "policy_no,crm_id,status,renewal_on,autorenew,tenure_months,premium_minor,currency,updated_at";

/// A customer with one policy that ends in ninety days from tomorrow.
#[derive(Debug, Clone)]
pub(crate) struct Customer {
    pub(crate) number: u32,
    pub(crate) email: String,
    pub(crate) is_verified: bool,
    pub(crate) renewal_on: &'static str,
    pub(crate) autorenew: &'static str,
    /// When the records of the CRM and of the policy last changed.
    pub(crate) written: &'static str,
    /// When the record of the service desk last changed.
    pub(crate) service_written: &'static str,
}

impl Customer {
    /// A customer about whom nothing is wrong.
    pub(crate) fn new(number: u32) -> Self {
        Self {
            number,
            email: format!("person{number}@mail.example"),
            is_verified: true,
            renewal_on: "2026-12-10",
            autorenew: "false",
            written: WRITTEN,
            service_written: WRITTEN,
        }
    }

    pub(crate) fn crm_id(&self) -> String {
        format!("C{:06}", self.number)
    }

    /// The record in the CRM, as one names it.
    pub(crate) fn name(&self) -> String {
        format!("crm_id:{}", self.crm_id())
    }

    pub(crate) fn policy_no(&self) -> String {
        format!("P{:06}", self.number)
    }

    pub(crate) fn crm(&self) -> String {
        let Self { email, is_verified, written, .. } = self;
        let id = self.crm_id();
        format!("{id},{email},{is_verified},,Ada,Example,,DE,Europe/Berlin,de,false,{written}")
    }

    pub(crate) fn service(&self) -> String {
        format!("S{:06},{},,false,{}", self.number, self.crm_id(), self.service_written)
    }

    pub(crate) fn policy(&self) -> String {
        let Self { renewal_on, autorenew, written, .. } = self;
        let (no, id) = (self.policy_no(), self.crm_id());
        format!("{no},{id},active,{renewal_on},{autorenew},24,30000,EUR,{written}")
    }
}

/// A statement that the person lives under this law.
pub(crate) fn lives_in(jurisdiction: &str) -> Value {
    json!({ "stated": { "jurisdiction": { "jurisdiction": jurisdiction } } })
}

/// A statement of the person's time zone.
pub(crate) fn keeps_time_of(zone: &str) -> Value {
    json!({ "stated": { "time_zone": { "zone": zone } } })
}

/// Consent to the renewal reminder by e-mail and on the web, well shown and well proven.
pub(crate) fn grant() -> Value {
    json!({ "given": {
        "purpose": { "key": "marketing.renewal", "version": 3 },
        "channels": ["email", "web"],
        "expression": "expressed",
        "proof": {
            "notice": { "name": "renewal-offers", "version": 7 },
            "method": "toggle",
            "prechecked": false,
        },
    } })
}
