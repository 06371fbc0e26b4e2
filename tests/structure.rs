//! What holds of all our source: files, functions and lines that are read at a look, and no circle of modules; and of what
//! others have written and is built in: it is from the registry, under licences that allow it.

#![allow(clippy::unwrap_used, reason = "a test that cannot read the source fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

/// The longest file that is no test, in lines.
const FILE: usize = 600;
/// The longest function that is no test, in lines.
const FUNCTION: usize = 80;
/// The longest line, in characters.
const LINE: usize = 120;

/// A module that has a file, or is written within one: `crate`, then the names on the way to it.
type Module = Vec<String>;

/// All of one crate, without what is compiled for tests only.
struct Crate {
    name: String,
    modules: BTreeMap<Module, Contents>,
}

#[derive(Default)]
struct Contents {
    file: PathBuf,
    /// The file in which it stands.
    owner: Module,
    /// What `use` gives another name to here, and what that is.
    imported: BTreeMap<String, Module>,
    /// Modules from which `use` takes everything.
    globs: Vec<Module>,
    defined: BTreeSet<String>,
    /// All paths, as they are written.
    paths: BTreeSet<Module>,
}

/// Licences under which anything may be built in.
const LICENCES: [&str; 9] = [
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Zlib",
];

#[test]
fn what_is_built_in_comes_from_the_registry_and_under_licences_that_allow_it() {
    let metadata = std::process::Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--all-features"])
        .args(["--filter-platform", "x86_64-unknown-linux-gnu"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        metadata.status.success(),
        "{}",
        String::from_utf8_lossy(&metadata.stderr)
    );
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let built: BTreeSet<&str> = metadata["resolve"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| node["id"].as_str().unwrap())
        .collect();
    let packages = metadata["packages"].as_array().unwrap();
    let mut wrong = Vec::new();
    for package in packages
        .iter()
        .filter(|one| built.contains(one["id"].as_str().unwrap()))
    {
        // Our own have no source.
        let is_known = package["source"]
            .as_str()
            .is_none_or(|source| source.starts_with("registry+"));
        let licence = package["license"].as_str().unwrap_or_default();
        if !is_known || !is_allowed(licence) {
            wrong.push(format!("{}: {}, {licence:?}", package["name"], package["source"]));
        }
    }
    assert!(built.len() > 100, "{}", built.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether of each part of an expression one alternative is in the list.
fn is_allowed(expression: &str) -> bool {
    let expression = expression.replace(['(', ')'], "").replace('/', " OR ");
    expression.split(" AND ").all(|part| {
        let mut alternatives = part.split(" OR ").map(str::trim);
        alternatives.any(|licence| LICENCES.contains(&licence))
    })
}

#[test]
fn no_modules_of_a_crate_need_each_other_in_a_circle() {
    let circles: Vec<String> = crates().iter().flat_map(Crate::circles).collect();
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}

#[test]
fn a_circle_is_found_through_names_that_are_handed_on() {
    let lib = ("lib.rs", "mod one; mod two; pub use one::One;");
    let one = (
        "one.rs",
        "pub struct One; fn one() -> String { format!(\"{}\", crate::two::TWO) }",
    );
    let two = ("two.rs", "use crate::One; pub const TWO: u8 = 2; fn two(_: One) {}");
    let circles = circles_of(&[lib, one, two]);
    let ends = |text: &str| circles.iter().any(|circle| circle.contains(text));
    assert_eq!(circles.len(), 2, "{circles:?}");
    assert!(
        ends("crate::one needs crate::two") && ends("crate::two needs crate::one"),
        "{circles:?}"
    );
    // What tests need is no part of it.
    let two = (
        "two.rs",
        "pub const TWO: u8 = 2; #[cfg(test)] mod tests { use crate::One; }",
    );
    assert_eq!(circles_of(&[lib, one, two]), [""; 0]);
}

#[test]
fn a_circle_is_found_through_a_function_called_like_a_module_that_is_imported_there() {
    let circles = circles_of(&[
        ("lib.rs", "mod one; mod two; mod three;"),
        ("one.rs", "pub fn one() -> u8 { crate::two::three() }"),
        ("two.rs", "use crate::three; pub fn three() -> u8 { crate::one::one() }"),
        ("three.rs", ""),
    ]);
    assert_eq!(circles.len(), 2, "{circles:?}");
}

/// The circles of a crate of these files.
fn circles_of(files: &[(&str, &str)]) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("src")).unwrap();
    for (name, text) in files {
        fs::write(dir.path().join("src").join(name), text).unwrap();
    }
    Crate::read(dir.path(), "one".to_owned()).circles()
}

#[test]
fn every_file_and_function_is_short_enough_to_be_read() {
    let files: BTreeSet<PathBuf> = crates()
        .into_iter()
        .flat_map(|one| one.modules.into_values().map(|module| module.file))
        .collect();
    let long: Vec<String> = files.iter().flat_map(|file| too_long(file)).collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

/// What is too long of a file, without its tests.
fn too_long(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    let parsed = syn::parse_file(&text).unwrap();
    let tests: usize = parsed.items.iter().filter_map(lines_of_tests).sum();
    let lines = text.lines().count() - tests;
    let mut long = Vec::new();
    if lines > FILE {
        long.push(format!("{}: {lines} lines", file.display()));
    }
    let mut functions = Functions::default();
    functions.visit_file(&parsed);
    let functions = functions.long.into_iter();
    long.extend(functions.map(|(name, line, length)| format!("{}:{line}: {name} has {length} lines", file.display())));
    long
}

/// How many lines a module has that is compiled for tests only, and stands in the file.
fn lines_of_tests(item: &syn::Item) -> Option<usize> {
    let syn::Item::Mod(item) = item else { return None };
    let (braces, _) = item.content.as_ref().filter(|_| is_for_tests(&item.attrs))?;
    Some(braces.span.close().end().line - item.ident.span().start().line + 1)
}

#[test]
fn no_line_is_too_wide_but_rows_of_tables() {
    let root = root();
    let mut wide = Vec::new();
    let members = fs::read_dir(root.join("crates")).unwrap();
    let members = members.map(|entry| entry.unwrap().path());
    let roots = members.map(|dir| dir.join("src")).chain([root.join("src")]);
    for file in roots.flat_map(|dir| sources(&dir)) {
        for (number, line) in fs::read_to_string(&file).unwrap().lines().enumerate() {
            let length = line.chars().count();
            let is_row = line.trim_start().starts_with("//! |");
            if length > LINE && !is_row && !is_of_tests(&file) {
                wide.push(format!("{}:{}: {length} columns", file.display(), number + 1));
            }
        }
    }
    assert!(wide.is_empty(), "{}", wide.join("\n"));
}

fn is_of_tests(file: &Path) -> bool {
    file.file_stem().is_some_and(|name| name == "tests")
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below a directory, but for what is built.
fn sources(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn crates() -> Vec<Crate> {
    let root = root();
    let members = fs::read_dir(root.join("crates"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let name = |dir: &Path| dir.file_name().unwrap().to_string_lossy().into_owned();
    let members = members.map(|dir| Crate::read(&dir, name(&dir)));
    // A clone may be called like one of the crates.
    let mut all: Vec<Crate> = members.chain([Crate::read(&root, "spoutctl".to_owned())]).collect();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all
}

fn module(names: &[&str]) -> Module {
    names.iter().map(|&name| name.to_owned()).collect()
}

impl Crate {
    fn read(dir: &Path, name: String) -> Self {
        let mut read = Self {
            name,
            modules: BTreeMap::new(),
        };
        read.file(&module(&["crate"]), &dir.join("src/lib.rs"), &dir.join("src"));
        read
    }

    /// Reads the file of a module whose own modules are in `dir`, and theirs.
    fn file(&mut self, name: &Module, file: &Path, dir: &Path) {
        let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let parsed = syn::parse_file(&text).unwrap();
        self.items(name, name, file, dir, &parsed.items);
    }

    fn items(&mut self, name: &Module, owner: &Module, file: &Path, dir: &Path, items: &[syn::Item]) {
        let mut contents = Contents {
            file: file.to_owned(),
            owner: owner.clone(),
            ..Contents::default()
        };
        for item in items {
            if !is_for_tests(attributes(item)) {
                contents.visit_item(item);
            }
        }
        self.modules.insert(name.clone(), contents);
        for item in items {
            let syn::Item::Mod(item) = item else { continue };
            if is_for_tests(&item.attrs) {
                continue;
            }
            let child = item.ident.to_string();
            let below = [name.clone(), vec![child.clone()]].concat();
            let dir_below = dir.join(&child);
            match &item.content {
                Some((_, items)) => self.items(&below, owner, file, &dir_below, items),
                None => self.file(&below, &dir.join(format!("{child}.rs")), &dir_below),
            }
        }
    }

    /// Where what a path names is defined; `None` outside this crate.
    fn resolve(&self, from: &Module, path: &[String], depth: usize) -> Option<Module> {
        let mut at = from.clone();
        let mut rest = path;
        match path.first()?.as_str() {
            "crate" => {
                at = module(&["crate"]);
                rest = &path[1..];
            }
            "self" => rest = &path[1..],
            "super" => {
                while rest.first().is_some_and(|name| name == "super") {
                    at.pop();
                    rest = &rest[1..];
                }
            }
            first => {
                let contents = &self.modules[from];
                let below = [at.clone(), vec![first.to_owned()]].concat();
                if !self.modules.contains_key(&below) && !contents.imported.contains_key(first) {
                    return None;
                }
            }
        }
        while let Some(name) = rest.first() {
            let below = [at.clone(), vec![name.clone()]].concat();
            if self.modules.contains_key(&below) {
                at = below;
                rest = &rest[1..];
                continue;
            }
            let contents = self.modules.get(&at)?;
            if depth > 8 {
                return None;
            }
            // A function may be called like a module that is imported where it is defined.
            let is_of_here = rest.len() == 1 && contents.defined.contains(name);
            if let Some(target) = contents.imported.get(name).filter(|_| !is_of_here) {
                let whole = [target.clone(), rest[1..].to_vec()].concat();
                return self.resolve(&at, &whole, depth + 1);
            }
            if !contents.defined.contains(name) {
                for glob in &contents.globs {
                    let whole = [glob.clone(), rest.to_vec()].concat();
                    if let Some(found) = self.resolve(&at, &whole, depth + 1)
                        && found != at
                    {
                        return Some(found);
                    }
                }
            }
            break;
        }
        self.modules.contains_key(&at).then_some(at)
    }

    /// Which files need which.
    fn edges(&self) -> BTreeMap<Module, BTreeSet<Module>> {
        let mut edges: BTreeMap<Module, BTreeSet<Module>> = BTreeMap::new();
        for (name, contents) in &self.modules {
            let from = edges.entry(contents.owner.clone()).or_default();
            for path in contents.paths.iter().chain(&contents.globs) {
                let Some(to) = self.resolve(name, path, 0) else {
                    continue;
                };
                let to = &self.modules[&to].owner;
                if *to != contents.owner {
                    from.insert(to.clone());
                }
            }
        }
        edges
    }

    /// One of the paths by which a file needs another.
    fn because(&self, name: &Module, other: &Module) -> String {
        let inside = self.modules.iter().filter(|(_, contents)| contents.owner == *name);
        for (name, contents) in inside {
            for path in contents.paths.iter().chain(&contents.globs) {
                if self
                    .resolve(name, path, 0)
                    .is_some_and(|to| self.modules[&to].owner == *other)
                {
                    return path.join("::");
                }
            }
        }
        String::new()
    }

    fn circles(&self) -> Vec<String> {
        let edges = self.edges();
        let follow = |from: &Module| {
            let mut seen = BTreeSet::new();
            let mut next: Vec<&Module> = edges[from].iter().collect();
            while let Some(at) = next.pop() {
                if seen.insert(at) {
                    next.extend(&edges[at]);
                }
            }
            seen
        };
        let reached: BTreeMap<&Module, BTreeSet<&Module>> = edges.keys().map(|name| (name, follow(name))).collect();
        let mut circles = Vec::new();
        for (name, to) in &edges {
            for other in to {
                if reached[other].contains(name) {
                    let because = &self.because(name, other);
                    circles.push(format!(
                        "{}: {} needs {} ({because}), and is needed for it",
                        self.name,
                        name.join("::"),
                        other.join("::")
                    ));
                }
            }
        }
        circles
    }
}

impl Contents {
    fn import(&mut self, before: &Module, tree: &syn::UseTree) {
        let with = |name: &syn::Ident| [before.clone(), vec![name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.import(&with(&path.ident), &path.tree),
            syn::UseTree::Name(name) if name.ident == "self" => self.bind(before.last().cloned(), before.clone()),
            syn::UseTree::Name(name) => self.bind(Some(name.ident.to_string()), with(&name.ident)),
            syn::UseTree::Rename(rename) => self.bind(Some(rename.rename.to_string()), with(&rename.ident)),
            syn::UseTree::Glob(_) => self.globs.push(before.clone()),
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.import(before, tree)),
        }
    }

    fn bind(&mut self, name: Option<String>, path: Module) {
        // `use jiff;` and the like would name themselves.
        if path.len() > 1
            && let Some(name) = name
        {
            self.imported.insert(name, path.clone());
        }
        self.note(path);
    }

    /// A name that stands alone is one of here: what it was imported from is noted already.
    fn note(&mut self, path: Module) {
        if path.len() > 1 {
            self.paths.insert(path);
        }
    }

    /// Paths in what macros are given, which is no syntax yet.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Module = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(name) if colons == 2 || path.is_empty() => {
                    path.push(name.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' && !path.is_empty() => colons += 1,
                other => {
                    self.note(std::mem::take(&mut path));
                    colons = 0;
                    match other {
                        TokenTree::Group(group) => self.tokens(group.stream()),
                        TokenTree::Ident(name) => path.push(name.to_string()),
                        _ => {}
                    }
                }
            }
        }
        self.note(path);
    }
}

impl<'ast> Visit<'ast> for Contents {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if is_for_tests(attributes(item)) {
            return;
        }
        match item {
            // Read as modules of their own.
            syn::Item::Mod(_) => return,
            syn::Item::Use(item) => return self.import(&Vec::new(), &item.tree),
            syn::Item::Struct(item) => drop(self.defined.insert(item.ident.to_string())),
            syn::Item::Enum(item) => drop(self.defined.insert(item.ident.to_string())),
            syn::Item::Fn(item) => drop(self.defined.insert(item.sig.ident.to_string())),
            syn::Item::Trait(item) => drop(self.defined.insert(item.ident.to_string())),
            syn::Item::Const(item) => drop(self.defined.insert(item.ident.to_string())),
            syn::Item::Type(item) => drop(self.defined.insert(item.ident.to_string())),
            _ => {}
        }
        visit::visit_item(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !is_for_tests(&item.attrs) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names = path.segments.iter().map(|segment| segment.ident.to_string());
        self.note(names.collect());
        visit::visit_path(self, path);
    }

    /// `pub(super)` needs nothing of what is above.
    fn visit_vis_restricted(&mut self, _: &'ast syn::VisRestricted) {}

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.tokens(item.tokens.clone());
        visit::visit_macro(self, item);
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            self.tokens(list.tokens.clone());
        }
    }
}

/// Functions that are longer than they may be.
#[derive(Default)]
struct Functions {
    long: Vec<(String, usize, usize)>,
}

impl Functions {
    fn look(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let (first, last) = (
            signature.ident.span().start().line,
            block.brace_token.span.close().end().line,
        );
        let length = last - first + 1;
        if length > FUNCTION {
            self.long.push((signature.ident.to_string(), first, length));
        }
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !is_for_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.look(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.look(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.look(&item.sig, block);
        }
    }
}

fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Macro(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Trait(item) => &item.attrs,
        syn::Item::Type(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Whether it is compiled for tests only.
fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let syn::Meta::List(list) = &attribute.meta else {
            return false;
        };
        attribute.path().is_ident("cfg") && list.tokens.to_string() == "test"
    })
}
