//! The page at `/`, over HTTP, and in a browser.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::runner::{World, has_program, skip, tar, words};
use crate::served::{Answer, Served};

const PNG: &[u8] = include_bytes!("page.png");
/// What must never become markup, wherever it stands.
const EVIL: &str = "<script>alert(1)</script>&\"'<img src=x onerror=alert(2)>";

fn get(served: &Served, path: &str) -> Answer {
    served.request("GET", path, &[], b"")
}

fn world(served: &Served) -> World {
    World::at(&served.url())
}

/// A store with what there is to show: streams, messages of somebody, errors, directories, pictures, pipelines.
fn filled() -> Served {
    let served = Served::start();
    let world = world(&served);
    let page = format!("<html><script>alert(3)</script>{EVIL}</html>");
    let first: &[(&str, &[u8])] = &[
        ("d/e/deep.txt", b"deep\n"),
        ("d/table.csv", b"a,b\n1,2\n"),
        ("evil.html", page.as_bytes()),
        (
            "evil.svg",
            b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(4)</script></svg>",
        ),
        ("<b>&\"'.json", b"{\"a\":[1,2,{\"b\":null}]}"),
        ("picture.png", PNG),
        ("bytes", b"\x00\x01\x02"),
    ];
    let put = ["put", "events", "--create-repo", "--stream", "sensors"];
    world.run_with(&put, &tar(first)).expect(0);
    let second: &[(&str, &[u8])] = &[("d/table.csv", b"a,b\n3,4\n"), ("new", b"1")];
    world.run_with(&put, &tar(second)).expect(0);
    let repo = serde_json::json!({"name": "events", "type": "user", "project": {"name": "default"}});
    let started = served.ask(
        "pfs_v2.API/StartCommit",
        &serde_json::json!({"branch": {"repo": repo, "name": "master"}, "description": EVIL}),
    );
    let finish = serde_json::json!({"commit": started, "error": EVIL});
    served.ask("pfs_v2.API/FinishCommit", &finish);
    let described = serde_json::json!({"repo": {"name": "evil", "type": "user", "project": {"name": "default"}}, "description": EVIL});
    served.ask("pfs_v2.API/CreateRepo", &described);
    let spec = world.path("orders.yaml");
    let text = "pipeline: {name: orders}\nspout: {}\ntransform: {image: 'a:latest', cmd: [put, '</pre><script>alert(5)</script>']}\n";
    fs::write(&spec, text).unwrap();
    world
        .run(&["create", "-f", spec.to_str().unwrap(), "--no-lint"])
        .expect(0);
    served
}

/// The addresses of this server that a page leads to.
fn links(page: &str) -> Vec<String> {
    let attributes = [" href=\"", " src=\"", " data-live=\""];
    let of_one = |attribute: &'static str| {
        page.split(attribute)
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap().replace("&amp;", "&"))
    };
    attributes.into_iter().flat_map(of_one).collect()
}

/// Every page that can be reached from the first, with its answer.
fn all_pages(served: &Served) -> BTreeMap<String, Answer> {
    let mut pages = BTreeMap::new();
    let mut ahead = vec!["/".to_owned()];
    while let Some(path) = ahead.pop() {
        assert!(path.starts_with('/') && !path.starts_with("//"), "{path} leads away");
        // Its answer has no end.
        if pages.contains_key(&path) || path.starts_with("/page/live/") {
            continue;
        }
        let answer = get(served, &path);
        if answer.header("content-type") == Some("text/html; charset=utf-8") {
            ahead.extend(links(&answer.text()));
        }
        pages.insert(path, answer);
    }
    pages
}

