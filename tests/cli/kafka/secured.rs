//! A broker that asks for TLS, and who we are: by a password (SASL/SCRAM), or by a certificate.

use super::doctor::fault_at;
use super::source::write;
use super::{Broker, More, free_port, jars};
use crate::runner::{Ran, World, words};
use crate::settings_tls::signed;

const PASSWORD: &str = "correct horse";

/// The settings of a client, without those of `left_out`.
fn settings(world: &World, lines: &[(&str, &str)], left_out: &[&str]) -> String {
    let path = world.path("kafka.properties");
    let kept = lines.iter().filter(|(name, _)| !left_out.contains(name));
    let text: String = kept.map(|(name, value)| format!("{name}={value}\n")).collect();
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A topic `t` with two records behind listeners with TLS: one for passwords, one for certificates of clients.
struct Secured {
    _broker: Broker,
    world: World,
    by_password: u16,
    by_certificate: u16,
    authority: String,
    client: String,
}

impl Secured {
    fn start(jars: &std::path::Path) -> Self {
        let world = World::local();
        let file = |name: &str, content: &str| {
            let path = world.path(name);
            std::fs::write(&path, content).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let identity = signed(&["127.0.0.1"]);
        let (key, authority) = (file("broker.pem", &identity.whole), file("ca.pem", &identity.authority));
        let client = signed(&["spout"]);
        let (trusted, client) = (
            file("clients.pem", &client.authority),
            file("client.pem", &client.whole),
        );
        let (by_password, by_certificate) = (free_port(), free_port());
        let module = "org.apache.kafka.common.security.scram.ScramLoginModule required;";
        let broker = Broker::with(
            jars,
            &More {
                properties: &format!(
                    "ssl.keystore.type=PEM\nssl.keystore.location={key}\nsasl.enabled.mechanisms=SCRAM-SHA-512\n\
                     listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config={module}\n\
                     listener.name.ssl.ssl.client.auth=required\nlistener.name.ssl.ssl.truststore.type=PEM\n\
                     listener.name.ssl.ssl.truststore.location={trusted}\n"
                ),
                listeners: &[("SASL_SSL", by_password), ("SSL", by_certificate)],
                format: &[
                    "--add-scram",
                    &format!("SCRAM-SHA-512=[name=spout,password={PASSWORD}]"),
                ],
                joins: None,
            },
        );
        write(&broker, "t", "a:1\nb:2\n");
        Self {
            _broker: broker,
            world,
            by_password,
            by_certificate,
            authority,
            client,
        }
    }

    fn run(&self, args: &[&str], port: u16, settings: &str, password: Option<&str>) -> Ran {
        let from = format!("kafka://127.0.0.1:{port}/t");
        let rest = ["--from", &from, "--kafka-config", settings];
        let mut command = self.world.command(&[args, &rest].concat());
        command.envs(password.iter().map(|password| ("KAFKA_PASSWORD", password)));
        let ran = Ran::from(command.output().unwrap());
        let said = format!("{}{}", ran.text(), ran.stderr);
        assert!(!said.contains(PASSWORD) && !said.contains("hunter2"), "{said}");
        ran
    }

    fn put(&self, port: u16, settings: &str, password: Option<&str>) -> Ran {
        let args = words("put t --create-repo --until-end --into f --retry-for 10s");
        self.run(&args, port, settings, password)
    }

    fn doctor(&self, port: u16, settings: &str, password: Option<&str>) -> Ran {
        self.run(&["doctor", "t", "--json", "--timeout", "10s"], port, settings, password)
    }
}

#[test]
fn a_broker_with_tls_and_passwords_is_read_and_each_mistake_is_told_where_it_is() {
    let Some(jars) = jars() else { return };
    let secured = Secured::start(&jars);
    let lines = [
        ("security.protocol", "SASL_SSL"),
        ("sasl.mechanism", "SCRAM-SHA-512"),
        ("sasl.username", "spout"),
        ("sasl.password", "${KAFKA_PASSWORD}"),
        ("ssl.ca.location", secured.authority.as_str()),
    ];
    let port = secured.by_password;
    let right = settings(&secured.world, &lines, &[]);
    secured
        .put(port, &right, None)
        .expect(2)
        .says("the variable KAFKA_PASSWORD is not set");
    let wrong = secured.put(port, &right, Some("hunter2"));
    wrong
        .expect(3)
        .says("Kafka's broker and we do not agree who we are")
        .says("sasl.password");
    secured.put(port, &right, Some(PASSWORD)).expect(0);
    assert_eq!(secured.world.get("t:/f"), b"1\n2\n");
    // Whoever looks for a mistake sees what librdkafka does, and no password in it.
    let told = settings(&secured.world, &[&lines[..], &[("debug", "all")]].concat(), &[]);
    let told = secured.put(port, &told, Some(PASSWORD));
    told.expect(0).says("librdkafka: ").says("SCRAM-SHA-512");
    let right = settings(&secured.world, &lines, &[]);

    let found = secured.doctor(port, &right, Some(PASSWORD));
    found.expect(0);
    let said = found.text();
    assert!(
        said.contains("spout, by SCRAM-SHA-512") && said.contains("nothing is to come"),
        "{said}"
    );
    fault_at(&secured.doctor(port, &right, Some("hunter2")), 3, "kafka-auth");

    // Nobody on this machine trusts the authority of a test.
    let nobody = settings(&secured.world, &lines, &["ssl.ca.location"]);
    let ran = secured.put(port, &nobody, Some(PASSWORD));
    ran.expect(3).says("certificate verify failed").says("ssl.ca.location");
    fault_at(&secured.doctor(port, &nobody, Some(PASSWORD)), 3, "kafka-tls");
    // Named by the variable that every other connection heeds.
    let args = [
        "put",
        "t",
        "--until-end",
        "--into",
        "f",
        "--kafka-config",
        &nobody,
        "--from",
    ];
    let mut put = secured
        .world
        .command(&[&args[..], &[&format!("kafka://127.0.0.1:{port}/t")]].concat());
    put.env("SSL_CERT_FILE", &secured.authority)
        .env("KAFKA_PASSWORD", PASSWORD);
    Ran::from(put.output().unwrap()).expect(0).says("holds no message");

    let plain = settings(&secured.world, &[("client.id", "spout")], &[]);
    let ran = secured.put(port, &plain, None);
    ran.expect(5).says("no broker of");
    fault_at(&secured.doctor(port, &plain, None), 5, "kafka-tls");
    let kerberos = settings(&secured.world, &lines, &["sasl.mechanism"]);
    let ran = secured.put(port, &kerberos, Some(PASSWORD));
    ran.expect(3)
        .says("the SASL mechanism GSSAPI")
        .says("sasl.mechanism may be");
}

#[test]
fn a_client_certificate_says_who_we_are() {
    let Some(jars) = jars() else { return };
    let secured = Secured::start(&jars);
    let lines = [
        ("security.protocol", "SSL"),
        ("ssl.ca.location", secured.authority.as_str()),
        ("ssl.certificate.location", secured.client.as_str()),
        ("ssl.key.location", secured.client.as_str()),
    ];
    let port = secured.by_certificate;
    let right = settings(&secured.world, &lines, &[]);
    secured.put(port, &right, None).expect(0);
    assert_eq!(secured.world.get("t:/f"), b"1\n2\n");
    let found = secured.doctor(port, &right, None);
    found.expect(0);
    assert!(
        found.text().contains("by the client certificate of"),
        "{}",
        found.text()
    );

    let nobody = settings(
        &secured.world,
        &lines,
        &["ssl.certificate.location", "ssl.key.location"],
    );
    let ran = secured.put(port, &nobody, None);
    ran.expect(3).says("ssl.certificate.location");
    fault_at(&secured.doctor(port, &nobody, None), 3, "kafka-auth");
}
