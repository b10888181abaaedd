//! The servers as containers, by the interface of the engine that answers on this machine.

use testcontainers::{
    ContainerAsync, GenericImage, ImageExt as _,
    core::{IntoContainerPort as _, WaitFor},
    runners::AsyncRunner as _,
};
use url::Url;

use super::{Failed, Images, POSTGRES_SETTINGS, REDIS_SETTINGS};

const POSTGRES_PORT: u16 = 5432;
const REDIS_PORT: u16 = 6379;
/// Containers of a run carry its process, so that what a killed run left behind can be found.
const LABEL: &str = "assent.it";

/// Running containers.
#[derive(Debug)]
pub(super) struct Held {
    postgres: ContainerAsync<GenericImage>,
    redis: ContainerAsync<GenericImage>,
}

impl Held {
    /// Stops and removes both, with their volumes.
    pub(super) async fn stop(self) -> Result<(), Failed> {
        // Both are tried before either failure is told.
        let (postgres, redis) = tokio::join!(self.postgres.rm(), self.redis.rm());
        postgres?;
        Ok(redis?)
    }
}

/// Starts both; whether they answer is asked over their ports, not read from their output.
pub(super) async fn start(images: &Images) -> Result<(Held, Url, Url), Failed> {
    let owner = std::process::id().to_string();
    let settings = POSTGRES_SETTINGS.iter().flat_map(|it| ["-c", it]);
    let postgres = image(&images.postgres, POSTGRES_PORT)
        .with_env_var("POSTGRES_USER", "assent")
        .with_env_var("POSTGRES_PASSWORD", "assent")
        .with_env_var("POSTGRES_DB", "assent")
        .with_label(LABEL, &owner)
        .with_cmd(settings)
        .start();
    let command = std::iter::once("redis-server").chain(REDIS_SETTINGS);
    let redis =
        image(&images.redis, REDIS_PORT).with_label(LABEL, &owner).with_cmd(command).start();
    // Whichever started is removed when it is dropped, should the other fail.
    let (postgres, redis) = tokio::join!(postgres, redis);
    let held = Held { postgres: postgres?, redis: redis? };
    let (at, port) = address(&held.postgres, POSTGRES_PORT).await?;
    let postgres = Url::parse(&format!("postgres://assent:assent@{at}:{port}/assent"))?;
    let (at, port) = address(&held.redis, REDIS_PORT).await?;
    let redis = Url::parse(&format!("redis://{at}:{port}/"))?;
    Ok((held, postgres, redis))
}

fn image(name: &str, port: u16) -> GenericImage {
    let (name, tag) = split(name);
    GenericImage::new(name, tag).with_exposed_port(port.tcp()).with_wait_for(WaitFor::Nothing)
}

/// `registry:5000/redis:7.0` is `registry:5000/redis` and `7.0`.
pub(super) fn split(name: &str) -> (&str, &str) {
    name.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')).unwrap_or((name, "latest"))
}

async fn address(
    container: &ContainerAsync<GenericImage>,
    port: u16,
) -> Result<(String, u16), Failed> {
    let host = container.get_host().await?.to_string();
    // `localhost` may be an IPv6 address first, where the engine publishes nothing.
    let host = if host == "localhost" { "127.0.0.1".to_owned() } else { host };
    Ok((host, container.get_host_port_ipv4(port).await?))
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn a_tag_is_what_follows_the_last_colon_of_the_last_segment() {
        for (name, expected) in [
            ("redis:7.0", ("redis", "7.0")),
            ("redis", ("redis", "latest")),
            ("mirror:5000/redis", ("mirror:5000/redis", "latest")),
            ("mirror:5000/redis:7.0", ("mirror:5000/redis", "7.0")),
        ] {
            assert_eq!(split(name), expected, "{name}");
        }
    }
}
