//! `assent identity why|how|what-if`: what holds people together, from the log; nothing is written.

use std::{fmt::Write as _, process::ExitCode};

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use identity::{
    Identifier,
    explain::{Entry, Standing, Why},
    ports::Person,
    service::{UnlinkError, WhatIf},
};
use kernel::{NodeId, TenantId};
use serde_json::json;

use crate::{
    cli::{Data, REFUSED, block_on, complain, say},
    compose::{self, Assent},
};

/// Whose records, and how the answer is told.
#[derive(Debug, Args)]
pub(super) struct Asked {
    #[command(flatten)]
    data: Data,
    /// Whose records.
    #[arg(long, default_value = "acme", env = "ASSENT_TENANT")]
    tenant: TenantId,
    /// Print the answer as JSON.
    #[arg(long)]
    json: bool,
}

/// Two identifiers.
#[derive(Debug, Args)]
pub struct Two {
    #[command(flatten)]
    asked: Asked,
    /// One: an id (`nod_..`), or an identifier (`crm_id:C0`).
    a: String,
    /// The other.
    b: String,
}

/// One identifier.
#[derive(Debug, Args)]
pub struct One {
    #[command(flatten)]
    asked: Asked,
    /// An id (`nod_..`), or an identifier (`crm_id:C0`).
    identifier: String,
}

/// Why two identifiers are one person, or are not.
pub(super) fn why(two: &Two) -> Result<ExitCode> {
    block_on(two.asked.with(&[&two.a, &two.b], async |assent, nodes| {
        let [a, b] = nodes else { return Ok(false) };
        let why = assent.app.people.why(&two.asked.tenant, *a, *b).await.context("asking why")?;
        two.asked.tell(&why_json(&why), || why_text(&why))?;
        Ok(!why.steps.is_empty())
    }))
}

/// How an identifier came to be whose it is.
pub(super) fn how(one: &One) -> Result<ExitCode> {
    block_on(one.asked.with(&[&one.identifier], async |assent, nodes| {
        let [node] = nodes else { return Ok(false) };
        let people = &assent.app.people;
        let entries = people.how(&one.asked.tenant, *node).await.context("asking how")?;
        one.asked.tell(&how_json(&entries), || how_text(&entries))?;
        Ok(true)
    }))
}

/// What taking two identifiers apart would do.
pub(super) fn what_if(two: &Two) -> Result<ExitCode> {
    block_on(two.asked.with(&[&two.a, &two.b], async |assent, nodes| {
        let [a, b] = nodes else { return Ok(false) };
        match assent.app.people.what_if_unlinked(&two.asked.tenant, (*a, *b)).await {
            Ok(it) => {
                two.asked.tell(&what_if_json(&it), || what_if_text(&it))?;
                Ok(true)
            }
            Err(error @ (UnlinkError::Apart | UnlinkError::Unknown)) => {
                complain(error);
                Ok(false)
            }
            Err(error) => Err(error).context("asking what would happen"),
        }
    }))
}

impl Asked {
    /// Looks the identifiers up and asks; 1 where one was never seen, or the answer is no.
    async fn with(
        &self,
        texts: &[&String],
        ask: impl AsyncFnOnce(&Assent, &[NodeId]) -> Result<bool>,
    ) -> Result<ExitCode> {
        let data = self.data.open()?;
        let assent = compose::offline(&data, &self.tenant, self.data.servers()?).await?;
        let mut nodes = Vec::with_capacity(texts.len());
        for text in texts {
            match self.node(&assent, text).await? {
                Some(it) => nodes.push(it),
                None => complain(format_args!("`{text}` was never seen")),
            }
        }
        let yes = nodes.len() == texts.len() && ask(&assent, &nodes).await?;
        assent.close().await?;
        Ok(if yes { ExitCode::SUCCESS } else { ExitCode::from(REFUSED) })
    }

    async fn node(&self, assent: &Assent, text: &str) -> Result<Option<NodeId>> {
        let Some((namespace, value)) = text.split_once(':') else {
            let node: NodeId =
                text.parse().context("reading what it is about: `nod_..` or `namespace:value`")?;
            return Ok(Some(node));
        };
        ensure!(!value.is_empty(), "`{text}` names no value");
        let identifier = Identifier::stated(namespace, value);
        assent.app.people.node(&self.tenant, &identifier).await.context("looking it up")
    }

