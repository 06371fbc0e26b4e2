//! What a collector of OpenTelemetry is sent, and that nothing depends on it.

#[cfg(feature = "otlp")]
mod collector;
#[cfg(feature = "otlp")]
mod sent;

#[cfg(not(feature = "otlp"))]
#[test]
fn a_build_without_opentelemetry_says_so_only_to_who_asks_for_details() {
    use crate::runner::{Ran, World, tar};

    let world = World::local();
    let archive = world.path("a.tar");
    std::fs::write(&archive, tar(&[("f", b"text")])).unwrap();
    let put = |verbose: &[&str]| {
        let args = [&["put", "events", "--create-repo", archive.to_str().unwrap()], verbose].concat();
        let mut command = world.command(&args);
        let ran = Ran::from(
            command
                .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
                .output()
                .unwrap(),
        );
        ran.expect(0);
        ran.stderr
            .contains("OTEL_EXPORTER_OTLP_ENDPOINT is set, and nothing is sent there")
    };
    assert!(!put(&[]));
    assert!(put(&["-v"]));
}
