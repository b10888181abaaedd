//! The HTTP surface as a user has it, asked in process.

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use service::surface::{Answered, Asked, Surface};

/// A caller with a key.
#[derive(Debug, Clone)]
pub struct Client {
    surface: Surface,
    bearer: String,
}

impl Client {
    /// Asks this surface with this key.
    pub fn new(surface: Surface, key: &str) -> Self {
        Self { surface, bearer: format!("Bearer {key}") }
    }

    /// Posts and returns the answer, whatever its status.
    pub async fn post(&self, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answered {
        let headers: Vec<_> = [("authorization", self.bearer.as_str())]
            .into_iter()
            .chain(headers.iter().copied())
            .collect();
        self.surface.ask(Asked { method: "POST", path, headers: &headers, body }).await
    }

    /// Posts JSON that must be taken.
    pub async fn must_post(&self, path: &str, body: &Value) -> Result<Value> {
        let headers = [("content-type", "application/json")];
        let answer = self.post(path, &headers, body.to_string().into_bytes()).await;
        taken("POST", path, &answer)
    }

    /// Reads and returns the answer, whatever its status.
    pub async fn read(&self, path: &str) -> Answered {
        let headers = [("authorization", self.bearer.as_str())];
        self.surface.ask(Asked { method: "GET", path, headers: &headers, body: Vec::new() }).await
    }

    /// Reads JSON that must be there.
    pub async fn get(&self, path: &str) -> Result<Value> {
        taken("GET", path, &self.read(path).await)
    }
}

/// The JSON of an answer whose status is 2xx.
pub fn taken(method: &str, path: &str, answer: &Answered) -> Result<Value> {
    if !(200..300).contains(&answer.status) {
        bail!(
            "{method} {path} answered {}: {}",
            answer.status,
            String::from_utf8_lossy(&answer.body)
        );
    }
    serde_json::from_slice(&answer.body)
        .with_context(|| format!("{method} {path} answered no JSON"))
}
