//! One context: what the file says of a cluster.

use std::fmt;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;

use super::error::{ContextError, Text};
use super::fields::{Fields, field};
use crate::settings::address::{Address, AddressError};
use pachyderm_client::connection::tls::Authorities;
use pachyderm_client::connection::token::Token;
use spoutctl_core::pfs::ProjectName;

/// One cluster, as the file tells of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Context {
    pub name: String,
    /// The file it stands in.
    pub path: PathBuf,
    /// Where the cluster is: its own address, or that of a port-forward that pachctl keeps.
    pub address: Option<Address>,
    pub authorities: Option<Authorities>,
    pub token: Option<Token>,
    pub project: Option<ProjectName>,
    /// The id of the deployment that pachctl met there first.
    pub deployment: Option<String>,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("name", &self.name)
            .field("path", &self.path)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// A context's fields, as they are read.
pub(super) struct Reading<'a> {
    pub file: &'a Text,
    pub place: Vec<&'a str>,
    pub fields: Option<&'a Fields>,
}

impl Reading<'_> {
    pub fn context(&self, name: &str) -> Result<Context, ContextError> {
        if self.fields.is_none() {
            return Err(self.file.wrong(&self.place, "a context is an object", "mend the file"));
        }
        let own = self.address()?;
        let authorities = self.authorities(own.as_ref())?;
        Ok(Context {
            name: name.to_owned(),
            path: self.file.path.clone(),
            address: match own {
                None => self.forwarded()?,
                own => own,
            },
            authorities,
            token: self.token()?,
            project: self.project()?,
            deployment: self.text("cluster_deployment_id")?.map(str::to_owned),
        })
    }

    fn wrong(&self, name: &str, what: impl Into<String>, help: &str) -> ContextError {
        let place: Vec<&str> = self.place.iter().copied().chain([name]).collect();
        self.file.wrong(&place, what, help)
    }

    /// A text that is set.
    fn text(&self, name: &str) -> Result<Option<&str>, ContextError> {
        match self.fields.and_then(|fields| field(fields, name)) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
            Some(_) => Err(self.wrong(name, format!("`{name}` is no string"), "mend the file")),
        }
    }

    /// pachctl speaks gRPC whatever the scheme; `https` only means TLS to it.
    fn address(&self) -> Result<Option<Address>, ContextError> {
        let Some(text) = self.text("pachd_address")? else {
            return Ok(None);
        };
        let address = Address::as_pachctl_reads_it(text);
        let wrong = |error: AddressError| self.wrong("pachd_address", error.to_string(), &error.help());
        address.map(Some).map_err(wrong)
    }

    /// What `pachctl port-forward` has noted while it runs.
    fn forwarded(&self) -> Result<Option<Address>, ContextError> {
        let forwarders = self.fields.and_then(|fields| field(fields, "port_forwarders"));
        let Some(port) = forwarders.and_then(|forwarders| forwarders.get("pachd")) else {
            return Ok(None);
        };
        let number = port.as_u64().and_then(|port| u16::try_from(port).ok());
        match number {
            Some(port) => Ok(Some(Address::Grpc(format!("grpc://localhost:{port}")))),
            None => Err(self.wrong("port_forwarders", "this is no port", "mend the file")),
        }
    }

    fn authorities(&self, address: Option<&Address>) -> Result<Option<Authorities>, ContextError> {
        const HELP: &str = "pachctl config update context --server-cas takes the base64 of a PEM file";
        let Some(text) = self.text("server_cas")? else {
            return Ok(None);
        };
        if !address.is_some_and(Address::is_encrypted) {
            let what = "certificates are given, and the context's `pachd_address` does not start with grpcs://";
            return Err(self.wrong(
                "server_cas",
                what,
                "pachctl config update context --pachd-address grpcs://HOST:PORT",
            ));
        }
        let pem = BASE64.decode(text.trim());
        let pem = pem.map_err(|_| self.wrong("server_cas", "this is no base64", HELP))?;
        let authorities = Authorities::from_pem(&pem);
        let authorities = authorities.map_err(|why| self.wrong("server_cas", why.to_string(), HELP))?;
        Ok(Some(authorities))
    }

    fn token(&self) -> Result<Option<Token>, ContextError> {
        let token = self.text("session_token")?.map(Token::new).transpose();
        token.map_err(|why| {
            self.wrong(
                "session_token",
                why.to_string(),
                "spoutctl auth use-token, or pachctl auth login",
            )
        })
    }

    fn project(&self) -> Result<Option<ProjectName>, ContextError> {
        let project = self.text("project")?.map(ProjectName::new).transpose();
        project.map_err(|why| {
            self.wrong(
                "project",
                why.to_string(),
                "pachctl config update context --project NAME",
            )
        })
    }
}
