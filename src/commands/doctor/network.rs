//! The way to pachd: its name, its port, its certificate.

use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use crate::settings::{Address, Server};
use pachyderm_client::connection::proxy::Proxy;
use pachyderm_client::connection::reaching::{self, Certificate, Reached, Secured};
use pachyderm_client::connection::tls::Trust;
use spoutctl_core::exit::Exit;
use spoutctl_core::quantity::{age, counted};
use spoutctl_delivery::examination::{Check, Finding, Verdict};

/// A certificate that expires sooner wants somebody's attention.
const SOON: Duration = Duration::from_hours(14 * 24);

/// Looks at one step after the other, and ends at the first that is broken.
pub(super) fn look(server: &Server, address: &Address, limit: Duration, say: &mut dyn FnMut(Finding)) {
    if let Some(socket) = address.socket() {
        return say(by_socket(socket));
    }
    let Some((host, port)) = address.host_and_port() else {
        let text = format!("{address} names no host and port");
        return say(Finding::fault(Check::Dns, Exit::Usage, text));
    };
    if let Some(proxy) = &server.proxy {
        return by_proxy(proxy, limit, say);
    }
    let bare = host.trim_matches(['[', ']']);
    let addresses = match reaching::resolve(bare, port, limit) {
        Ok(addresses) => addresses,
        Err(why) => return say(unresolved(&host, &why)),
    };
    say(Finding::fine(Check::Dns, shown(&host, &addresses)));
    let reached = match reaching::connect(&addresses, limit) {
        Ok(reached) => reached,
        Err(failed) if matches!(address, Address::Sidecar(_)) => return say(no_sidecar(&failed, limit)),
        Err(failed) => return say(unreached(&failed, limit)),
    };
    let said = format!("{} in {} ms", reached.address, reached.within.as_millis());
    say(Finding::fine(Check::Tcp, said));
    say(if address.is_encrypted() {
        encrypted(server, address, reached, &host, limit)
    } else {
        plain(server, reached.address)
    });
}

fn by_socket(socket: &Path) -> Finding {
    let shown = socket.display();
    match UnixStream::connect(socket) {
        Ok(_) => Finding::fine(Check::Tcp, format!("somebody listens at {shown}")),
        Err(error) => Finding::fault(
            Check::Tcp,
            Exit::Unavailable,
            format!("nobody listens at {shown}: {error}"),
        )
        .next("is it mounted here, and may this user write to it?"),
    }
}

/// Where a proxy stands between, nothing but the way to it can be looked at from here.
fn by_proxy(proxy: &Proxy, limit: Duration, say: &mut dyn FnMut(Finding)) {
    let addresses = match reaching::resolve(proxy.host(), proxy.port(), limit) {
        Ok(addresses) => addresses,
        Err(why) => {
            let text = format!("{proxy} leads nowhere: {why}");
            return say(Finding::fault(Check::Dns, Exit::Unavailable, text)
                .next(format!("mend {}, or add pachd's name to NO_PROXY", proxy.variable)));
        }
    };
    say(Finding::fine(Check::Dns, format!("{proxy} is {}", addresses[0].ip())));
    match reaching::connect(&addresses, limit) {
        Ok(reached) => {
            let within = reached.within.as_millis();
            say(Finding::fine(
                Check::Tcp,
                format!("{proxy} in {within} ms; it finds the way to pachd"),
            ));
        }
        Err(failed) => {
            let mut finding = Finding::fault(Check::Tcp, Exit::Unavailable, format!("{proxy} cannot be reached"));
            finding.details = failed
                .iter()
                .map(|(address, error)| format!("{address}: {error}"))
                .collect();
            say(finding.next(format!("mend {}, or add pachd's name to NO_PROXY", proxy.variable)));
        }
    }
}

pub(super) fn shown(host: &str, addresses: &[SocketAddr]) -> String {
    let ips: Vec<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
    match ips.as_slice() {
        [one] if one == host.trim_matches(['[', ']']) => format!("{host} is an address"),
        ips => format!("{host} is {}", ips.join(", ")),
    }
}

fn unresolved(host: &str, why: &str) -> Finding {
    let finding = Finding::fault(
        Check::Dns,
        Exit::Unavailable,
        format!("the name {host} leads nowhere: {why}"),
    );
    if host.contains(".svc") || !host.contains('.') {
        return finding.next(
            "names of a cluster's services are known inside of it only; outside, use its ingress, or \
                             pachctl port-forward",
        );
    }
    finding.next("look for a mistake in the name, and whether this machine's name servers answer")
}

