//! The calls about secrets of Kubernetes, of which pipelines name some. What is in them is checked and forgotten.

use serde_json::Value;

use super::{Call, Service, Status};
use crate::{Refusal, SecretRecord};
use spoutctl_proto::google::Empty;
use spoutctl_proto::pps::{CreateSecretRequest, Secret, SecretInfo, SecretInfos, SecretRequest};

/// The type of a secret that names none, as Kubernetes has it.
const OPAQUE: &str = "Opaque";

fn info(record: &SecretRecord) -> SecretInfo {
    SecretInfo {
        secret: Some(Secret {
            name: record.name.clone(),
        }),
        r#type: record.kind.clone(),
        creation_timestamp: Some(record.created.into()),
    }
}

fn named(request: &SecretRequest) -> &str {
    request.secret.as_ref().map_or("", |secret| &secret.name)
}

/// # Errors
/// Each answers a [`Status`], with pachd's text where pachd has one.
impl Service {
    pub fn create_secret(&self, _: &Call, request: &CreateSecretRequest) -> Result<Empty, Status> {
        let unread = |why: String| Status::unknown(format!("failed to unmarshal secret: {why}"));
        let secret: Value = serde_json::from_slice(&request.file).map_err(|error| unread(error.to_string()))?;
        let name = secret["metadata"]["name"].as_str().filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| unread("it has no metadata.name".to_owned()))?;
        let kind = secret["type"]
            .as_str()
            .filter(|kind| !kind.is_empty())
            .unwrap_or(OPAQUE);
        self.change(|work| work.create_secret(name, kind))?;
        Ok(Empty {})
    }

    pub fn delete_secret(&self, _: &Call, request: &SecretRequest) -> Result<Empty, Status> {
        self.change(|work| work.delete_secret(named(request)))?;
        Ok(Empty {})
    }

    pub fn inspect_secret(&self, _: &Call, request: &SecretRequest) -> Result<SecretInfo, Status> {
        let secrets = self.store.secrets()?;
        let found = secrets.iter().find(|secret| secret.name == named(request));
        found.map(info).ok_or_else(|| {
            let missing = Refusal::SecretNotFound(named(request).to_owned());
            self.refused(&missing.within("failed to get secret"))
        })
    }

    pub fn list_secret(&self, _: &Call) -> Result<SecretInfos, Status> {
        let secrets = self.store.secrets()?;
        Ok(SecretInfos {
            secret_info: secrets.iter().map(info).collect(),
        })
    }
}