#[test]
fn every_link_leads_somewhere_and_no_name_or_message_becomes_markup() {
    let served = filled();
    let pages = all_pages(&served);
    let kinds: BTreeSet<&str> = pages.keys().filter_map(|path| path.split('/').nth(2)).collect();
    for kind in [
        "repo",
        "commit",
        "file",
        "picture",
        "diff",
        "pipeline",
        "style.css",
        "live.js",
    ] {
        assert!(kinds.contains(kind), "{kind}: {kinds:?}");
    }
    for (path, answer) in &pages {
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        if path.starts_with("/pfs/") {
            let kind = answer.header("content-type").unwrap();
            assert!(
                ["text/plain; charset=utf-8", "application/octet-stream"].contains(&kind),
                "{path}: {kind}"
            );
            continue;
        }
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            policy.contains("default-src 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
        if answer.header("content-type") != Some("text/html; charset=utf-8") {
            continue;
        }
        let text = answer.text();
        for markup in ["<script>", "<img src=x", "<b>", "onerror=alert(2)>", "<svg"] {
            assert!(!text.contains(markup), "{path} has {markup}: {text}");
        }
        let scripts = text.matches("<script").count();
        let ours = text
            .matches("<script src=\"/page/live.js\" data-live=\"/page/live/")
            .count();
        assert_eq!(scripts, ours, "{path}");
    }
    let shows = |start: &str, what: &str| {
        let mut of_kind = pages.iter().filter(|(path, _)| path.starts_with(start));
        assert!(
            of_kind.any(|(_, answer)| answer.text().contains(what)),
            "no {start} has {what}"
        );
    };
    shows("/page/repo/", "sensors #1");
    shows("/page/repo/", "&lt;script&gt;alert(1)&lt;/script&gt;&amp;");
    shows("/page/commit/", "href=\"/page/commit/default/events/");
    shows("/page/file/", "&quot;a&quot;: [");
    shows("/page/file/", "&lt;script&gt;alert(4)&lt;/script&gt;");
    shows("/page/file/", "It is no text.");
    shows("/page/diff/", "/d/table.csv");
    shows("/page/diff/", "<code>3,4</code>");
    shows("/page/pipeline/", "image-tag");
    let picture = pages
        .iter()
        .find(|(path, _)| path.starts_with("/page/picture/"))
        .unwrap()
        .1;
    assert_eq!(
        (picture.header("content-type"), picture.body.as_slice()),
        (Some("image/png"), PNG)
    );
}

#[test]
fn only_pictures_are_sent_as_pictures_and_what_is_not_there_is_said() {
    let served = filled();
    let id = served.ask(
        "pfs_v2.API/InspectBranch",
        &serde_json::json!({"branch": {"repo": {"name": "events", "type": "user"}, "name": "master"}}),
    );
    let id = id["head"]["id"].as_str().unwrap().to_owned();
    for path in [
        format!("/page/picture/default/events/{id}?path=/evil.svg"),
        format!("/page/file/default/events/{id}?path=/none"),
        format!("/page/file/default/events/{id}"),
        "/page/repo/default/none".to_owned(),
        "/page/repo/default/events?branch=%3Cb%3E".to_owned(),
        "/page/commit/default/events/0123456789ab4cde8123456789abcdef".to_owned(),
        "/page/pipeline/default/none".to_owned(),
        "/page/none".to_owned(),
        "/page/live/default/none".to_owned(),
    ] {
        let answer = get(&served, &path);
        assert_eq!(answer.status, 404, "{path}: {}", answer.text());
        assert!(
            answer.text().contains("Not there") && !answer.text().contains("<b>"),
            "{path}"
        );
        assert!(answer.header("content-security-policy").is_some());
    }
    assert_eq!(served.request("POST", "/", &[], b"").status, 405);
    assert_eq!(served.request("HEAD", "/", &[], b"").body, b"");
}

#[test]
fn pages_are_guarded_as_the_api_is() {
    let served = filled();
    for (name, value, status) in [
        ("host", "evil.example", 421),
        ("origin", "http://evil.example", 403),
        ("host", "localhost", 200),
    ] {
        assert_eq!(
            served.request("GET", "/", &[(name, value)], b"").status,
            status,
            "{value}"
        );
    }
    let directory = tempfile::tempdir().unwrap();
    let users = directory.path().join("users");
    fs::write(&users, "pach:root root-token\nuser:eve eve-token\n").unwrap();
    fs::set_permissions(&users, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let args = ["--token-file", users.to_str().unwrap()];
    let served = Served::over(&directory.path().join("store"), &args);
    World::at(&served.url())
        .with_token(Some("root-token".to_owned()))
        .run_with(&["put", "secret", "--create-repo"], &tar(&[("f", b"x")]))
        .expect(0);
    let status = |path: &str, token: &str| served.request("GET", path, &[("authn-token", token)], b"").status;
    assert_eq!(get(&served, "/").status, 401);
    assert_eq!(status("/", "wrong"), 401);
    assert_eq!(status("/page/repo/default/secret", "root-token"), 200);
    assert_eq!(status("/page/repo/default/secret", "eve-token"), 403);
    assert_eq!(status("/page/live/default/secret", "eve-token"), 403);
}

#[test]
fn a_sidecar_has_no_page_and_an_older_pachd_has_one() {
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("store");
    let sidecar = Served::over(&store, &["--as-spout", "orders"]);
    assert_eq!(get(&sidecar, "/").status, 404);
    let older = Served::over(&store, &["--pachyderm", "2.3"]);
    assert_eq!(get(&older, "/page/repo/default/orders").status, 200);
    assert_eq!(
        older.request("POST", "/api/pfs_v2.API/ListRepo", &[], b"{}").status,
        404
    );
}

#[test]
fn long_lists_go_on_behind_a_link_and_each_thing_is_there_once() {
    let served = Served::start();
    let world = world(&served);
    let names: Vec<String> = (0..450).map(|number| format!("many/{number:03}")).collect();
    // Just behind the directory, in the order of bytes.
    let beside = ["many0", "many-"].map(|name| (name, &b"x"[..]));
    let files = names.iter().map(|name| (name.as_str(), &b"x"[..]));
    let files: Vec<(&str, &[u8])> = files.chain(beside).collect();
    let archives: Vec<u8> = (0..119).flat_map(|_| tar(&[("f", b"x")])).chain(tar(&files)).collect();
    world.run_with(&["put", "events", "--create-repo"], &archives).expect(0);
    let follow = |start: &str, what: &str| {
        let (mut path, mut found, mut pages) = (start.to_owned(), Vec::new(), 0);
        loop {
            let page = get(&served, &path).text();
            pages += 1;
            let main = page.split("<main>").nth(1).unwrap();
            let table = main.split("<tbody>").nth(1).unwrap().split("</tbody>").next().unwrap();
            found.extend(links(table).into_iter().filter(|link| link.contains(what)));
            let Some(next) = main.split("rel=\"next\" href=\"").nth(1) else {
                return (found, pages);
            };
            path = next.split('"').next().unwrap().replace("&amp;", "&");
        }
    };
    let (commits, pages) = follow("/page/repo/default/events", "/page/commit/");
    assert_eq!((commits.len(), pages), (120, 3));
    assert_eq!(commits.iter().collect::<BTreeSet<_>>().len(), 120);
    let (root, _) = follow(&commits[0], "");
    let ends: Vec<&str> = root.iter().map(|link| link.rsplit('=').next().unwrap()).collect();
    assert_eq!(ends, ["/f", "/many-", "/many/", "/many0"]);
    let root = &root[2..3];
    let (files, pages) = follow(&root[0], "/page/file/");
    assert_eq!((files.len(), pages), (450, 3));
    assert!(files.is_sorted() && files[449].ends_with("/many/449"));
}

#[test]
fn whoever_looks_is_told_of_a_commit_when_it_arrives() {
    let served = filled();
    let mut stream = served.connect();
    write!(
        stream,
        "GET /page/live/default/events HTTP/1.1\r\nhost: {}\r\n\r\n",
        served.authority
    )
    .unwrap();
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    let head: Vec<String> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
    assert!(head[0].contains("200"), "{head:?}");
    assert!(
        head.iter().any(|line| line == "content-type: text/event-stream"),
        "{head:?}"
    );
    lines.find(|line| line.starts_with("retry: ")).unwrap();
    world(&served)
        .run_with(&["put", "events"], &tar(&[("later", b"x")]))
        .expect(0);
    lines
        .find(|line| line == "event: change")
        .expect("the connection ended");
}

/// Makes a picture of a page, as somebody sees it. The browser is told not to leave this machine, and has a directory of its own.
fn screenshot(browser: &str, url: &str, width: u32, dark: bool, to: &Path) -> bool {
    let profile = tempfile::tempdir().unwrap();
    let mut command = Command::new(browser);
    command
        .args(words(
            "--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --hide-scrollbars",
        ))
        .args(["--no-first-run", "--disable-background-networking"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("--window-size={width},900"))
        .arg(format!("--screenshot={}", to.display()));
    if dark {
        command.arg("--blink-settings=preferredColorScheme=0");
    }
    let mut child = command
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > Duration::from_mins(2) {
            child.kill().unwrap();
            child.wait().unwrap();
            return false;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    to.exists()
}

#[test]
fn a_browser_shows_it() {
    let Some(browser) = ["chromium", "chromium-browser"]
        .into_iter()
        .find(|name| has_program(name))
    else {
        skip("chromium is not installed");
        return;
    };
    let served = filled();
    let pages = all_pages(&served);
    let of_kind = |kind: &str| pages.keys().find(|path| path.starts_with(kind)).unwrap();
    // Where somebody wants to look at them.
    let kept = std::env::var_os("SPOUTCTL_TEST_SCREENSHOTS").map(std::path::PathBuf::from);
    let directory = tempfile::tempdir().unwrap();
    let directory = kept.as_deref().unwrap_or(directory.path());
    for (name, path, width, dark) in [
        ("overview", "/", 1280, false),
        ("repo", "/page/repo/default/events", 1280, true),
        ("repo", "/page/repo/default/events", 400, false),
        ("commit", of_kind("/page/commit/default/events"), 1280, false),
        ("file", of_kind("/page/file/default/events"), 400, true),
        ("diff", of_kind("/page/diff/default/events"), 1280, true),
        ("pipeline", "/page/pipeline/default/orders", 1280, false),
    ] {
        let file = directory.join(format!("{name}-{width}-{}.png", if dark { "dark" } else { "light" }));
        let made = screenshot(browser, &format!("{}{path}", served.url()), width, dark, &file);
        assert!(made, "no picture of {path}");
        // A blank one compresses to next to nothing.
        assert!(file.metadata().unwrap().len() > 5_000, "{path} is blank");
    }
    // Live arrival goes over the script.
    assert!(
        served.said().contains("GET /page/live/default/events"),
        "{}",
        served.said()
    );
}
