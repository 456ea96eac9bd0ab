//! The address that a request comes from: that of the connection or, behind proxies of the operator's, the one that the last of them
//! which is not trusted was reached from. What a stranger writes into `X-Forwarded-For` counts for nothing.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::HttpRequest;
use ipnet::IpNet;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The caller's address. Requests without a connection, those of a test, all come from one.
pub(super) fn of(request: &HttpRequest, trusted: &[IpNet]) -> IpAddr {
    let Some(peer) = request.peer_addr() else { return Ipv4Addr::UNSPECIFIED.into() };
    let texts = request.headers().get_all(FORWARDED_FOR).filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = texts.flat_map(|text| text.split(',')).map(str::trim).collect();
    farthest(peer.ip().to_canonical(), &hops, trusted)
}

/// Goes back from hop to hop for as long as the one that told is trusted. What is no address ends it.
fn farthest(peer: IpAddr, hops: &[&str], trusted: &[IpNet]) -> IpAddr {
    let mut found = peer;
    for hop in hops.iter().rev() {
        if !trusted.iter().any(|known| known.contains(&found)) {
            break;
        }
        let Ok(address) = hop.parse::<IpAddr>() else { break };
        found = address.to_canonical();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_trusted_proxies_say_is_believed() {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()];
        let check = |peer: &str, hops: &[&str], expect: &str| {
            let told = farthest(peer.parse().unwrap(), hops, &trusted);
            assert_eq!(told, expect.parse::<IpAddr>().unwrap(), "{peer} {hops:?}");
        };
        check("192.0.2.1", &[], "192.0.2.1");
        check("192.0.2.1", &["198.51.100.7"], "192.0.2.1");
        check("10.0.0.1", &["198.51.100.7"], "198.51.100.7");
        check("10.0.0.1", &["203.0.113.9", "198.51.100.7"], "198.51.100.7");
        check("10.0.0.1", &["198.51.100.7", "10.0.0.2"], "198.51.100.7");
        check("2001:db8::1", &["2001:470::9"], "2001:470::9");
        check("10.0.0.1", &["::ffff:198.51.100.7"], "198.51.100.7");
        check("10.0.0.1", &["198.51.100.7", "unknown"], "10.0.0.1");
        check("10.0.0.1", &[""], "10.0.0.1");
        check("10.0.0.1", &[], "10.0.0.1");
        // A trusted proxy whose own chain is all trusted.
        check("10.0.0.1", &["10.0.0.3", "10.0.0.2"], "10.0.0.3");
    }
}