/// The other container of a pipeline's pod, which no service stands for.
fn no_sidecar(failed: &[(SocketAddr, std::io::Error)], limit: Duration) -> Finding {
    let mut finding = unreached(failed, limit);
    "the sidecar, container `storage` of this pod, does not answer".clone_into(&mut finding.said);
    finding.details = failed
        .iter()
        .map(|(address, error)| format!("{address}: {error}"))
        .collect();
    finding.next = vec![
        "it may be starting again; see why: kubectl describe pod $PPS_POD_NAME, kubectl logs $PPS_POD_NAME -c storage \
         --previous"
            .to_owned(),
    ];
    finding
}

fn unreached(failed: &[(SocketAddr, std::io::Error)], limit: Duration) -> Finding {
    let all = |kind| failed.iter().all(|(_, error)| error.kind() == kind);
    let places: Vec<String> = failed.iter().map(|(address, _)| address.to_string()).collect();
    let places = places.join(", ");
    if all(std::io::ErrorKind::ConnectionRefused) {
        return Finding::fault(Check::Tcp, Exit::Unavailable, format!("nobody listens at {places}"))
            .next("is pachd up, and is that its port? kubectl get service pachd pachyderm-proxy");
    }
    if all(std::io::ErrorKind::TimedOut) {
        let text = format!("no answer from {places} within {} s", limit.as_secs());
        return Finding::fault(Check::Tcp, Exit::Unavailable, text)
            .next("a firewall or a security group drops what is sent there, or the address is another network's");
    }
    let mut finding = Finding::fault(Check::Tcp, Exit::Unavailable, format!("no connection to {places}"));
    finding.details = failed
        .iter()
        .map(|(address, error)| format!("{address}: {error}"))
        .collect();
    finding
}

/// Without TLS: fine on this machine, and where there is nothing to be kept secret.
fn plain(server: &Server, address: SocketAddr) -> Finding {
    if let (false, Some((_, from))) = (address.ip().is_loopback(), &server.token) {
        let text = format!("none: the token of {from} goes to another machine in clear");
        return Finding::warning(Check::Tls, text).next("use https:// or grpcs://, if pachd has it");
    }
    Finding::fine(Check::Tls, "none is asked for by the address")
}

fn encrypted(server: &Server, address: &Address, reached: Reached, host: &str, limit: Duration) -> Finding {
    let protocol: &[u8] = match address {
        Address::Gateway(_) => b"http/1.1",
        _ => b"h2",
    };
    let socket = reached.address;
    match reaching::greet(reached.stream, host, &server.trust, protocol, limit) {
        Ok(secured) => judge(server, &secured),
        Err(why) => {
            let mut finding = Finding::fault(Check::Tls, Exit::Unavailable, why);
            // Only to tell what is wrong with it: nothing is said over this connection.
            if let Ok(again) = reaching::connect(&[socket], limit)
                && let Ok(seen) = reaching::greet(again.stream, host, &Trust::Anybody, protocol, limit)
            {
                finding.details = seen.chain.iter().map(described).collect();
            }
            finding
        }
    }
}

/// When the first of its certificates runs out.
fn end_of(secured: &Secured) -> Option<Timestamp> {
    let certificates = secured.chain.iter();
    certificates.filter_map(|certificate| certificate.not_after).min()
}

/// What is said of a connection: its version, and how long its certificates are good.
pub(super) fn validity(secured: &Secured) -> String {
    match end_of(secured) {
        Some(end) => format!(
            "{}, {}, good until {end}",
            secured.version,
            counted(secured.chain.len() as u64, "certificate")
        ),
        None => secured.version.to_owned(),
    }
}

fn judge(server: &Server, secured: &Secured) -> Finding {
    let now = Timestamp::now();
    let first = end_of(secured);
    let mut finding = Finding::fine(Check::Tls, validity(secured));
    if let Some(left) = first.and_then(|end| Duration::try_from(end.duration_since(now)).ok())
        && left < SOON
    {
        finding.verdict = Verdict::Warning;
        finding
            .next
            .push(format!("the server needs a new certificate within {}", age(left)));
    }
    if server.trust == Trust::Anybody {
        finding.verdict = Verdict::Warning;
        finding
            .details
            .push("--insecure: whoever answers is taken for pachd".to_owned());
    }
    finding
}

fn described(certificate: &Certificate) -> String {
    let Certificate {
        subject,
        issuer,
        not_before,
        not_after,
        names,
    } = certificate;
    let time = |time: &Option<Timestamp>| time.map_or_else(|| "?".to_owned(), |time| time.to_string());
    let names = match names.as_slice() {
        [] => String::new(),
        names => format!(", for {}", names.join(", ")),
    };
    format!(
        "certificate {subject}{names}, by {issuer}, from {} until {}",
        time(not_before),
        time(not_after)
    )
}
