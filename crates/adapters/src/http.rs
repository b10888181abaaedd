//! Outbound HTTP to destinations that others name: vetted addresses, one time-out, no redirects.
//!
//! The URL is parsed by the URL standard first, so that every spelling of an address is the address;
//! a literal one is checked there, because no resolver ever sees it. A name goes through our
//! resolver, which returns public addresses only, and what it returns is what is dialled.

use std::{
    collections::BTreeSet,
    error::Error,
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use kernel::Fault;
use reqwest::{
    Client,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect,
};
use url::{Host, Url};

/// The most time a connection takes to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Destinations an operator allows although they are not public: `host:port`, exactly.
///
/// They are the operator's, never a tenant's.
#[derive(Debug, Clone, Default)]
pub struct Exceptions(BTreeSet<(String, u16)>);

impl Exceptions {
    /// These hosts and ports.
    pub fn new(allowed: impl IntoIterator<Item = (String, u16)>) -> Self {
        Self(allowed.into_iter().collect())
    }

    fn holds(&self, host: &str, port: u16) -> bool {
        self.0.contains(&(host.to_owned(), port))
    }

    fn names(&self, host: &str) -> bool {
        self.0.iter().any(|(it, _)| it == host)
    }
}

/// A destination no message may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the destination is not a public HTTPS address")]
pub struct UnsafeDestination;

/// A client that reaches public destinations only.
#[derive(Debug, Clone)]
pub struct Egress {
    client: Client,
    exceptions: Arc<Exceptions>,
}

impl Egress {
    /// A client with these exceptions.
    pub fn new(exceptions: Exceptions) -> Result<Self, Fault> {
        // Whoever installed a provider before us has chosen; ours is the same one.
        drop(rustls::crypto::ring::default_provider().install_default());
        let exceptions = Arc::new(exceptions);
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .dns_resolver(VettedResolver(Arc::clone(&exceptions)))
            .build()
            .map_err(|it| Fault::escalate("building the outbound client").because(it))?;
        Ok(Self { client, exceptions })
    }

    /// Reads a destination and refuses one that is not public.
    pub fn vet(&self, url: &str) -> Result<Url, UnsafeDestination> {
        vet(url, &self.exceptions)
    }

    /// A POST to a vetted destination.
    pub fn post(&self, url: Url) -> reqwest::RequestBuilder {
        self.client.post(url)
    }
}

fn vet(url: &str, exceptions: &Exceptions) -> Result<Url, UnsafeDestination> {
    let url = Url::parse(url).map_err(|_| UnsafeDestination)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UnsafeDestination);
    }
    let port = url.port_or_known_default().ok_or(UnsafeDestination)?;
    if url.host_str().is_some_and(|it| exceptions.holds(it, port)) {
        return Ok(url);
    }
    let public = match url.host().ok_or(UnsafeDestination)? {
        Host::Ipv4(it) => is_public(it.into()),
        Host::Ipv6(it) => is_public(it.into()),
        Host::Domain(_) => true,
    };
    if url.scheme() == "https" && port == 443 && public { Ok(url) } else { Err(UnsafeDestination) }
}

/// Resolves names to public addresses; what it returns is what is dialled.
struct VettedResolver(Arc<Exceptions>);

impl Resolve for VettedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let exceptions = Arc::clone(&self.0);
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let allowed = exceptions.names(&host);
            let found = tokio::net::lookup_host((host, 0)).await?;
            let vetted: Vec<SocketAddr> =
                found.filter(|it| allowed || is_public(it.ip())).collect();
            if vetted.is_empty() {
                return Err(Box::new(UnsafeDestination) as Box<dyn Error + Send + Sync>);
            }
            Ok(Box::new(vetted.into_iter()) as Addrs)
        })
    }
}

impl fmt::Debug for VettedResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VettedResolver")
    }
}

/// Whether an error says that the destination was refused by us.
pub fn is_unsafe(error: &reqwest::Error) -> bool {
    let mut source: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(it) = source {
        if it.is::<UnsafeDestination>() {
            return true;
        }
        source = it.source();
    }
    false
}

/// Whether an address is one of the public internet's.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(it) => is_public_v4(it),
        IpAddr::V6(it) => is_public_v6(it),
    }
}

