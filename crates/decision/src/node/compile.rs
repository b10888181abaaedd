//! From a node file to a node, or to everything that is wrong with it.

use std::sync::Arc;

use chrono::NaiveTime;
use chrono_tz::Tz;
use kernel::{ArtifactRef, Channel, Digest, Finding, Period, PurposeRef};

use super::{
    ArtifactPin, Calendar, DateTrigger, EventTrigger, Explain, InactivityTrigger, Node, Offset,
    Rule, Sending, Stage, Table, Treatment, Trigger, file, lint, translate,
};
use crate::condition::{self, Names, Program, Type};

/// Compiles one artifact of kind `node` against the bundle it is part of.
pub(crate) fn compile(
    source: &ArtifactRef<'_>,
    bundle: &[ArtifactRef<'_>],
) -> Result<Node, Vec<Finding>> {
    let file = file::File::deserialize_from(source)?;
    let mut compiler = Compiler {
        source,
        bundle,
        names: Names::of_cut(Vec::new()),
        used: 0,
        findings: Vec::new(),
    };
    lint::file(&file, source, &mut compiler.findings);
    let node = compiler.node(&file);
    lint::node(&node, compiler.used, source, &mut compiler.findings);
    if compiler.findings.is_empty() { Ok(node) } else { Err(compiler.findings) }
}

impl file::File {
    fn deserialize_from(source: &ArtifactRef<'_>) -> Result<Self, Vec<Finding>> {
        serde::Deserialize::deserialize(source.body).map_err(|error: serde_json::Error| {
            vec![Finding::at(source, "", "node.shape", error.to_string())]
        })
    }
}

struct Compiler<'a> {
    source: &'a ArtifactRef<'a>,
    bundle: &'a [ArtifactRef<'a>],
    names: Names,
    /// The slots something reads.
    used: u64,
    findings: Vec<Finding>,
}

