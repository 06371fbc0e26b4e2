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

#[cfg(test)]
mod tests {
    use super::*;

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
