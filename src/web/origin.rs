//! Where a request comes from, and whether others can listen to it.
//!
//! The address is that of the connection, unless the connection is that of a proxy named under
//! `[http] trusted_proxies`: then what it says in `X-Forwarded-For` and `X-Forwarded-Proto` counts.
//! Nobody else is believed when they say so, and a request that says so from this machine without the
//! setting is taken for what it most likely is: somebody far away behind a proxy.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::{
    extract::ConnectInfo,
    http::{HeaderMap, request::Parts},
};

/// Put on a request by the listener: it came over our own TLS.
#[derive(Clone, Copy, Debug)]
pub struct OverTls;

/// Where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The address of whoever asks.
    pub address: IpAddr,
    /// Nobody can listen: TLS, ours or the proxy's.
    pub secure: bool,
    /// It never left this machine.
    pub local: bool,
}

impl Origin {
    /// Of a request.
    pub fn of(request: &Parts, proxies: &[IpAddr]) -> Origin {
        let peer = request.extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(peer)| {
            peer.ip().to_canonical()
        });
        let over_tls = request.extensions.get::<OverTls>().is_some();
        let passed_on = passed_on(&request.headers);
        if proxies.contains(&peer) && passed_on {
            let word = |name: &str| {
                let last = request.headers.get_all(name).iter().next_back();
                last.and_then(|value| value.to_str().ok())
            };
            let chain = word("x-forwarded-for").unwrap_or_default();
            let hops = chain.split(',').rev();
            let address = hops
                .map(|hop| {
                    hop.trim()
                        .parse::<IpAddr>()
                        .ok()
                        .map(|ip| ip.to_canonical())
                })
                .find(|hop| hop.is_none_or(|hop| !proxies.contains(&hop)))
                .flatten();
            let proto = word("x-forwarded-proto").unwrap_or_default();
            return Origin {
                address: address.unwrap_or(peer),
                secure: over_tls || proto.eq_ignore_ascii_case("https"),
                local: false,
            };
        }
        Origin {
            address: peer,
            secure: over_tls,
            local: peer.is_loopback() && !passed_on,
        }
    }

    /// Whether somebody may show a password here.
    pub fn is_safe(self) -> bool {
        self.secure || self.local
    }
}

/// Whether something between us and the asker says that it passes a request on.
pub fn passed_on(headers: &HeaderMap) -> bool {
    ["forwarded", "x-forwarded-for", "x-real-ip", "via"]
        .iter()
        .any(|name| headers.contains_key(*name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    fn of(peer: &str, headers: &[(&str, &str)], proxies: &[&str]) -> Origin {
        let mut request = Request::builder();
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(()).unwrap().into_parts().0;
        let peer = SocketAddr::new(peer.parse().unwrap(), 4000);
        request.extensions.insert(ConnectInfo(peer));
        let proxies: Vec<IpAddr> = proxies.iter().map(|ip| ip.parse().unwrap()).collect();
        Origin::of(&request, &proxies)
    }

    #[test]
    fn only_a_proxy_that_is_named_is_believed() {
        let says = [
            ("x-forwarded-for", "203.0.113.9"),
            ("x-forwarded-proto", "https"),
        ];
        let behind = of("127.0.0.1", &says, &["127.0.0.1"]);
        assert_eq!(behind.address.to_string(), "203.0.113.9");
        assert!(behind.secure && !behind.local);
        let unnamed = of("127.0.0.1", &says, &[]);
        assert!(!unnamed.is_safe(), "{unnamed:?}");
        let forged = of("192.0.2.7", &says, &["127.0.0.1"]);
        assert_eq!(forged.address.to_string(), "192.0.2.7");
        assert!(!forged.is_safe());
    }

    #[test]
    fn what_the_asker_wrote_before_the_proxy_is_not_believed() {
        let says = [("x-forwarded-for", "127.0.0.1, 198.51.100.4, 10.0.0.2")];
        let through = of("10.0.0.1", &says, &["10.0.0.1", "10.0.0.2"]);
        assert_eq!(through.address.to_string(), "198.51.100.4");
        assert!(!through.is_safe(), "the proxy does not say https");
    }

    #[test]
    fn this_machine_is_safe_without_tls_and_others_are_not() {
        assert!(of("127.0.0.1", &[], &[]).local);
        assert!(of("::1", &[], &[]).local);
        assert!(!of("192.0.2.7", &[], &[]).is_safe());
        assert!(!of("127.0.0.1", &[("via", "1.1 proxy")], &[]).is_safe());
    }
}
