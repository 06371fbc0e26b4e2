//! What pachd gives to the code of a spout: variables, and pachctl's configuration with a token.

use std::fs;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use spoutctl_core::pfs::Repo;
use spoutctl_store::Dialect;
use spoutctl_store::serve::SpoutNow;

/// What counts here and is never set in a pod: the code is to find what its pod has.
const OURS: [&str; 4] = ["PACHD_ADDRESS", "PACH_TOKEN", "PACH_CONTEXT", "PACH_CONFIG"];

/// What a client needs to find the sidecar, and what it is for.
pub(super) fn minimal(spout: &Repo, dialect: Dialect, port: u16) -> Vec<(&'static str, String)> {
    let mut variables = vec![
        ("PACH_IN_WORKER", "true".to_owned()),
        ("PEER_PORT", port.to_string()),
        ("PPS_PIPELINE_NAME", spout.name.to_string()),
    ];
    if dialect.has_projects() {
        variables.push(("PPS_PROJECT_NAME", spout.project.to_string()));
    }
    variables
}

/// Where a spout's code finds what it needs.
pub(super) struct Pod {
    pub spout: Repo,
    pub dialect: Dialect,
    /// pachd, as the cluster's other programs reach it.
    pub pachd: SocketAddr,
    pub sidecar: SocketAddr,
    /// Of `config.json`, which is mounted at `/pachctl` in a cluster.
    directory: PathBuf,
}

impl Pod {
    pub fn new(spout: Repo, dialect: Dialect, pachd: SocketAddr, sidecar: SocketAddr, store: &Path) -> Self {
        let store = std::path::absolute(store).unwrap_or_else(|_| store.to_owned());
        let directory = store
            .join("pods")
            .join(spout.project.as_str())
            .join(spout.name.as_str());
        Self {
            spout,
            dialect,
            pachd,
            sidecar,
            directory,
        }
    }

    fn config(&self) -> PathBuf {
        self.directory.join("config.json")
    }

    /// Writes the configuration, which its owner alone can read, in the place of the one before.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn mount(&self, token: Option<&str>) -> io::Result<()> {
        let mut context = json!({"pachd_address": format!("grpc://localhost:{}", self.sidecar.port())});
        if let Some(token) = token {
            context["session_token"] = token.into();
        }
        if self.dialect.has_projects() {
            // Whatever the pipeline's is.
            context["project"] = "default".into();
        }
        let config = json!({"v2": {"active_context": "pod", "contexts": {"pod": context}}});
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.directory)?;
        let fresh = self.directory.join("config.json.new");
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&fresh)?;
        file.write_all(config.to_string().as_bytes())?;
        fs::rename(fresh, self.config())
    }

    /// Takes the configuration away; another spout's stays.
    pub fn unmount(&self) {
        // What cannot be removed is replaced when the spout is served the next time.
        let _ = fs::remove_dir_all(&self.directory);
        for above in self.directory.ancestors().skip(1).take(2) {
            let _ = fs::remove_dir(above);
        }
    }

    /// Gives the code its environment: that of ours, what the spec says, and what pachd says, which comes last.
    pub fn furnish(&self, command: &mut Command, spout: &SpoutNow) {
        for name in OURS {
            command.env_remove(name);
        }
        let of_spec = spout.variables();
        let path = of_spec
            .iter()
            .find(|(name, _)| name == "PATH")
            .map(|(_, path)| path.clone());
        let path = path
            .or_else(|| std::env::var("PATH").ok())
            .filter(|path| !path.is_empty());
        let path = path.as_deref().unwrap_or("/usr/local/bin:/usr/bin:/bin");
        command.envs(of_spec).env("PATH", format!("{path}:/pach-bin"));
        command.envs(minimal(&self.spout, self.dialect, self.sidecar.port()));
        command.envs(self.of_every_worker(spout));
        command.env("PACH_CONFIG", self.config());
    }

    /// What every worker has besides, with values that lead nowhere: its code is not to use them, and inherits them.
    fn of_every_worker(&self, spout: &SpoutNow) -> Vec<(&'static str, String)> {
        let address = match self.pachd.ip() {
            address if address.is_unspecified() => "127.0.0.1".to_owned(),
            address => address.to_string(),
        };
        let port = self.pachd.port().to_string();
        let name = &self.spout.name;
        let pod = format!("pipeline-{name}-v{}-0", spout.record.version);
        let text = str::to_owned;
        let mut variables = vec![
            ("PPS_SPEC_COMMIT", spout.record.spec_commit.to_string()),
            ("PPS_POD_NAME", pod),
            ("PPS_WORKER_IP", text("127.0.0.1")),
            ("PPS_ETCD_PREFIX", text("pachyderm/1.7.0")),
            ("PPS_WORKER_GRPC_PORT", text("1080")),
            ("PACHD_SERVICE_HOST", address.clone()),
            ("PACHD_SERVICE_PORT", port.clone()),
            ("PACHD_PEER_SERVICE_HOST", address),
            ("PACHD_PEER_SERVICE_PORT", port),
        ];
        if self.dialect.is_1_x() {
            variables.extend([
                ("PACH_ROOT", text("/pach")),
                ("PACH_CACHE_ROOT", text("/pach/cache")),
                ("PACH_NAMESPACE", text("default")),
            ]);
        }
        if self.dialect.has_database() {
            variables.extend([
                ("POSTGRES_USER", text("pachyderm")),
                ("POSTGRES_PASSWORD", text("not-for-spouts")),
                ("POSTGRES_DATABASE", text("pachyderm")),
                ("POSTGRES_HOST", String::new()),
                ("POSTGRES_PORT", String::new()),
                ("PG_BOUNCER_HOST", text("127.0.0.1")),
                ("PG_BOUNCER_PORT", text("1")),
            ]);
        }
        if self.dialect.has_loki() {
            variables.push(("LOKI_SERVICE_HOST_VAR", text("LOKI_SERVICE_HOST")));
            variables.push(("LOKI_SERVICE_PORT_VAR", text("LOKI_SERVICE_PORT")));
        }
        if self.dialect.measures_coverage() {
            variables.push(("GOCOVERDIR", text("/tmp")));
        }
        variables
    }
}