/// IANA's special-purpose IPv4 blocks: network and prefix length.
const SPECIAL_V4: &[([u8; 4], u32)] = &[
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
];

/// IANA's special-purpose blocks inside IPv6 global unicast (`2000::/3`): network and prefix length.
const SPECIAL_V6: &[([u16; 8], u32)] = &[
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
    ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),
    ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16),
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
];

fn is_public_v4(address: Ipv4Addr) -> bool {
    let bits = address.to_bits();
    SPECIAL_V4
        .iter()
        .all(|(network, length)| (bits ^ u32::from_be_bytes(*network)) >> (32 - length) != 0)
}

/// Only global unicast is public: mapped, compatible, NAT64, `SRv6`, local and multicast lie
/// outside.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let bits = address.to_bits();
    bits >> 125 == 0b001
        && SPECIAL_V6.iter().all(|(network, length)| {
            (bits ^ Ipv6Addr::from(*network).to_bits()) >> (128 - length) != 0
        })
}

#[cfg(test)]
mod tests {
    //! The table of destinations, every spelling of them.

    use super::*;

    #[test]
    fn only_public_https_is_reached() {
        let exceptions = Exceptions::default();
        for url in [
            "https://hooks.example.com/in",
            "https://hooks.example.com:443/in?x=1",
            "https://93.184.216.34/",
            "https://[2606:2800:220:1:248:1893:25c8:1946]/",
        ] {
            assert!(vet(url, &exceptions).is_ok(), "{url}");
        }
        for url in [
            "http://hooks.example.com/in",
            "https://hooks.example.com:8443/in",
            "https://user@hooks.example.com/",
            "https://user:pass@hooks.example.com/",
            "ftp://hooks.example.com/",
            "file:///etc/passwd",
            "not a url",
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://0177.0.0.1/",
            "https://127.1/",
            "https://10.1.2.3/",
            "https://172.31.255.255/",
            "https://192.168.0.1/",
            "https://169.254.169.254/latest/meta-data/",
            "https://100.64.0.1/",
            "https://0.0.0.0/",
            "https://224.0.0.1/",
            "https://255.255.255.255/",
            "https://192.0.2.1/",
            "https://198.18.0.1/",
            "https://192.88.99.1/",
            "https://[::]/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:93.184.216.34]/",
            "https://[::127.0.0.1]/",
            "https://[64:ff9b::7f00:1]/",
            "https://[64:ff9b:1::1]/",
            "https://[2002:7f00:1::]/",
            "https://[2001::1]/",
            "https://[2001:db8::1]/",
            "https://[3fff::1]/",
            "https://[5f00::1]/",
            "https://[fc00::1]/",
            "https://[fe80::1]/",
            "https://[fe80::1%25eth0]/",
            "https://[ff02::1]/",
        ] {
            assert!(vet(url, &exceptions).is_err(), "{url}");
        }
    }

    #[test]
    fn the_edges_of_blocks_are_exact() {
        for (address, public) in [
            ("9.255.255.255", true),
            ("10.0.0.0", false),
            ("11.0.0.0", true),
            ("100.63.255.255", true),
            ("100.127.255.255", false),
            ("172.15.255.255", true),
            ("172.32.0.0", true),
            ("198.19.255.255", false),
            ("198.20.0.0", true),
            ("223.255.255.255", true),
        ] {
            assert_eq!(is_public(address.parse().unwrap()), public, "{address}");
        }
    }

    #[test]
    fn an_exception_is_one_host_and_one_port() {
        let exceptions = Exceptions::new([("127.0.0.1".to_owned(), 8_090)]);
        assert!(vet("http://127.0.0.1:8090/in", &exceptions).is_ok());
        assert!(vet("http://127.0.0.1:8091/in", &exceptions).is_err());
        assert!(vet("http://user@127.0.0.1:8090/in", &exceptions).is_err());
        assert!(vet("https://127.0.0.1/", &exceptions).is_err());
    }

    #[tokio::test]
    async fn a_name_that_leads_home_is_not_dialled() {
        let egress = Egress::new(Exceptions::default()).unwrap();
        let url = egress.vet("https://localhost/").unwrap();
        let error = egress.post(url).send().await.unwrap_err();
        assert!(is_unsafe(&error), "{error:?}");
    }
}
