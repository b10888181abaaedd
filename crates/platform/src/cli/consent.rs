//! `assent consent`: what a person's choices permit, asked without doing anything.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use consent::Ask;
use identity::Identifier;
use kernel::{Channel, Instant, Known, PersonAt, PurposeKey, RuleId, SubjectId, TenantId};
use serde::Serialize;
use service::explained::Explained;

use super::{Data, REFUSED, block_on, complain, say};
use crate::compose::{self, Assent};

/// Ask what the choices of a person permit, and why.
#[derive(Debug, Subcommand)]
pub enum Consent {
    /// Say for each purpose whether it may be pursued, every reason why not with the provision it
    /// rests on, and what would have to change for a yes; 1 if any is not permitted.
    ///
    /// Nothing is written. For an instant gone by the choices are read as they stood then; the
    /// registry is today's.
    Explain(Explain),
}

/// What is asked.
#[derive(Debug, Args)]
pub struct Explain {
    #[command(flatten)]
    data: Data,
    /// Whose records.
    #[arg(long, default_value = "acme", env = "ASSENT_TENANT")]
    tenant: TenantId,
    /// The person: an id (`sub_..`), or an identifier (`crm_id:C0`).
    subject: String,
    /// For this purpose; for every registered one, if none is named.
    #[arg(long = "purpose")]
    purposes: Vec<PurposeKey>,
    /// Over this channel; without contacting anybody, if absent.
    #[arg(long)]
    channel: Option<Channel>,
    /// At this instant (RFC 3339), gone by or to come; now, if absent.
    #[arg(long)]
    as_of: Option<Instant>,
    /// Print the answers as JSON.
    #[arg(long)]
    json: bool,
}

/// The answer about one purpose.
#[derive(Debug, Serialize)]
struct Answer {
    purpose: String,
    #[serde(flatten)]
    explained: Explained,
}

impl Consent {
    /// Runs it.
    pub fn run(self) -> Result<ExitCode> {
        let Self::Explain(it) = self;
        block_on(it.act())
    }
}

impl Explain {
    async fn act(self) -> Result<ExitCode> {
        let assent =
            compose::offline(&self.data.open()?, &self.tenant, self.data.servers()?).await?;
        let Some(person) = found(&assent, &self.tenant, &self.subject).await? else {
            complain("nobody is known by that");
            assent.close().await?;
            return Ok(ExitCode::from(REFUSED));
        };
        let answers = self.answers(&assent, &person).await?;
        assent.close().await?;
        if self.json {
            say(serde_json::to_string_pretty(&answers).context("encoding the answers")?);
        } else {
            for it in &answers {
                say(format_args!("{}: {}", it.purpose, it.explained));
            }
        }
        let all = answers.iter().all(|it| it.explained.is_permitted());
        Ok(if all { ExitCode::SUCCESS } else { ExitCode::from(REFUSED) })
    }

    async fn answers(&self, assent: &Assent, person: &PersonAt) -> Result<Vec<Answer>> {
        let explain = &assent.app.explain;
        let registry = explain.registry(&self.tenant).await.context("reading the registry")?;
        let purposes: Vec<_> = if self.purposes.is_empty() {
            registry.purposes().iter().map(consent::Purpose::reference).collect()
        } else {
            let version = |key: &PurposeKey| registry.purpose(key).map_or(1, |it| it.version);
            let named = self.purposes.iter();
            named
                .map(|key| kernel::PurposeRef { key: key.clone(), version: version(key) })
                .collect()
        };
        let asks: Vec<_> = purposes
            .iter()
            .map(|it| Ask {
                channel: self.channel,
                bundle: Known::NotApplicable(RuleId::new("cli.no_data")),
                signals: Known::NotApplicable(RuleId::new("cli.no_browser")),
                ..Ask::about(it.clone(), person)
            })
            .collect();
        let as_of = self.as_of.unwrap_or_else(|| assent.app.clock.now());
        let explained = explain
            .explain(&self.tenant, person, asks, as_of)
            .await
            .context("explaining the verdicts")?;
        let named = purposes.iter().map(ToString::to_string).zip(explained);
        Ok(named.map(|(purpose, it)| Answer { purpose, explained: Explained::new(it) }).collect())
    }
}

/// The person of an id (`sub_..`), or of an identifier (`namespace:value`), if there is one.
pub(super) async fn found(
    assent: &Assent,
    tenant: &TenantId,
    subject: &str,
) -> Result<Option<PersonAt>> {
    let people = &assent.app.people;
    let found = match subject.split_once(':') {
        Some((namespace, value)) => {
            people.find(tenant, &[Identifier::stated(namespace, value)]).await
        }
        None => {
            let id: SubjectId = subject
                .parse()
                .context("reading whom it is about: `sub_..` or `namespace:value`")?;
            people.person(tenant, id.uuid()).await
        }
    };
    found.context("looking the person up")
}
