//! The file of API keys: hashes only; a key is printed once, when it is made.

use std::fs;

use anyhow::{Context as _, Result, bail};
use service::auth::ApiKey;

use crate::{config::DataDirectory, secrets::write_private};

/// The most keys a deployment may have.
pub const KEYS_MAX: usize = 1_000;

/// Every key of the deployment; none where the file is absent.
pub fn read(data: &DataDirectory) -> Result<Vec<ApiKey>> {
    let path = data.api_keys();
    match fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .with_context(|| format!("`{}` is not a list of keys", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).with_context(|| format!("reading `{}`", path.display())),
    }
}

/// Adds a key; a name may be used once.
pub fn add(data: &DataDirectory, key: ApiKey) -> Result<()> {
    let mut keys = read(data)?;
    if keys.iter().any(|it| it.name == key.name && it.tenant == key.tenant) {
        bail!("there is a key named `{}` already", key.name);
    }
    if keys.len() >= KEYS_MAX {
        bail!("there are {KEYS_MAX} keys already");
    }
    keys.push(key);
    let bytes = serde_json::to_vec_pretty(&keys).context("encoding the keys")?;
    write_private(&data.api_keys(), &bytes)
}
