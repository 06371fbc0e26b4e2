//! Encrypted connections through both doors: whom they trust, and what they say when they do not.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::proxy::listen;
use crate::runner::tar;
use crate::served::Served;
use crate::settings::{TOKEN, User};

/// A server's certificate and key, and what has to be trusted for it.
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    /// PEM.
    pub authority: String,
    /// Certificate and key, PEM.
    #[cfg_attr(
        not(feature = "kafka-tls"),
        allow(dead_code, reason = "only a broker of Kafka needs it")
    )]
    pub whole: String,
}

fn key_of(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivateKeyDer::try_from(key.serialize_der()).unwrap()
}

/// Signed by an authority that nobody knows.
pub fn signed(names: &[&str]) -> Identity {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // OpenSSL and Java tell who has signed by the name.
    let name = format!("the authority of {}", names.join(", "));
    authority.distinguished_name.push(DnType::CommonName, name);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(names)
        .unwrap()
        .signed_by(&key, &authority)
        .unwrap();
    Identity {
        chain: vec![certificate.der().clone()],
        key: key_of(&key),
        authority: authority.pem(),
        whole: format!("{}{}", certificate.pem(), key.serialize_pem()),
    }
}

/// Signed by itself and marked as an authority's, as `openssl req -x509` does it.
pub fn self_signed(names: &[&str], valid: bool) -> Identity {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    if !valid {
        params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    }
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    Identity {
        chain: vec![certificate.der().clone()],
        key: key_of(&key),
        authority: certificate.pem(),
        whole: format!("{}{}", certificate.pem(), key.serialize_pem()),
    }
}

/// TLS in front of a server that speaks none, for as long as it lives.
pub struct Terminator {
    address: SocketAddr,
    _runtime: tokio::runtime::Runtime,
}

impl Terminator {
    pub fn start(identity: &Identity, behind: &str) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(identity.chain.clone(), identity.key.clone_key())
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let (runtime, listener, address) = listen();
        let behind = behind.to_owned();
        runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (acceptor, behind) = (acceptor.clone(), behind.clone());
                tokio::spawn(async move {
                    let Ok(mut client) = acceptor.accept(client).await else {
                        return;
                    };
                    let mut server = TcpStream::connect(behind).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                });
            }
        });
        Self {
            address,
            _runtime: runtime,
        }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    pub fn url(&self, scheme: &str, host: &str) -> String {
        format!("{scheme}://{host}:{}", self.port())
    }
}

