//! What `xtask/services.toml` says: the services of a deployment, read and checked.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;

/// Where the services are named.
pub(crate) const PATH: &str = "xtask/services.toml";
/// Every role that a deployment needs exactly once.
pub(crate) const ROLES: [&str; 5] = ["console", "consent", "decide", "ingest", "worker"];
/// The servers a service may need.
const SERVERS: [&str; 3] = ["postgres", "keys", "redis"];
/// Names that the deployment gives to what is no service of ours.
const TAKEN: [&str; 6] = ["gateway", "keys", "otel", "postgres", "redis", "setup"];

/// The services of a deployment and what stands before them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Services {
    /// What the world speaks to.
    pub(crate) gateway: Gateway,
    /// The services, in the order in which they are listed.
    #[serde(rename = "service")]
    pub(crate) all: Vec<Service>,
}

/// What the world speaks to.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Gateway {
    /// The port of this machine.
    pub(crate) port: u16,
    /// The service that gets every path nobody names.
    pub(crate) rest: String,
}

/// One deployable service: the binary with these roles.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Service {
    /// Its name, also on the network.
    pub(crate) name: String,
    /// The roles of its process.
    pub(crate) roles: Vec<String>,
    /// The servers it cannot be ready without.
    pub(crate) needs: Vec<String>,
    /// Where it listens.
    pub(crate) port: u16,
    /// The budget of an answer, at its 99th percentile.
    pub(crate) latency_ms_p99_max: u32,
    /// The paths it answers, as the routes spell them.
    pub(crate) paths: Vec<String>,
}

impl Services {
    /// Reads the file's text and refuses what cannot be deployed.
    pub(crate) fn read(text: &str) -> anyhow::Result<Self> {
        let services: Self = toml::from_str(text).with_context(|| format!("reading `{PATH}`"))?;
        services.check().with_context(|| format!("`{PATH}`"))?;
        Ok(services)
    }

    /// The service of this name.
    pub(crate) fn named(&self, name: &str) -> anyhow::Result<&Service> {
        let found = self.all.iter().find(|it| it.name == name);
        found.with_context(|| {
            let names: Vec<_> = self.all.iter().map(|it| it.name.as_str()).collect();
            format!("there is no service `{name}`, only {}", names.join(", "))
        })
    }

    /// The service whose process has this role.
    pub(crate) fn with_role(&self, role: &str) -> Option<&Service> {
        self.all.iter().find(|it| it.roles.iter().any(|it| it == role))
    }

    /// Every server that some service needs.
    pub(crate) fn servers(&self) -> Vec<&str> {
        let needed =
            |it: &&str| self.all.iter().any(|service| service.needs.iter().any(|need| need == it));
        SERVERS.into_iter().filter(needed).collect()
    }

    fn check(&self) -> anyhow::Result<()> {
        let mut ports = BTreeMap::from([(self.gateway.port, "the gateway")]);
        for it in &self.all {
            let legal = |it: u8| it.is_ascii_lowercase() || it == b'-';
            ensure!(!it.name.is_empty() && it.name.bytes().all(legal), "`{}` is no name", it.name);
            ensure!(!TAKEN.contains(&it.name.as_str()), "`{}` is not a service of ours", it.name);
            if let Some(other) = ports.insert(it.port, &it.name) {
                bail!("port {} is taken by {other}", it.port);
            }
            if let Some(need) = it.needs.iter().find(|it| !SERVERS.contains(&it.as_str())) {
                bail!("`{}` needs `{need}`, which is not {}", it.name, SERVERS.join(" or "));
            }
        }
        unique("service", self.all.iter().map(|it| &it.name))?;
        unique("path", self.all.iter().flat_map(|it| &it.paths))?;
        unique("role", self.all.iter().flat_map(|it| &it.roles))?;
        let strange = self.all.iter().flat_map(|it| &it.roles).find(|it| !is_role(it));
        if let Some(strange) = strange {
            bail!("`{strange}` is no role");
        }
        if let Some(role) = ROLES.iter().find(|it| self.with_role(it).is_none()) {
            bail!("no service has the role `{role}`");
        }
        self.named(&self.gateway.rest).map(drop)
    }
}

fn is_role(name: &str) -> bool {
    ROLES.contains(&name)
}

fn unique<'a>(what: &str, names: impl Iterator<Item = &'a String>) -> anyhow::Result<()> {
    let mut seen = std::collections::BTreeSet::new();
    for name in names {
        ensure!(seen.insert(name), "the {what} `{name}` is named twice");
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::Services;

    /// Two services with every role between them.
    pub(crate) const SMALL: &str = r#"
        [gateway]
        port = 80
        rest = "back"
        [[service]]
        name = "front"
        roles = ["decide", "consent", "ingest"]
        needs = ["postgres", "redis"]
        port = 81
        latency_ms_p99_max = 50
        paths = ["/v1/decisions", "/v1/decisions/{id}"]
        [[service]]
        name = "back"
        roles = ["worker", "console"]
        needs = ["postgres"]
        port = 82
        latency_ms_p99_max = 1000
        paths = []
    "#;

    #[test]
    fn the_shipped_services_can_be_deployed() {
        let text = std::fs::read_to_string(crate::flow::root().join(super::PATH)).unwrap();
        let services = Services::read(&text).unwrap();
        let names: Vec<_> = services.all.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["decide", "records", "worker", "console"]);
        assert_eq!(services.with_role("ingest").unwrap().name, "records");
    }

    #[test]
    fn what_cannot_be_deployed_is_refused_with_its_reason() {
        let check = |from: &str, to: &str, reason: &str| {
            assert!(SMALL.contains(from), "{from}");
            let error = Services::read(&SMALL.replacen(from, to, 1)).unwrap_err();
            let told = format!("{error:#}");
            assert!(told.contains(reason), "{from} -> {to}: {told}");
        };
        assert!(Services::read(SMALL).is_ok());
        check("port = 82", "port = 81", "port 81 is taken by front");
        check("port = 82", "port = 80", "port 80 is taken by the gateway");
        check("\"back\"\n        roles", "\"front\"\n        roles", "`front` is named twice");
        check("name = \"front\"", "name = \"redis\"", "`redis` is not a service of ours");
        check("name = \"front\"", "name = \"a b\"", "`a b` is no name");
        check("\"console\"]", "\"console\", \"decide\"]", "role `decide` is named twice");
        check("\"worker\", ", "", "no service has the role `worker`");
        check("\"worker\", ", "\"worker\", \"cook\", ", "`cook` is no role");
        check("needs = [\"postgres\"]", "needs = [\"kafka\"]", "needs `kafka`");
        check("rest = \"back\"", "rest = \"elsewhere\"", "no service `elsewhere`");
        check("/v1/decisions/{id}", "/v1/decisions", "path `/v1/decisions` is named twice");
        check("paths = []", "path = []", "unknown field `path`");
    }
}
