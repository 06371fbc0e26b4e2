//! `put` into a gateway that discards, next to the same bytes through loopback without any work on them.

use std::fs::File;
use std::path::Path;

use anyhow::Result;

use crate::Sizes;
use crate::discarding::{Gateway, Sink, post_zeros};
use crate::race::{Race, Work, timed};
use crate::samples::{Samples, length, put, run};

pub fn measure(samples: &Samples, sizes: &Sizes) -> Result<()> {
    let gateway = Gateway::start()?;
    let sink = Sink::start()?;
    let title = format!("put into a gateway that discards: one file of {} MiB", sizes.mib);
    upload(&title, &samples.large, Work::Bytes(sizes.mib << 20), &gateway, &sink)?.run(sizes.rounds)?;
    let title = format!("put into a gateway that discards: {} files of 1 KiB", sizes.files);
    upload(&title, &samples.many, Work::Files(sizes.files), &gateway, &sink)?.run(sizes.rounds)?;
    Race::new(
        format!(
            "put into a gateway that discards: {} commits of one file of 1 KiB",
            sizes.commits
        ),
        Work::Commits(sizes.commits),
    )
    .contender("spoutctl put", || timed(|| run(&mut put(&gateway.url(), &samples.row))))
    .contender("spoutctl put --in-flight 8", || {
        timed(|| run(put(&gateway.url(), &samples.row).args(["--in-flight", "8"])))
    })
    .run(sizes.rounds)
}

fn upload<'a>(title: &str, file: &'a Path, work: Work, gateway: &'a Gateway, sink: &'a Sink) -> Result<Race<'a>> {
    // Once for the number of bytes that travel: base64 and JSON around it.
    gateway.take_uploaded();
    run(&mut put(&gateway.url(), file))?;
    let body = gateway.take_uploaded();
    let archive = length(file)?;
    Ok(Race::new(title, work)
        .contender("spoutctl put", move || timed(|| run(&mut put(&gateway.url(), file))))
        .contender(format!("the {archive} bytes of the archive, raw TCP"), move || {
            timed(|| sink.send_file(&mut File::open(file)?))
        })
        .contender(format!("as many bytes as its body has ({body}), raw TCP"), move || {
            timed(|| sink.send_zeros(body))
        })
        .contender("the same into that gateway as one HTTP body", move || {
            timed(|| post_zeros(gateway, body))
        }))
}