fn file(user: &User, name: &str, content: &str) -> String {
    let path = user.home().join(name);
    std::fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

const PUT: [&str; 5] = ["put", "events", "--create-repo", "--retry-for", "0"];

fn put(user: &User, args: &[&str]) -> crate::runner::Ran {
    user.run_with(&[&PUT[..], args].concat(), &tar(&[("a", b"x")]))
}

#[test]
fn only_who_is_trusted_is_talked_to_through_both_doors() {
    let served = Served::start();
    let user = User::new(&json!({}));
    let identity = signed(&["localhost"]);
    let tls = Terminator::start(&identity, &served.authority);
    let authority = file(&user, "ca.pem", &identity.authority);
    let stranger = file(&user, "other.pem", &signed(&["localhost"]).authority);
    for scheme in ["https", "grpcs"] {
        let url = tls.url(scheme, "localhost");
        put(&user, &["--pachd", &url, "--cacert", &authority]).expect(0);
        put(&user, &["--pachd", &url, "--cacert", &stranger])
            .expect(4)
            .says("not one that is trusted here")
            .says("--cacert");
        // The name counts, too.
        put(
            &user,
            &["--pachd", &tls.url(scheme, "127.0.0.1"), "--cacert", &authority],
        )
        .expect(4)
        .says("for another name");
        // Not the system's: whatever those are, ours is not among them.
        let ran = put(&user, &["--pachd", &url]);
        assert_ne!(ran.code, Some(0), "{}", ran.stderr);
    }
}

#[test]
fn insecure_trusts_anybody_and_says_so_on_every_run() {
    let served = Served::start();
    let user = User::new(&json!({}));
    let tls = Terminator::start(&signed(&["another.example"]), &served.authority);
    for scheme in ["https", "grpcs"] {
        let url = tls.url(scheme, "127.0.0.1");
        for verbosity in ["--quiet", "--verbose"] {
            put(&user, &["--pachd", &url, "--insecure", verbosity])
                .expect(0)
                .says("warning: --insecure: whoever answers at ");
        }
    }
}

#[test]
fn a_servers_very_own_certificate_can_be_trusted_as_long_as_it_is_valid() {
    let served = Served::start();
    let user = User::new(&json!({}));
    let own = self_signed(&["localhost"], true);
    let tls = Terminator::start(&own, &served.authority);
    let trusted = file(&user, "own.pem", &own.authority);
    let another = file(&user, "another.pem", &self_signed(&["localhost"], true).authority);
    let expired = self_signed(&["localhost"], false);
    let late = Terminator::start(&expired, &served.authority);
    let late_trusted = file(&user, "late.pem", &expired.authority);
    for scheme in ["https", "grpcs"] {
        let url = tls.url(scheme, "localhost");
        put(&user, &["--pachd", &url, "--cacert", &trusted]).expect(0);
        put(&user, &["--pachd", &url, "--cacert", &another]).expect(4);
        put(&user, &["--pachd", &tls.url(scheme, "127.0.0.1"), "--cacert", &trusted])
            .expect(4)
            .says("for another name");
        put(
            &user,
            &["--pachd", &late.url(scheme, "localhost"), "--cacert", &late_trusted],
        )
        .expect(4)
        .says("has expired");
    }
}

#[test]
fn a_contexts_certificates_are_trusted_for_its_address() {
    let directory = tempfile::tempdir().unwrap();
    let token = directory.path().join("token");
    std::fs::write(&token, TOKEN).unwrap();
    let served = Served::over(
        &directory.path().join("store"),
        &["--token-file", token.to_str().unwrap()],
    );
    let identity = signed(&["localhost"]);
    let tls = Terminator::start(&identity, &served.authority);
    let url = tls.url("grpcs", "localhost");
    let cas = BASE64.encode(&identity.authority);
    let user = User::with_context(&json!({"pachd_address": url, "session_token": TOKEN, "server_cas": cas}));
    put(&user, &[]).expect(0);
    // The same place through the other door is the context's, too.
    put(&user, &["--pachd", &tls.url("https", "localhost")]).expect(0);
}

#[test]
fn the_certificates_of_the_environment_are_for_the_address_of_the_environment() {
    let served = Served::start();
    let user = User::new(&json!({}));
    let identity = signed(&["localhost"]);
    let tls = Terminator::start(&identity, &served.authority);
    let authority = file(&user, "ca.pem", &identity.authority);
    let url = tls.url("grpcs", "localhost");
    let trusted = ("PACH_CA_CERTS", authority.as_str());
    assert_eq!(
        user.run(
            &["put", "events", "--create-repo", "-n"],
            &[("PACHD_ADDRESS", &url), trusted]
        )
        .code,
        Some(0)
    );
    // An address that is typed gets none of them.
    user.run(
        &["put", "events", "-n", "--retry-for", "0", "--pachd", &url],
        &[trusted],
    )
    .expect(4)
    .says("not one that is trusted here");
}

#[test]
fn files_without_certificates_are_refused() {
    let user = User::new(&json!({}));
    let empty = file(&user, "empty.pem", "");
    let broken = file(
        &user,
        "broken.pem",
        "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n",
    );
    for (path, words) in [
        (empty.as_str(), "there is no certificate in it"),
        (broken.as_str(), "certificate 1 cannot be used"),
        ("/nowhere/at/all", "cannot read the certificates in /nowhere/at/all"),
    ] {
        assert!(Path::new(path).is_absolute());
        put(&user, &["--pachd", "https://h", "--cacert", path])
            .expect(2)
            .says(words);
    }
}
