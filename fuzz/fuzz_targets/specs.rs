//! Any bytes as a spec: no panic, every place within the text, strict JSON of what was read, and mending comes to rest.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spoutctl_lint::diagnostic::Safety;
use spoutctl_lint::fix::mend;
use spoutctl_lint::source::{SourceFile, Span};
use spoutctl_lint::spec::strict::to_json;
use spoutctl_lint::spec::tree::Node;
use spoutctl_lint::spec::{MAX_ALIASED, parse};
use spoutctl_lint::version::Version;
use spoutctl_lint::{Options, check};

fuzz_target!(|data: &[u8]| {
    let Some((choice, bytes)) = data.split_first() else {
        return;
    };
    let choice = usize::from(*choice);
    let name = ["a.json", "a.yaml", "-"][choice % 3];
    let versions: Vec<Version> = Version::all().collect();
    let options = Options {
        version: versions[choice / 3 % versions.len()],
        ..Options::default()
    };
    let file = SourceFile::decode(name, bytes.to_vec());
    let parsed = parse(&file);
    let mut values = 0;
    for document in &parsed.documents {
        values += walk(&document.root, &file);
        let json = to_json(&document.root);
        serde_json::from_str::<serde::de::IgnoredAny>(&json).expect("strict JSON");
    }
    // Each value takes a byte at least, its separator; those that are not written an alias's.
    assert!(values <= bytes.len() + 2 + MAX_ALIASED, "a tree larger than its text");
    for fault in &parsed.faults {
        within(fault.span, &file);
        fault.related.into_iter().for_each(|span| within(span, &file));
    }
    for found in check(&file, &options).diagnostics {
        within(found.primary.span, &file);
        found.secondary.iter().for_each(|label| within(label.span, &file));
    }
    let once = mend(&file, &options, Safety::Safe);
    let twice = mend(&once.file, &options, Safety::Safe);
    assert_eq!(once.file.text(), twice.file.text(), "mended twice");
});

/// How many values a tree has; each place in it is within the text.
fn walk(node: &Node, file: &SourceFile) -> usize {
    within(node.span, file);
    let mut values = 1;
    for member in node.members() {
        within(member.key.span, file);
        values += walk(&member.value, file);
    }
    values + node.elements().iter().map(|element| walk(element, file)).sum::<usize>()
}

fn within(span: Span, file: &SourceFile) {
    assert!(
        file.text().get(span.range()).is_some(),
        "{span:?} is outside, or within a character"
    );
}
