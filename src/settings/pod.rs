//! The pod of a pipeline, as its environment tells.

/// Where we run, if that is a pipeline's pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    /// Of the sidecar, on this machine.
    pub port: u16,
    /// `default` before Pachyderm 2.5.
    pub project: String,
    pub pipeline: String,
}

impl Pod {
    /// What the variables say that pachd sets in a user's container.
    pub(super) fn of(variable: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        // Go's idea of a boolean, which is what pachctl reads it with.
        let in_worker = variable("PACH_IN_WORKER")?;
        matches!(in_worker.as_str(), "1" | "t" | "T" | "true" | "TRUE" | "True").then_some(())?;
        Some(Self {
            port: variable("PEER_PORT")?.parse().ok()?,
            // The project of `/pachctl/config.json` is wrong for pipelines outside of `default`.
            project: variable("PPS_PROJECT_NAME").unwrap_or_else(|| spoutctl_core::pfs::DEFAULT_PROJECT.to_owned()),
            pipeline: variable("PPS_PIPELINE_NAME")?,
        })
    }
}

/// What pachd puts into a worker's environment for itself. A spec cannot set these: what pachd says comes last.
const DATABASE: [&str; 7] = [
    "PG_BOUNCER_HOST",
    "PG_BOUNCER_PORT",
    "POSTGRES_DATABASE",
    "POSTGRES_HOST",
    "POSTGRES_PASSWORD",
    "POSTGRES_PORT",
    "POSTGRES_USER",
];
/// The secret of pachd's object store, as its factory reads it.
const STORAGE: [&str; 18] = [
    "AMAZON_BUCKET",
    "AMAZON_DISTRIBUTION",
    "AMAZON_ID",
    "AMAZON_REGION",
    "AMAZON_SECRET",
    "AMAZON_TOKEN",
    "CUSTOM_ENDPOINT",
    "GOOGLE_BUCKET",
    "GOOGLE_CRED",
    "MICROSOFT_CONTAINER",
    "MICROSOFT_ID",
    "MICROSOFT_SECRET",
    "MINIO_BUCKET",
    "MINIO_ENDPOINT",
    "MINIO_ID",
    "MINIO_SECRET",
    "MINIO_SECURE",
    "MINIO_SIGNATURE",
];

/// Which of the variables that are set are pachd's secrets, and not of the spec.
///
/// The database's came with 2.0, as `PgBouncer` did. The object store's are in the user's container before 2.2 only,
/// where `LOKI_SERVICE_…` came: later they are the sidecar's alone, and what has such a name there is the user's own.
pub(super) fn withheld(is_set: &dyn Fn(&str) -> bool) -> Vec<&'static str> {
    if !(is_set("PACH_IN_WORKER") && is_set("PG_BOUNCER_HOST")) {
        return Vec::new();
    }
    let is_since_2_2 = is_set("LOKI_SERVICE_HOST_VAR") || is_set("LOKI_SERVICE_HOST") || is_set("PPS_PROJECT_NAME");
    let storage: &[_] = if is_since_2_2 { &[] } else { &STORAGE };
    let all = DATABASE.iter().chain(storage);
    all.copied().filter(|name| is_set(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pachds_own_secrets_are_withheld_and_those_of_a_spec_are_not() {
        let withheld = |set: &[&str]| super::withheld(&|name| set.contains(&name));
        let worker = [
            "PACH_IN_WORKER",
            "PG_BOUNCER_HOST",
            "POSTGRES_PASSWORD",
            "AMAZON_SECRET",
        ];
        assert_eq!(
            withheld(&worker),
            ["PG_BOUNCER_HOST", "POSTGRES_PASSWORD", "AMAZON_SECRET"]
        );
        let worker_of_2_12 = [&worker[..], &["PPS_PROJECT_NAME"]].concat();
        assert_eq!(withheld(&worker_of_2_12), ["PG_BOUNCER_HOST", "POSTGRES_PASSWORD"]);
        let worker_of_1_13 = ["PACH_IN_WORKER", "POSTGRES_PASSWORD", "PGPASSWORD"];
        assert_eq!(withheld(&worker_of_1_13), Vec::<&str>::new());
        assert_eq!(withheld(&worker[1..]), Vec::<&str>::new());
    }

    fn pod(variables: &[(&str, &str)]) -> Option<Pod> {
        Pod::of(&|name| {
            let found = variables.iter().find(|(other, _)| *other == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_pod_is_one_where_everything_is_said() {
        let all = [
            ("PACH_IN_WORKER", "true"),
            ("PEER_PORT", "1653"),
            ("PPS_PIPELINE_NAME", "spout"),
            ("PPS_PROJECT_NAME", "team"),
        ];
        let expected = Pod {
            port: 1653,
            project: "team".to_owned(),
            pipeline: "spout".to_owned(),
        };
        assert_eq!(pod(&all), Some(expected));
        assert_eq!(pod(&all[..3]).unwrap().project, "default");
        assert_eq!(pod(&all[1..]), None);
        assert_eq!(pod(&all[..2]), None);
        assert_eq!(pod(&[("PACH_IN_WORKER", "false"), all[1], all[2]]), None);
    }
}