    fn tell(&self, json: &serde_json::Value, text: impl FnOnce() -> String) -> Result<()> {
        if self.json {
            say(serde_json::to_string_pretty(json).context("encoding the answer")?);
        } else {
            say(text().trim_end());
        }
        Ok(())
    }
}

fn why_json(why: &Why) -> serde_json::Value {
    let steps = why.steps.iter().map(|it| {
        json!({
            "assertion": it.assertion.to_string(), "a": it.a, "b": it.b,
            "strength": it.strength, "source": it.source.as_str(), "event": it.event,
            "actor": it.actor, "at": it.at, "rules": it.rules.to_string(),
        })
    });
    let against = why.against.iter().map(|it| {
        json!({
            "assertion": it.assertion.to_string(), "a": it.a, "b": it.b,
            "reason": it.reason.to_string(), "against": it.against.map(|it| it.to_string()),
        })
    });
    json!({ "steps": steps.collect::<Vec<_>>(), "against": against.collect::<Vec<_>>() })
}

fn why_text(why: &Why) -> String {
    let mut out = String::new();
    if why.steps.is_empty() {
        out.push_str("not one person\n");
    }
    for it in &why.steps {
        let who = it.actor.as_ref().map(|it| format!(", by {it}")).unwrap_or_default();
        let _ = writeln!(
            out,
            "{} is {}: {} by {} at {}{who} ({})",
            it.a,
            it.b,
            it.strength.as_str(),
            it.source,
            it.at,
            it.assertion
        );
    }
    for it in &why.against {
        let against = it.against.map(|it| format!(", for {it}")).unwrap_or_default();
        let _ = writeln!(
            out,
            "refused: {} with {}, {}{against} ({})",
            it.a, it.b, it.reason, it.assertion
        );
    }
    out
}

fn standing(entry: &Entry) -> String {
    match &entry.standing {
        Standing::Live => "live".to_owned(),
        Standing::Retracted(by) => format!("retracted by {by}"),
        Standing::Refused(reason) => format!("refused: {reason}"),
    }
}

fn how_json(entries: &[Entry]) -> serde_json::Value {
    let each = entries.iter().map(|it| {
        let (a, b) = it.assertion.kind.nodes();
        json!({
            "seq": it.assertion.seq, "assertion": it.assertion.id.to_string(),
            "kind": it.assertion.kind.name(), "a": a, "b": b,
            "strength": it.assertion.evidence.strength,
            "source": it.assertion.evidence.source.as_str(), "at": it.assertion.at,
            "standing": standing(it), "subject": it.subject, "members": it.members,
        })
    });
    each.collect()
}

fn how_text(entries: &[Entry]) -> String {
    let mut out = String::new();
    for it in entries {
        let (a, b) = it.assertion.kind.nodes();
        let other = b.map(|it| format!(" {it}")).unwrap_or_default();
        let whose = it.subject.map_or_else(|| "nobody".to_owned(), |it| it.to_string());
        let _ = writeln!(
            out,
            "{:>6}  {} {a}{other}, {} by {}: {}; then {whose} with {} identifiers",
            it.assertion.seq,
            it.assertion.kind.name(),
            it.assertion.evidence.strength.as_str(),
            it.assertion.evidence.source,
            standing(it),
            it.members
        );
    }
    if out.is_empty() { "nothing was ever said of it but its name".to_owned() } else { out }
}

fn person_json(it: &Person) -> serde_json::Value {
    let members = it.members.iter().map(|it| {
        json!({ "node": it.node, "namespace": it.namespace.as_str(), "link": it.link.as_str() })
    });
    json!({ "subject": it.subject, "members": members.collect::<Vec<_>>() })
}

fn what_if_json(it: &WhatIf) -> serde_json::Value {
    json!({
        "retracts": it.retracts.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "before": it.before.iter().map(person_json).collect::<Vec<_>>(),
        "after": it.after.iter().map(person_json).collect::<Vec<_>>(),
    })
}

fn what_if_text(it: &WhatIf) -> String {
    let mut out = String::new();
    for assertion in &it.retracts {
        let _ = writeln!(out, "would retract {assertion}");
    }
    for (when, people) in [("now", &it.before), ("then", &it.after)] {
        for person in people {
            let _ = writeln!(out, "{when}: {}", person.subject);
            for it in &person.members {
                let _ =
                    writeln!(out, "        {} {} ({})", it.namespace, it.node, it.link.as_str());
            }
        }
    }
    out
}
