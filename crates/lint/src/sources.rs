//! Where a rule is established, as links.

use super::rule::Rule;

/// The state of Pachyderm that the line numbers of sources are of: what 2.12 was released from, and the last of 1.13.
const TWO: &str = "e237475e9910a2d6299d7d2c3d6fc3b9a8f28f0b";
const ONE: &str = "d382d702f8d685c74e972eb63c70883055983dfb";

/// What sources call by a name.
const NAMED: &[(&str, &str)] = &[
    ("encoding/json", "https://pkg.go.dev/encoding/json"),
    ("yaml.v3", "https://github.com/go-yaml/yaml/tree/v3.0.1"),
    (
        "protojson",
        "https://pkg.go.dev/google.golang.org/protobuf/encoding/protojson",
    ),
    ("jsonpb", "https://pkg.go.dev/github.com/gogo/protobuf/jsonpb"),
    ("time.ParseDuration", "https://pkg.go.dev/time#ParseDuration"),
    ("go-jsonnet", "https://github.com/google/go-jsonnet/tree/v0.20.0"),
    (
        "apimachinery",
        "https://github.com/kubernetes/apimachinery/tree/v0.29.0",
    ),
];

/// Where a rule is explained: in the page of all rules, where this package says where it is kept, and else its source.
#[must_use]
pub fn link(rule: &Rule) -> Option<String> {
    let repository = env!("CARGO_PKG_REPOSITORY");
    if repository.is_empty() {
        return links(rule.source).into_iter().next();
    }
    Some(format!(
        "{}/blob/main/docs/rules.md#{}",
        repository.trim_end_matches('/'),
        rule.id
    ))
}

/// Every place that a source names.
#[must_use]
pub fn links(source: &str) -> Vec<String> {
    let mut found: Vec<String> = source.split(';').flat_map(of_clause).collect();
    let named = NAMED.iter().filter(|(name, _)| source.contains(name));
    found.extend(named.map(|(_, url)| (*url).to_owned()));
    found
}

/// `in 1.13, src/a.go:12 and 15`: two lines of one file of one version.
fn of_clause(clause: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut file = None;
    for word in clause.split_whitespace() {
        let word = word.trim_end_matches([',', ':', '.']);
        if word.starts_with("http://") || word.starts_with("https://") {
            found.push(word.to_owned());
        } else if word.starts_with("src/") && word.contains('.') {
            let (path, lines) = word.split_once(':').unwrap_or((word, ""));
            let is_old = |folder| path.starts_with(folder);
            let is_1 = clause.contains("1.13,") || is_old("src/client/") || is_old("src/server/pkg/");
            let commit = if is_1 { ONE } else { TWO };
            let url = format!("https://github.com/pachyderm/pachyderm/blob/{commit}/{path}");
            found.push(with_lines(&url, lines));
            file = Some(url);
        } else if let Some(url) = file.as_ref().filter(|_| word.bytes().all(|byte| byte.is_ascii_digit())) {
            found.push(with_lines(url, word));
        }
    }
    found
}

fn with_lines(url: &str, lines: &str) -> String {
    match lines.split_once('-') {
        _ if lines.is_empty() => url.to_owned(),
        Some((first, last)) => format!("{url}#L{first}-L{last}"),
        None => format!("{url}#L{lines}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_links_to_each_line_that_it_names_in_the_version_that_it_is_of() {
        let found = links("src/a/b.go:12 and 15; in 1.13, src/a/c.go:3-4; run with pachctl 2.12; yaml.v3 scannerc.go");
        let blob = |commit: &str, rest: &str| format!("https://github.com/pachyderm/pachyderm/blob/{commit}/{rest}");
        let expected = [
            blob(TWO, "src/a/b.go#L12"),
            blob(TWO, "src/a/b.go#L15"),
            blob(ONE, "src/a/c.go#L3-L4"),
            "https://github.com/go-yaml/yaml/tree/v3.0.1".to_owned(),
        ];
        assert_eq!(found, expected);
        let both = links("src/pps/pps.proto of 2.x, src/client/pps/pps.proto of 1.x");
        assert_eq!(
            both,
            [blob(TWO, "src/pps/pps.proto"), blob(ONE, "src/client/pps/pps.proto")]
        );
        assert_eq!(links("our own bound"), [""; 0]);
    }

    #[test]
    fn a_rule_that_names_a_file_has_a_link_to_it() {
        for rule in crate::every_rule() {
            let files = rule.source.matches("src/").count();
            assert!(links(rule.source).len() >= files, "{rule:?}: {}", rule.source);
        }
    }
}
