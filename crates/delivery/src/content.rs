//! The released artifacts of this crate: templates, caps, sending windows.

use std::collections::BTreeMap;

use kernel::{ArtifactRef, Digest, Finding};
use serde::de::DeserializeOwned;

use crate::{
    caps::Cap,
    message::{TemplateRef, WindowClass},
    template::Template,
    window::SendingWindows,
};

/// The kinds of artifact this crate understands.
pub const KINDS: &[&str] = &["template", "cap", "window"];

/// The compiled artifacts of one bundle.
#[derive(Debug, Default)]
pub struct Artifacts {
    templates: BTreeMap<String, (Digest, Template)>,
    caps: BTreeMap<String, Cap>,
    windows: BTreeMap<String, SendingWindows>,
}

impl Artifacts {
    /// Compiles the artifacts of this crate's kinds; others are left to others.
    pub fn compile(sources: &[ArtifactRef<'_>]) -> Result<Self, Vec<Finding>> {
        let mut out = Self::default();
        let mut findings = Vec::new();
        for source in sources {
            let name = source.name.to_owned();
            let compiled = match source.kind {
                "template" => Template::compile(source).map(|it| {
                    out.templates.insert(name, (source.digest, it));
                }),
                "cap" => Cap::compile(source).map(|it| {
                    out.caps.insert(name, it);
                }),
                "window" => SendingWindows::compile(source).map(|it| {
                    out.windows.insert(name, it);
                }),
                _ => Ok(()),
            };
            if let Err(found) = compiled {
                findings.extend(found);
            }
        }
        if findings.is_empty() { Ok(out) } else { Err(findings) }
    }

    /// The template of this name, if it is the one with this digest.
    pub fn template(&self, wanted: &TemplateRef) -> Option<&Template> {
        self.templates
            .get(&wanted.name)
            .filter(|(digest, _)| *digest == wanted.digest)
            .map(|(_, template)| template)
    }

    /// The template of this name, whatever its digest: for previews and lint.
    pub fn template_named(&self, name: &str) -> Option<&Template> {
        self.templates.get(name).map(|(_, template)| template)
    }

    /// The cap of this name.
    pub fn cap(&self, name: &str) -> Option<&Cap> {
        self.caps.get(name)
    }

    /// The sending windows of a class.
    pub fn windows(&self, class: WindowClass) -> Option<&SendingWindows> {
        self.windows.get(class.as_str())
    }
}

/// Reads an artifact's body into its private shape and checks its schema.
pub(crate) fn read<T: DeserializeOwned>(
    source: &ArtifactRef<'_>,
    schema: &str,
    found: impl Fn(&T) -> &str,
) -> Result<T, Vec<Finding>> {
    let read: T = serde_json::from_value(source.body.clone()).map_err(|it| {
        vec![Finding::at(source, "", &format!("{}.shape", source.kind), it.to_string())]
    })?;
    if found(&read) == schema {
        return Ok(read);
    }
    let message = format!("schema is `{schema}`");
    Err(vec![Finding::at(source, "/schema", &format!("{}.schema", source.kind), message)])
}
