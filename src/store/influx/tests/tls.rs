//! Over `https://`: the whole contract, with an authority of one's own; and nobody is believed whom
//! it did not sign. The feature `https` uses the system's OpenSSL; the server here is rustls.

use std::{net::TcpListener, sync::Arc};

use influx::{Server, Target, Trouble};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer},
};

use super::{
    contract::{Peer, target},
    peers::{http, stub::Stub},
};

/// A stub behind TLS, with a certificate for this name; its URL and its authority.
fn behind_tls(stub: &Stub, name: &str) -> (String, Vec<u8>) {
    let mut ours = CertificateParams::new(Vec::new()).unwrap();
    ours.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ours.distinguished_name
        .push(DnType::CommonName, "An authority");
    let authority = CertifiedIssuer::self_signed(ours, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut theirs = CertificateParams::new(vec![name.to_owned()]).unwrap();
    theirs.distinguished_name.push(DnType::CommonName, name);
    let certificate = theirs.signed_by(&key, &authority).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from(certificate)],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let stub = stub.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (stub, config) = (stub.clone(), Arc::clone(&config));
            std::thread::spawn(move || {
                let tls = StreamOwned::new(ServerConnection::new(config).unwrap(), stream);
                let _ = http::connection(tls, &|asked| stub.answer(asked));
            });
        }
    });
    let url = format!("https://localhost:{port}");
    (url, authority.pem().into_bytes())
}

fn trusting(url: &str, authority: Vec<u8>) -> Target {
    Target {
        authority,
        ..target(url)
    }
}

#[test]
fn the_contract_holds_over_tls() {
    let (url, authority) = behind_tls(&Stub::start(), "localhost");
    Peer::new(&trusting(&url, authority)).keeps_the_contract();
}

#[test]
fn over_tls_only_the_named_authority_and_the_right_name_are_believed() {
    let stub = Stub::start();
    let (url, _) = behind_tls(&stub, "localhost");
    let (other_url, other) = behind_tls(&stub, "elsewhere.example");
    for (url, authority) in [
        (&url, Vec::new()),
        (&url, other.clone()),
        (&other_url, other),
    ] {
        let said = Server::new(&trusting(url, authority))
            .unwrap()
            .write("read wh=1i 1\n");
        assert!(
            matches!(&said, Err(Trouble::Unreachable(why)) if why.contains("certificate")),
            "{said:?}"
        );
    }
    assert_eq!(stub.state().writes, 0);
}

#[test]
fn over_tls_an_authority_that_is_none_is_told() {
    let said = Server::new(&trusting("https://localhost:1", b"no PEM".to_vec()));
    assert!(matches!(said, Err(Trouble::Local(_))), "{said:?}");
}