impl Compiler<'_> {
    fn node(&mut self, file: &file::File) -> Node {
        let head = &file.node;
        let fields = translate::fields(&file.data);
        self.names = Names::of_cut(fields.iter().map(|it| Arc::clone(&it.name)).collect());
        let trigger = self.trigger(&file.trigger);
        let tables = self.tables(&file.tables);
        let rules = self.rules(file);
        let guardrails = self.guardrails(file);
        let channels = translate::channels(&file.treatments);
        let treatments = self.treatments(file, &channels);
        let purpose = PurposeRef { key: file.purpose.key.clone(), version: file.purpose.version };
        let pins = [("boundary", &*file.boundary.name), ("purpose", purpose.key.as_str())]
            .into_iter()
            .map(|(kind, name)| (kind, self.pin(kind, name, &format!("/{kind}"))))
            .collect();
        self.registry(file);
        let explain = self.explain(&file.explain);
        let cut = translate::cut(file, purpose.clone(), fields);
        Node {
            name: head.name.clone(),
            digest: self.source.digest,
            digest_text: self.source.digest.to_string().into(),
            owner: Arc::clone(&head.owner),
            class: head.class,
            tier: head.tier,
            object: Arc::clone(&head.object),
            currency: head.currency,
            expires_on: head.expires_on,
            purpose_text: purpose.to_string().into(),
            pins,
            basis: file.purpose.basis.clone(),
            timing: Arc::new(translate::timing(&cut, &trigger)),
            cut: Arc::new(cut),
            purpose,
            types: self.names.types().to_vec(),
            trigger,
            life: translate::life(&file.life),
            sequence: file.sequence.as_ref().map(translate::sequence),
            actions: file.actions.iter().map(translate::action).collect(),
            treatments,
            channels,
            tables,
            rules,
            guardrails,
            counters: self.names.counters().to_vec(),
            arbitration: translate::arbitration(&file.arbitration),
            sending: self.sending(&file.sending),
            experiment: file.experiment.as_ref().map(translate::experiment),
            kpis: file.kpis.iter().map(translate::kpi).collect(),
            degraded: translate::degraded(&file.degraded),
            explain,
        }
    }

    fn find(&mut self, pointer: String, rule: &str, message: impl Into<String>) {
        self.findings.push(Finding::at(self.source, pointer, rule, message));
    }

    fn slot(&mut self, field: &str, pointer: &str) -> usize {
        match self.names.fields().iter().position(|it| &**it == field) {
            Some(slot) => {
                self.used |= 1_u64.checked_shl(u32::try_from(slot).unwrap_or(64)).unwrap_or(0);
                slot
            }
            None => {
                let message = format!("`{field}` is not in the node's data");
                self.find(pointer.to_owned(), "node.data_unlisted", message);
                0
            }
        }
    }

    fn condition(&mut self, text: &str, pointer: &str) -> Program {
        match condition::compile(text, &mut self.names) {
            Ok(program) => {
                self.used |= program.reads();
                program
            }
            Err(error) => {
                self.find(pointer.to_owned(), error.rule, error.to_string());
                Program::never()
            }
        }
    }

    fn demand(&mut self, slot: usize, wanted: Type, pointer: &str) {
        if let Err(error) = self.names.demand(slot, wanted) {
            self.find(pointer.to_owned(), error.rule, error.message);
        }
    }

    fn pin(&mut self, kind: &str, name: &str, pointer: &str) -> ArtifactPin {
        let found = self.bundle.iter().find(|it| it.kind == kind && it.name == name);
        let digest = found.map_or(Digest::from_bytes([0; 32]), |it| it.digest);
        if found.is_none() {
            let message = format!("the bundle has no {kind} `{name}`");
            self.find(pointer.to_owned(), "node.reference", message);
        }
        ArtifactPin { name: name.into(), digest, text: digest.to_string().into() }
    }

    /// A node says nothing about its purpose that the registry does not say.
    fn registry(&mut self, file: &file::File) {
        let key = file.purpose.key.as_str();
        let Some(entry) = self.bundle.iter().find(|it| it.kind == "purpose" && it.name == key)
        else {
            return;
        };
        let version = entry.body.get("version").and_then(serde_json::Value::as_u64);
        if version != Some(u64::from(file.purpose.version)) {
            let message = "the registry has another version of the purpose";
            self.find("/purpose/version".into(), "node.registry", message);
        }
        for (jurisdiction, basis) in &file.purpose.basis {
            let known = entry.body.pointer(&format!("/bases/{jurisdiction}/basis"));
            if known.and_then(serde_json::Value::as_str) != Some(&**basis) {
                let message = format!("the registry has another basis in {jurisdiction}");
                self.find(format!("/purpose/basis/{jurisdiction}"), "node.registry", message);
            }
        }
    }

    fn trigger(&mut self, trigger: &file::Trigger) -> Trigger {
        match trigger {
            file::Trigger::Event { event, when, delay, max_age, missed } => {
                let mut names = Names::of_event();
                let when = when.as_ref().and_then(|text| {
                    condition::compile(text, &mut names)
                        .map_err(|it| {
                            self.find("/trigger/when".into(), it.rule, it.to_string());
                        })
                        .ok()
                });
                Trigger::Event(EventTrigger {
                    event: Arc::clone(event),
                    when,
                    payload: names.fields().to_vec(),
                    types: names.types().to_vec(),
                    delay: *delay,
                    max_age: *max_age,
                    missed: *missed,
                })
            }
            file::Trigger::Date { anchor, offsets, at, spread, zone, zone_unknown, missed } => {
                let anchor = self.slot(anchor, "/trigger/anchor");
                let label = |it: &Period| Offset { label: it.to_string().into(), period: *it };
                Trigger::Date(DateTrigger {
                    anchor,
                    offsets: offsets.iter().map(label).collect(),
                    calendar: self.calendar(at, *spread, zone.as_deref(), zone_unknown, *missed),
                })
            }
            file::Trigger::Inactivity {
                since,
                last,
                after,
                at,
                spread,
                zone,
                zone_unknown,
                missed,
            } => {
                let last = self.slot(last, "/trigger/last");
                self.demand(last, Type::At, "/trigger/last");
                Trigger::Inactivity(InactivityTrigger {
                    since: Arc::clone(since),
                    last,
                    after: *after,
                    calendar: self.calendar(at, *spread, zone.as_deref(), zone_unknown, *missed),
                })
            }
        }
    }

    fn calendar(
        &mut self,
        at: &str,
        spread: Period,
        zone: Option<&str>,
        zone_unknown: &str,
        missed: Period,
    ) -> Calendar {
        let time = NaiveTime::parse_from_str(at, "%H:%M").unwrap_or_else(|_| {
            self.find("/trigger/at".into(), "node.time", "not a time of day as `HH:MM`");
            NaiveTime::MIN
        });
        let zone = zone.map(|it| {
            let slot = self.slot(it, "/trigger/zone");
            self.demand(slot, Type::Text, "/trigger/zone");
            slot
        });
        let zone_unknown = zone_unknown.parse::<Tz>().unwrap_or_else(|_| {
            self.find("/trigger/zone_unknown".into(), "node.zone", "not an IANA time zone");
            Tz::UTC
        });
        Calendar { at: time, spread, zone, zone_unknown, missed }
    }

    fn tables(&mut self, tables: &[file::Table]) -> Vec<Table> {
        let mut out = Vec::with_capacity(tables.len());
        for (i, table) in tables.iter().enumerate() {
            let rows = (table.rows.iter().enumerate())
                .map(|(j, (when, value))| {
                    let pointer = format!("/tables/{i}/rows/{j}/0");
                    (self.condition(when, &pointer), Arc::clone(value))
                })
                .collect();
            // Added after its own rows, so that no table reads itself or a later one.
            self.names.add_table(Arc::clone(&table.id));
            let unique = table.hit == file::Hit::Unique;
            out.push(Table { id: Arc::clone(&table.id), unique, rows });
        }
        out
    }

    fn rules(&mut self, file: &file::File) -> Vec<Rule> {
        (file.rules.iter().enumerate())
            .map(|(i, rule)| Rule {
                id: Arc::clone(&rule.id),
                stage: match rule.stage {
                    file::Stage::Eligibility => Stage::Eligibility,
                    file::Stage::Applicability => Stage::Applicability,
                    file::Stage::Suitability => Stage::Suitability,
                },
                condition: self.condition(&rule.require, &format!("/rules/{i}/require")),
                say: Arc::clone(&rule.say),
                actions: self.governed(
                    rule.actions.as_deref(),
                    file,
                    &format!("/rules/{i}/actions"),
                ),
            })
            .collect()
    }

    fn guardrails(&mut self, file: &file::File) -> Vec<Rule> {
        (file.guardrails.iter().enumerate())
            .map(|(i, rule)| Rule {
                id: Arc::clone(&rule.id),
                stage: Stage::Guardrail,
                condition: self.condition(&rule.forbid, &format!("/guardrails/{i}/forbid")),
                say: Arc::clone(&rule.say),
                actions: self.governed(
                    rule.actions.as_deref(),
                    file,
                    &format!("/guardrails/{i}/actions"),
                ),
            })
            .collect()
    }

    fn governed(&mut self, ids: Option<&[String]>, file: &file::File, pointer: &str) -> u16 {
        let Some(ids) = ids else { return u16::MAX };
        let mut mask = 0;
        for id in ids {
            if let Some(i) = self.action(id, file, pointer) {
                mask |= 1_u16.checked_shl(u32::try_from(i).unwrap_or(16)).unwrap_or(0);
            }
        }
        mask
    }

    fn action(&mut self, id: &str, file: &file::File, pointer: &str) -> Option<usize> {
        let found = file.actions.iter().position(|it| &*it.id == id);
        if found.is_none() {
            self.find(pointer.to_owned(), "node.action", format!("there is no action `{id}`"));
        }
        found
    }

    fn treatments(&mut self, file: &file::File, channels: &[Channel]) -> Vec<Treatment> {
        (file.treatments.iter().enumerate())
            .map(|(i, it)| {
                let at = |member: &str| format!("/treatments/{i}/{member}");
                Treatment {
                    id: Arc::clone(&it.id),
                    action: self.action(&it.action, file, &at("action")).unwrap_or(0),
                    channel: it.channel,
                    channel_idx: channels.iter().position(|c| *c == it.channel).unwrap_or(0),
                    placement: it.placement.clone(),
                    template: self.pin("template", &it.template, &at("template")),
                    when: it.when.as_ref().map(|text| self.condition(text, &at("when"))),
                    needs: it.needs.iter().map(|f| self.slot(f, &at("needs"))).collect(),
                }
            })
            .collect()
    }

    fn sending(&mut self, it: &file::Sending) -> Sending {
        Sending {
            caps: it.caps.iter().map(|cap| self.pin("cap", cap, "/sending/caps")).collect(),
            quiet_hours: Arc::clone(&it.quiet_hours),
        }
    }

    fn explain(&mut self, it: &file::Explain) -> Explain {
        Explain {
            because: Arc::clone(&it.because),
            sentences: it.sentences.clone(),
            facts: it.facts.iter().map(|field| self.slot(field, "/explain/facts")).collect(),
        }
    }
}
