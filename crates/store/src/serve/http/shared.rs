//! What every door has of the server, and who comes in.

use std::sync::Arc;
use std::time::Duration;

use hyper::header::{HeaderMap, HeaderValue};

use super::guard::Guard;
use super::log::{Entry, Observer};
use super::places::{Connection, Places};
use crate::serve::{Call, Code, Service, Status};

/// Requests that are carried out at a time, of either door. Each has a thread.
pub(super) const CALLS: usize = 256;

pub(super) struct Shared {
    pub service: Arc<Service>,
    pub guard: Guard,
    pub observer: Arc<dyn Observer>,
    pub is_sidecar: bool,
    pub patience: Duration,
    pub gateway_places: Places,
    pub grpc_places: Places,
}

impl Shared {
    pub fn entry(&self, connection: &Arc<Connection>, method: String) -> Arc<Entry> {
        Arc::new(Entry::new(Arc::clone(&self.observer), method, connection.begin()))
    }

    /// What a call comes with, if whoever makes it is let in.
    pub fn call(&self, path: &str, headers: &HeaderMap) -> Result<Call, Status> {
        let mut call = Call::new(transaction(headers));
        path.clone_into(&mut call.method);
        if !is_open(path) {
            if headers.get_all("authn-token").iter().count() > 1 {
                let text = "the request has more than one authn-token";
                return Err(Status::new(Code::InvalidArgument, text));
            }
            let token = headers.get("authn-token").map(HeaderValue::as_bytes);
            // A token that is in no file is looked up on the disk.
            call.caller = tokio::task::block_in_place(|| self.service.caller(token))?;
        }
        Ok(call)
    }
}

/// Gives the request a place until it is over.
pub(super) async fn take_place(places: &Places, entry: &Entry) -> Result<(), Status> {
    let place = places.take().await.ok_or_else(|| {
        let text = format!("{CALLS} calls are being carried out already");
        Status::new(Code::Unavailable, text)
    })?;
    entry.hold(place);
    Ok(())
}

pub(super) fn method_name(path: &str) -> String {
    path.rsplit('/').next().unwrap_or(path).to_owned()
}

fn transaction(headers: &HeaderMap) -> Option<String> {
    let header = headers.get("pach-transaction")?.to_str().ok()?;
    (!header.is_empty()).then(|| header.to_owned())
}

/// Calls that pachd answers without a token (recordings auth 032, 033).
fn is_open(path: &str) -> bool {
    matches!(
        path,
        "versionpb_v2.API/GetVersion"
            | "admin_v2.API/InspectCluster"
            | "auth_v2.API/GetOIDCLogin"
            | "grpc.health.v1.Health/Check"
    )
}
