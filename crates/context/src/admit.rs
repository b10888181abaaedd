//! Whether one event may enter: envelope, caller, contract, schema, clock. Pure.

use kernel::{EventId, Instant, SystemId, TenantId};
use serde_json::{Map, Value};

use crate::{
    Artifacts, Code, Event, EventType, Identifier, ObjectRef, Refusal,
    envelope::Envelope,
    name::ID_BYTES_MAX,
    schema::Schema,
    terms::{Beyond, Contract},
};

/// The most identifiers of one event.
pub const IDENTIFIERS_MAX: usize = 8;
/// How far ahead of us a source's clock may run.
pub const SKEW: chrono::TimeDelta = chrono::TimeDelta::minutes(5);

/// Who asks for events to be admitted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Caller {
    /// The sources it may speak for; `None` is every source of the tenant.
    pub sources: Option<Vec<String>>,
}

/// What an event is judged by.
#[derive(Debug, Clone, Copy)]
pub struct Admitter<'a> {
    /// Whose event.
    pub tenant: &'a TenantId,
    /// Who sends it.
    pub caller: &'a Caller,
    /// Schemas and contracts.
    pub artifacts: &'a Artifacts,
    /// The present.
    pub now: Instant,
}

/// The judgement of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// It may enter.
    Admit(Box<Event>),
    /// It is well formed and kept aside.
    Park(Refusal),
    /// It is answered with a problem.
    Refuse(Refusal),
}

/// Judges one event in structured form; `id` is the id it gets if it enters.
pub fn admit(admitter: Admitter<'_>, id: EventId, event: &Map<String, Value>) -> Judgement {
    match judge(admitter, id, event) {
        Ok(event) => match admitter.clock(&event) {
            Ok(late) => Judgement::Admit(Box::new(Event { late, ..event })),
            Err(refusal) => Judgement::Park(refusal),
        },
        Err(refusal) => Judgement::Refuse(refusal),
    }
}

fn judge(
    admitter: Admitter<'_>,
    id: EventId,
    event: &Map<String, Value>,
) -> Result<Event, Refusal> {
    let envelope = Envelope::read(event)?;
    let (contract, schema) = admitter.terms(&envelope)?;
    schema.check(&envelope.data)?;
    let time = envelope.time.ok_or_else(|| {
        Refusal::at(Code::MissingAttribute, "/time", "a required attribute is absent")
    })?;
    let identifiers = identifiers(&envelope, schema)?;
    if identifiers.is_empty() && !contract.subjectless {
        let detail = "`subject` must be `namespace:value`";
        return Err(Refusal::at(Code::SubjectMissing, "/subject", detail));
    }
    Ok(Event {
        id,
        tenant: admitter.tenant.clone(),
        source: SystemId::new(&envelope.source),
        kind: schema.kind.clone(),
        schema: schema.digest,
        identifiers,
        object: object(&envelope.data, schema)?,
        time,
        received_at: admitter.now,
        expires_at: envelope.expires_at()?,
        late: false,
        collected_under: contract.purpose.clone(),
        trace: envelope.extensions.get("traceparent").cloned(),
        content: envelope.content()?,
        ce_id: envelope.id,
        data: envelope.data,
    })
}

impl<'a> Admitter<'a> {
    /// The contract and schema of an event, if its caller and source may use them.
    fn terms(&self, envelope: &Envelope) -> Result<(&'a Contract, &'a Schema), Refusal> {
        let speaks = |it: &Vec<String>| it.contains(&envelope.source);
        if !self.caller.sources.as_ref().is_none_or(speaks) {
            let detail = "the caller may not speak for this source";
            return Err(Refusal::at(Code::SourceNotAllowed, "/source", detail));
        }
        let unknown = || Refusal::at(Code::UnknownType, "/type", "no contract covers this type");
        let kind = EventType::new(&envelope.kind).map_err(|_| unknown())?;
        let contract = self.artifacts.contract(&kind).ok_or_else(unknown)?;
        let schema = self.artifacts.schema(&kind).ok_or_else(unknown)?;
        if !contract.sources.iter().any(|it| it.as_str() == envelope.source) {
            let detail = "the contract does not name this source";
            return Err(Refusal::at(Code::SourceNotAllowed, "/source", detail));
        }
        let named = |it: &String| *it == format!("urn:schema:{}:{kind}", self.tenant);
        if !envelope.data_schema.as_ref().is_none_or(named) {
            let detail = "`dataschema` is not the schema registered for the type";
            return Err(Refusal::at(Code::SchemaUnregistered, "/dataschema", detail));
        }
        Ok((contract, schema))
    }

    /// Whether an event comes late, or why its time keeps it out.
    fn clock(&self, event: &Event) -> Result<bool, Refusal> {
        let lag = self.now.since(event.time);
        if lag < -SKEW {
            let detail = "the event lies more than five minutes in the future";
            return Err(Refusal::at(Code::ClockFuture, "/time", detail));
        }
        match self.artifacts.contract(&event.kind) {
            Some(it) if lag <= it.lateness => Ok(false),
            Some(Contract { beyond: Beyond::StateOnly, .. }) => Ok(true),
            _ => {
                let detail = "the event comes later than its contract admits";
                Err(Refusal::at(Code::TooLate, "/time", detail))
            }
        }
    }
}

/// The names an event gives the person, the subject first.
fn identifiers(envelope: &Envelope, schema: &Schema) -> Result<Vec<Identifier>, Refusal> {
    let mut out: Vec<Identifier> = Vec::new();
    if let Some(subject) = &envelope.subject {
        let (namespace, value) = subject
            .split_once(':')
            .filter(|(namespace, value)| !namespace.is_empty() && !value.is_empty())
            .ok_or_else(|| {
                let detail = "`subject` must be `namespace:value`";
                Refusal::at(Code::SubjectMissing, "/subject", detail)
            })?;
        out.push(identifier(namespace, value, true, "/subject")?);
    }
    for leaf in &schema.subjects {
        let Some(value) = envelope.data.get(&leaf.member).and_then(Value::as_str) else { continue };
        let flag = leaf.verified_by.as_ref().and_then(|it| envelope.data.get(it));
        let verified = flag.and_then(Value::as_bool).unwrap_or(false);
        let found =
            identifier(&leaf.namespace, value, verified, &format!("/data/{}", leaf.member))?;
        if !out.iter().any(|it| it.namespace == found.namespace && it.value == found.value) {
            out.push(found);
        }
    }
    if out.len() > IDENTIFIERS_MAX {
        return Err(Refusal::at(Code::TooLarge, "/data", "more than 8 identifiers"));
    }
    Ok(out)
}

fn identifier(
    namespace: &str,
    value: &str,
    verified: bool,
    pointer: &str,
) -> Result<Identifier, Refusal> {
    if value.len() > ID_BYTES_MAX {
        return Err(Refusal::at(Code::TooLarge, pointer, "an identifier is longer than 256 bytes"));
    }
    Ok(Identifier { namespace: namespace.to_owned(), value: value.to_owned(), verified })
}

fn object(data: &Value, schema: &Schema) -> Result<Option<ObjectRef>, Refusal> {
    let Some((member, kind)) = &schema.object else { return Ok(None) };
    let Some(id) = data.get(member).and_then(Value::as_str) else { return Ok(None) };
    if id.is_empty() || id.len() > ID_BYTES_MAX {
        let detail = "an object id has 1 to 256 bytes";
        return Err(Refusal::at(Code::TooLarge, format!("/data/{member}"), detail));
    }
    Ok(Some(ObjectRef { kind: kind.clone(), id: id.to_owned() }))
}
