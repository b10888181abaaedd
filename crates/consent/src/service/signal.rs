//! Hearing signals: what they take away is kept like any other "no".

use kernel::{Digest, Fault, PersonAt, TenantId};
use uuid::Uuid;

use super::{
    ConsentService, RestrainError,
    keep::{KeepError, Wish},
};
use crate::{
    Acknowledgement, Actor, ChannelSet, EventKind, Label, NewEvent, Practice, PurposeScope,
    Signals,
    signal::{Raw, SignalError, gpc},
};

/// What became of signals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// What they said.
    pub signals: Signals,
    /// Why some of them say nothing certain.
    pub unknown: Option<SignalError>,
    /// The answer to what they took away; none where they took nothing.
    pub acknowledgement: Option<Acknowledgement>,
}

/// One signal of those that came together, and the act it is.
struct Part {
    kind: &'static str,
    act: Uuid,
    signals: Signals,
}

impl ConsentService {
    /// Keeps what the signals take away, at every identifier of the person. The same signal is the
    /// same act, so it is kept once, and what the person answered since is not overruled by it;
    /// only a text message is an act of its own each time, named by `message`.
    pub async fn hear(
        &self,
        tenant: &TenantId,
        person: &PersonAt,
        raw: &Raw,
        source: &Label,
        message: Uuid,
    ) -> Result<Heard, RestrainError> {
        if person.nodes.is_empty() {
            return Err(RestrainError::Unknown);
        }
        let reading = Signals::read(raw);
        let artifacts = self.artifacts.live(tenant).await?;
        let mut events = Vec::new();
        let mut act = None;
        for part in parts(raw, source, message) {
            let mut kinds = Vec::new();
            for practice in Practice::ALL {
                if part.signals.opts_out_of(practice) {
                    kinds.push(EventKind::OptedOut { practice });
                }
            }
            let refused = artifacts.purposes().iter().filter(|it| part.signals.refuses(it));
            kinds.extend(refused.map(|it| EventKind::Refused {
                scope: PurposeScope::Under(it.key.clone()),
                channels: ChannelSet::ALL,
            }));
            if part.signals.stop_sms {
                let channels = ChannelSet::of(&[kernel::Channel::Sms]);
                kinds.push(EventKind::Withdrawn { scope: PurposeScope::All, channels });
            }
            let kind = if part.signals.gpc { gpc::ACTOR } else { part.kind };
            let kind = Label::new(kind)
                .map_err(|it| Fault::escalate("naming a kind of signal").because(it))?;
            for (nth, it) in (0_u32..).zip(kinds) {
                let template = self.template(it, &kind, source, part.act);
                events.extend(
                    self.at_every_node(tenant, &person.nodes, &template, part.act, nth).await?,
                );
                act.get_or_insert(part.act);
            }
        }
        let Some(act) = act else {
            let (signals, unknown) = (reading.signals, reading.unknown);
            return Ok(Heard { signals, unknown, acknowledgement: None });
        };
        let mut nodes = person.nodes.clone();
        nodes.sort_unstable();
        let subject = Some(person.subject);
        let wish = Wish { events, nodes: nodes.clone(), subject, act: Some(act), guard: None };
        let kept = self.keep(tenant, &wish).await.map_err(|it| match it {
            KeepError::Fault(fault) => RestrainError::Fault(fault),
            KeepError::Conflict => RestrainError::Conflict,
            KeepError::Moved(_) | KeepError::Refused(_) => {
                Fault::escalate("keeping a restriction that cannot be refused").into()
            }
        })?;
        let acknowledgement = Some(self.acknowledge(tenant, &nodes, act, kept).await);
        Ok(Heard { signals: reading.signals, unknown: reading.unknown, acknowledgement })
    }

    fn template(&self, kind: EventKind, signal: &Label, source: &Label, act: Uuid) -> NewEvent {
        NewEvent {
            id: act,
            source: source.clone(),
            node: kernel::NodeId::from_uuid(act),
            kind,
            event_time: self.clock.now(),
            actor: Actor::Signal { kind: signal.clone() },
            answers: Vec::new(),
        }
    }
}

/// Each signal by itself, with the act it is: the same text from the same source is the same act.
fn parts(raw: &Raw, source: &Label, message: Uuid) -> Vec<Part> {
    let mode: Vec<String> = raw.consent_mode.iter().map(|it| format!("{it:?}")).collect();
    let silent = Raw::default;
    let mut parts = Vec::new();
    let mut add = |kind: &'static str, text: &str, of: Raw| {
        let signals = Signals::read(&of).signals;
        if !signals.is_silent() {
            let act = act_of(&["assent.signal/1", source.as_str(), kind, text]);
            parts.push(Part { kind, act, signals });
        }
    };
    add(gpc::ACTOR, "1", Raw { gpc: raw.gpc, ..silent() });
    add("tcf", raw.tcf.as_deref().unwrap_or_default(), Raw { tcf: raw.tcf.clone(), ..silent() });
    add("gpp", raw.gpp.as_deref().unwrap_or_default(), Raw { gpp: raw.gpp.clone(), ..silent() });
    let consent_mode = raw.consent_mode.clone();
    add("consent_mode", &mode.join(";"), Raw { consent_mode, ..silent() });
    add("sms_keyword", &message.to_string(), Raw { sms: raw.sms.clone(), ..silent() });
    parts
}

fn act_of(parts: &[&str]) -> Uuid {
    let digest = Digest::of(parts.join("\0").as_bytes());
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(digest.as_bytes()) {
        *to = *from;
    }
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}
