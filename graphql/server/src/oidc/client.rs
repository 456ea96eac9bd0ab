//! Asks providers over HTTP: public addresses, no redirects, bounded.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Url, redirect};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of an answer.
const MAX_BYTES: usize = 256 * 1024;

/// Why a provider could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// It could not be reached, or fell silent.
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    /// It answers more than is read.
    #[error("it answers more than {MAX_BYTES} bytes")]
    TooLarge,
    /// It is not where providers may be.
    #[error("`{0}` is not asked: an identity provider has https and a public address")]
    NotAllowed(String),
    /// Its answer is malformed.
    #[error("its answer is malformed: {0}")]
    Malformed(String),
}

/// Asks providers.
#[derive(Debug, Clone)]
pub struct ProviderClient {
    client: Client,
    allows_local: bool,
}

impl ProviderClient {
    /// A client; one that `allows_local` also speaks plain HTTP, and with this machine: for tests and development.
    ///
    /// # Errors
    /// When the machine's certificates cannot be used.
    pub fn new(allows_local: bool) -> Result<Self, reqwest::Error> {
        let builder = Client::builder().redirect(redirect::Policy::none()).timeout(PATIENCE).no_proxy();
        let builder = if allows_local { builder } else { builder.dns_resolver(Arc::new(PublicOnly)) };
        Ok(Self { client: builder.build()?, allows_local })
    }

    async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, ClientError> {
        let address = request.uri().to_string();
        let url = Url::parse(&address).map_err(|_| ClientError::NotAllowed(address.clone()))?;
        if !self.allows_local && !is_public(&url) {
            return Err(ClientError::NotAllowed(address));
        }
        let (parts, body) = request.into_parts();
        let mut response = self.client.request(parts.method, url).headers(parts.headers).body(body).send().await?;
        let mut built = openidconnect::http::Response::builder().status(response.status());
        for (name, value) in response.headers() {
            built = built.header(name, value);
        }
        let mut bytes = Vec::new();
        while let Some(piece) = response.chunk().await? {
            if bytes.len() + piece.len() > MAX_BYTES {
                return Err(ClientError::TooLarge);
            }
            bytes.extend_from_slice(&piece);
        }
        built.body(bytes).map_err(|error| ClientError::Malformed(error.to_string()))
    }
}

impl<'c> AsyncHttpClient<'c> for ProviderClient {
    type Error = ClientError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, ClientError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.ask(request))
    }
}

/// HTTPS, and no address that is not public; names are looked at when they are resolved.
fn is_public(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    url.scheme() == "https" && !host.is_empty() && address.map_or(true, is_public_address)
}

/// Whether an address is on the public internet (RFC 6890).
fn is_public_address(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            let shared = a == 100 && (64..128).contains(&b);
            let benchmark = a == 198 && (18..20).contains(&b);
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_unspecified()
                || v4.is_broadcast()
                || v4.is_documentation()
                || v4.is_multicast()
                || a == 0
                || a >= 240
                || shared
                || benchmark)
        }
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => is_public_address(IpAddr::V4(v4)),
            // Global unicast is 2000::/3, of which 2002::/16 and 2001::/23 lead elsewhere.
            None => {
                let first = v6.segments()[0];
                (0x2000..0x4000).contains(&first) && first != 0x2002 && !(first == 0x2001 && v6.segments()[1] < 0x200)
            }
        },
    }
}

/// Resolves names to public addresses and to nothing else, so that no name leads inside.
#[derive(Debug)]
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| is_public_address(address.ip())).collect();
            if public.is_empty() {
                return Err(format!("{} has no public address", name.as_str()).into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_over_https_are_asked() {
        let public = ["https://id.example.org/a", "https://1.1.1.1/", "https://[2400:3200::1]:8443/x"];
        let inside = [
            "http://id.example.org/",
            "https://127.0.0.1/",
            "https://10.1.2.3/",
            "https://172.16.0.1/",
            "https://192.168.0.1/",
            "https://169.254.169.254/",
            "https://100.100.100.200/",
            "https://0.0.0.0/",
            "https://[::1]/",
            "https://[fd00::1]/",
            "https://[fe80::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://[2002:0a00:0001::]/",
            "https://[64:ff9b::a00:1]/",
            "https://2130706433/",
            "https://0x7f.1/",
            "ftp://id.example.org/",
        ];
        assert!(public.iter().all(|url| is_public(&Url::parse(url).unwrap())));
        for url in inside {
            assert!(!is_public(&Url::parse(url).unwrap()), "{url}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_not_resolved() {
        assert!(PublicOnly.resolve("localhost".parse().unwrap()).await.is_err());
    }
}
